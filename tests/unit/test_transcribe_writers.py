"""Several writers at one unit: the output is that of one writer, and nothing else is left over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.bucket_servers import google_bucket
from support.unit_runs import LAYERS, Scripted, hear_loudness, ref, settings, tones, write

from beam_audio import store
from beam_audio.output import commits
from beam_audio.output.ledger import read_ledger
from beam_audio.store.output_names import TABLES
from beam_audio.types import AudioRef, Transcript
from beam_audio.unit.recut import Recut
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit, UnitReport, UnitRun, transcribe_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from beam_audio.asr import Request


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with google_bucket() as address:
        yield address


@pytest.fixture(params=["local", "gs"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "local":
        return str(tmp_path / "out")
    return f"{request.getfixturevalue('bucket')}/{tmp_path.name}"


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    return [ref(write(tmp_path / f"{i}.wav", tones([0.1 * (i + 1)] * 2))) for i in range(3)]


def says(text: str, before: Callable[[], object] = lambda: None) -> Scripted:
    """A recogniser with a fixed text; ``before`` is called before each clip."""

    def hear(_: Request) -> Transcript:
        before()
        return Transcript(text, "en")

    return Scripted(hear)


def work(
    root: str,
    inputs: Sequence[AudioRef],
    recognizer: Scripted,
    *,
    layer: str = "m",
    before: commits.Commit | None = None,
) -> UnitReport:
    """Do a new unit, or do it again from an earlier version."""
    tasks = [Task(item, Recut(item.source_id) if before else None) for item in inputs]
    new = Unit.of(tasks)
    unit = Unit(new.unit_id, new.tasks, before.version if before else 0)
    using = settings(layers=LAYERS | {"model": layer})
    return transcribe_unit(unit, UnitRun(settings=using, recognizer=recognizer, root=root))


def texts(root: str) -> set[str]:
    """All texts in part files, committed or not."""
    found = set()
    for part in store.files_under(f"{root}/segments"):
        with store.open_to_read(part.path) as file:
            found |= set(pq.ParquetFile(file).read(columns=["text"])["text"].to_pylist())
    return found


def check_whole(root: str, inputs: Sequence[AudioRef], text: str) -> None:
    """The part files are those of the record, hold one writer's rows, and the ledger balances."""
    (record,) = commits.read_commits(root)
    parts = [file for table in TABLES for file in store.files_under(f"{root}/{table}")]
    assert sorted(part.path[len(root) + 1 :] for part in parts) == sorted(record.files)
    assert texts(root) == {text}
    ledger = read_ledger(root, [item.source_id for item in inputs])
    assert ledger.balances
    assert ledger.recordings == len(inputs)


def test_an_attempt_that_fails_elsewhere_has_files_of_its_own(
    root: str, inputs: list[AudioRef]
) -> None:
    """Both attempts at the same work are done before either is committed."""
    start = threading.Barrier(2)
    waited = threading.local()

    def wait_once() -> None:
        if not getattr(waited, "done", False):
            waited.done = True
            start.wait(10)

    def fails_at_the_loudest(request: Request) -> Transcript:
        wait_once()
        if np.abs(request.samples).max(initial=0.0) > 0.25:
            raise ValueError("a hiccup")
        return Transcript("heard", "en")

    recognizers = [says("heard", wait_once), Scripted(fails_at_the_loudest)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda each: work(root, inputs, each), recognizers))
    check_whole(root, inputs, "heard")


@pytest.mark.parametrize("again", [False, True])
def test_one_of_several_writers_wins(root: str, inputs: list[AudioRef], *, again: bool) -> None:
    """All writers begin before any is done; two of them do the same work."""
    before = work(root, inputs, says("first"), layer="first").commit if again else None
    writers = ["a", "b", "b", "c"]
    start = threading.Barrier(len(writers))
    waited = threading.local()

    def wait_once() -> None:
        if not getattr(waited, "done", False):
            waited.done = True
            start.wait(10)

    def run(text: str) -> UnitReport:
        return work(root, inputs, says(text, wait_once), layer=text, before=before)

    with ThreadPoolExecutor(len(writers)) as pool:
        reports = list(pool.map(run, writers))
    (winner,) = [
        text for text, each in zip(writers, reports, strict=True) if not each.was_committed
    ]
    (record,) = commits.read_commits(root)
    assert record.version == (2 if again else 1)
    assert all(report.commit == record for report in reports)
    check_whole(root, inputs, winner)


def test_a_late_writer_changes_nothing(root: str, inputs: list[AudioRef]) -> None:
    """It pauses at version 1; meanwhile other writers commit versions 1 and 2."""
    stopped, wake = threading.Event(), threading.Event()

    def sleep() -> None:
        stopped.set()
        wake.wait(10)

    with ThreadPoolExecutor(1) as pool:
        zombie = pool.submit(work, root, inputs, says("dead", sleep), layer="dead")
        stopped.wait(10)
        first = work(root, inputs, says("first"), layer="first")
        second = work(root, inputs, says("second"), layer="second", before=first.commit)
        wake.set()
        report = zombie.result()
    assert report.was_committed
    assert report.commit == second.commit
    check_whole(root, inputs, "second")


def test_a_retry_overwrites_what_the_same_work_left(tmp_path: Path, inputs: list[AudioRef]) -> None:
    root = str(tmp_path / "out")
    first = work(root, inputs, Scripted(hear_loudness))
    (tmp_path / "out" / "_units" / f"{first.commit.unit_id}.json").unlink()
    again = work(root, inputs, Scripted(hear_loudness))
    assert again.commit.files == first.commit.files
    assert commits.delete_uncommitted(root) == 0


def test_files_of_other_work_are_deleted(tmp_path: Path, inputs: list[AudioRef]) -> None:
    root = str(tmp_path / "out")
    first = work(root, inputs, says("killed"), layer="killed")
    (tmp_path / "out" / "_units" / f"{first.commit.unit_id}.json").unlink()
    work(root, inputs, says("done"), layer="done")
    assert texts(root) == {"killed", "done"}
    assert commits.delete_uncommitted(root) == len(first.commit.files)
    check_whole(root, inputs, "done")


def test_rows_that_vanish_while_they_are_copied_are_not_an_error(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    """Another writer commits, and deletes the earlier version's files, while this one works."""
    root = str(tmp_path / "out")
    first = work(root, inputs, says("first"), layer="first").commit

    def overtake() -> None:
        if commits.read_commit(root, first.unit_id) == first:
            work(root, inputs, says("faster"), layer="faster", before=first)

    report = work(root, inputs, says("slower", overtake), layer="slower", before=first)
    assert report.was_committed
    check_whole(root, inputs, "faster")
