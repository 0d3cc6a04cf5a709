"""Reservations: an input is taken once, and taken over if its run did not finish it."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.unit_runs import (
    LAYERS,
    Scripted,
    fail_when_loud,
    levels,
    read,
    ref,
    run_unit,
    settings,
    tones,
    transcribe,
    write,
)

from beam_audio.errors import StoreError
from beam_audio.output.commits import unit_id
from beam_audio.stream.reservations import (
    HORIZON_SECONDS,
    Contradicted,
    Refusal,
    Reservation,
    forget_places,
    index_commits,
    is_committed,
    reserve,
)
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import AudioRef


@pytest.fixture
def item(tmp_path: Path) -> AudioRef:
    return ref(write(tmp_path / "a.wav", tones(levels(2))))


def take(out: Path, item: AudioRef, unit: str = "u1", run: str = "r1") -> Task | Refusal:
    return reserve(str(out), item, Reservation(unit, run))


def finish(out: Path, item: AudioRef, unit: str) -> None:
    run_unit(out, Unit(unit, (Task(item),)), recognizer=Scripted(fail_when_loud))


def files(out: Path) -> list[Path]:
    return [path for path in (out / "_places").rglob("*.json") if path.is_file()]


def test_a_new_input_is_taken_once_by_a_run(tmp_path: Path, item: AudioRef) -> None:
    assert take(tmp_path, item) == Task(item)
    assert take(tmp_path, item, unit="u2") == "repeated"


@pytest.mark.parametrize("hours", [-40 * 24, -1, 1, 40 * 24])
def test_a_clock_that_is_off_takes_nothing_over(
    tmp_path: Path, item: AudioRef, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    take(tmp_path, item, run="r2")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 3600 * hours)
    assert take(tmp_path, item, unit="u1", run="r1") == "elsewhere"
    finish(tmp_path, item, "u1")
    assert forget_places(str(tmp_path)) == 0
    assert index_commits(str(tmp_path)) == 0
    assert take(tmp_path, item, unit="u0", run="r0") == "repeated"


def test_a_message_that_says_otherwise_is_told_from_a_repeat(
    tmp_path: Path, item: AudioRef
) -> None:
    first = replace(item, updated=item.event_time, reference_text="yes", stated_in="message 1")
    assert isinstance(take(tmp_path, first), Task)
    for _ in range(2):  # in work, then committed
        assert take(tmp_path, replace(first, stated_in="message 2"), unit="u2") == "repeated"
        silent = replace(first, reference_text=None, stated_in="message 3")
        assert take(tmp_path, silent, unit="u2") == "repeated"
        other = replace(first, reference_text="no", stated_in="message 4")
        found = take(tmp_path, other, unit="u2")
        assert isinstance(found, Contradicted)
        assert found.failure.message.startswith("message 4 states another text")
        finish(tmp_path, first, "u1")


def test_the_same_unit_takes_it_again_after_a_crash(tmp_path: Path, item: AudioRef) -> None:
    assert take(tmp_path, item) == take(tmp_path, item) == Task(item)


def test_the_same_unit_takes_it_again_to_report_its_commit(tmp_path: Path, item: AudioRef) -> None:
    take(tmp_path, item)
    finish(tmp_path, item, "u1")
    task = take(tmp_path, item)
    assert isinstance(task, Task)
    assert run_unit(tmp_path, Unit("u1", (task,))).was_committed


def test_a_later_run_takes_over_an_unfinished_input(tmp_path: Path, item: AudioRef) -> None:
    take(tmp_path, item)
    assert take(tmp_path, item, unit="u2", run="r2") == Task(item)
    assert take(tmp_path, item, unit="u3", run="r2") == "repeated"


def test_a_run_that_returns_after_a_takeover_adds_no_rows_twice(tmp_path: Path) -> None:
    """Such a run was paused for longer than its leases."""
    both = [ref(write(tmp_path / f"{n}.wav", tones(levels(n + 1)))) for n in range(2)]
    for item in both:
        take(tmp_path, item)
    task = take(tmp_path, both[0], unit="u2", run="r2")
    assert isinstance(task, Task)
    run_unit(tmp_path, Unit("u2", (task,)))
    late = run_unit(tmp_path, Unit("u1", tuple(map(Task, both))))
    assert late.commit.is_closed
    assert [row["uri"] for row in read(tmp_path, "recordings")] == [both[0].uri]
    assert take(tmp_path, both[0], unit="u3") == "repeated"
    assert take(tmp_path, both[1], unit="u3") == Task(both[1])  # by the run whose unit was closed


def test_one_of_many_simultaneous_runs_gets_the_rows(tmp_path: Path, item: AudioRef) -> None:
    def work(number: int) -> None:
        task = take(tmp_path, item, unit=f"u{number}", run=f"r{number}")
        if isinstance(task, Task):
            run_unit(tmp_path, Unit(f"u{number}", (task,)))

    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(16)))
    assert len(read(tmp_path, "recordings")) == 1


def test_an_input_of_a_later_run_is_left_to_it_for_an_hour(tmp_path: Path, item: AudioRef) -> None:
    take(tmp_path, item, unit="u2", run="r2")
    assert take(tmp_path, item) == "elsewhere"
    long_ago = time.time() - 3700
    os.utime(files(tmp_path)[0], (long_ago, long_ago))
    assert take(tmp_path, item) == Task(item)


@pytest.mark.parametrize("run", ["r1", "r2"])
def test_an_input_with_rows_is_never_taken_again(tmp_path: Path, item: AudioRef, run: str) -> None:
    take(tmp_path, item)
    finish(tmp_path, item, "u1")
    assert take(tmp_path, item, unit="u2", run=run) == "repeated"


@pytest.mark.parametrize("layer", [*LAYERS, "rules"])
def test_rows_stay_as_they_are_and_new_content_is_processed(
    tmp_path: Path, item: AudioRef, layer: str
) -> None:
    """The model may have been exchanged since, or the message may state something else."""
    take(tmp_path, item)
    made_otherwise = settings(layers=LAYERS | {layer: "another"})
    run_unit(tmp_path, Unit("u1", (Task(item),)), using=made_otherwise)
    assert take(tmp_path, item, unit="u2") == "repeated"
    content = write(tmp_path / "a.wav", tones(levels(3)))
    new = ref(content, version="2", reference_text="what it says now")
    task = take(tmp_path, new, unit="u2")
    assert isinstance(task, Task)
    report = run_unit(tmp_path, Unit("u2", (task,)))
    assert report.commit.rows["recordings"] == 1
    assert take(tmp_path, new, unit="u3") == "repeated"


def test_the_same_content_written_again_is_known(tmp_path: Path, item: AudioRef) -> None:
    take(tmp_path, item)
    finish(tmp_path, item, "u1")
    written_again = replace(item, version="2")
    task = take(tmp_path, written_again, unit="u2")
    assert isinstance(task, Task)
    assert task.known
    report = run_unit(tmp_path, Unit("u2", (task,)))
    assert report.commit.sources[written_again.source_id].outcome == "known"
    assert report.commit.rows["recordings"] == 0
    assert take(tmp_path, written_again, unit="u3") == "repeated"


def test_one_of_many_simultaneous_units_gets_an_input(tmp_path: Path, item: AudioRef) -> None:
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda n: take(tmp_path, item, unit=f"u{n}"), range(24)))
    assert [task for task in taken if isinstance(task, Task)] == [Task(item)]


def test_the_file_of_a_place_stays_small(tmp_path: Path, item: AudioRef) -> None:
    for version in range(40):
        take(tmp_path, replace(item, version=str(version)), unit=f"u{version}")
    (file,) = files(tmp_path)
    assert file.stat().st_size < 5000
    assert take(tmp_path, replace(item, version="39"), unit="another") == "repeated"


def test_units_of_a_batch_are_entered_and_then_known(tmp_path: Path, item: AudioRef) -> None:
    transcribe(tmp_path, item)
    assert take(tmp_path, item, unit="other") == Task(item)
    for file in files(tmp_path):
        file.unlink()
    assert not is_committed(str(tmp_path), item.place_id, item.source_id)
    assert index_commits(str(tmp_path)) == 1
    assert index_commits(str(tmp_path)) == 0
    assert is_committed(str(tmp_path), item.place_id, item.source_id)
    assert take(tmp_path, item, unit="other") == "repeated"


def test_records_that_were_entered_are_not_read_at_every_start(
    tmp_path: Path, item: AudioRef
) -> None:
    transcribe(tmp_path, item)
    assert index_commits(str(tmp_path)) == 1
    (first,) = (tmp_path / "_units").glob("*.json")
    first.write_text("nobody looks")
    hours_ago = time.time() - 7200
    os.utime(first, (hours_ago, hours_ago))
    assert index_commits(str(tmp_path)) == 0
    transcribe(tmp_path, replace(item, version="2"))
    assert index_commits(str(tmp_path)) == 1


def test_reservations_older_than_the_horizon_are_deleted_and_not_entered(
    tmp_path: Path, item: AudioRef
) -> None:
    transcribe(tmp_path, item)
    take(tmp_path, replace(item, uri="/elsewhere"))
    assert forget_places(str(tmp_path)) == 0
    long_ago = time.time() - HORIZON_SECONDS - 60
    for path in [*files(tmp_path), *(tmp_path / "_units").iterdir()]:
        os.utime(path, (long_ago, long_ago))
    assert index_commits(str(tmp_path)) == 0
    assert forget_places(str(tmp_path)) == 1
    assert files(tmp_path) == []


def test_a_foreign_file_is_named(tmp_path: Path, item: AudioRef) -> None:
    take(tmp_path, item)
    files(tmp_path)[0].write_text("[]")
    with pytest.raises(StoreError, match=r"_places/.*delete it"):
        take(tmp_path, item)


def test_a_unit_is_named_after_all_its_inputs() -> None:
    assert unit_id(["b", "a"]) == unit_id(["a", "b"])
