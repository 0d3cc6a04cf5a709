"""Whole runs on the in-memory runner: what is redone, what is not, and what changes no row."""

from __future__ import annotations

import os
import pickle
import random
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pyarrow.dataset
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pipeline import PipelineVisitor
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from support.run_outputs import (
    all_rows,
    commit_files,
    listing,
    only,
    read_rows,
    run,
    settings,
    write_byte,
    write_manifest,
    write_speech,
)
from support.unit_runs import PLACEHOLDER, Scripted

from beam_audio.asr.recognizer import BatchLimits
from beam_audio.output.holder import Holder
from beam_audio.run import batch
from beam_audio.run.job import check_run
from beam_audio.transforms.transcribe import OnnxAsrModelHandler
from beam_audio.unit.transcribe import Unit, UnitReport

if TYPE_CHECKING:
    from beam_audio.types import Row

MAX_PICKLED_BYTES = 2_000


def column(rows: list[Row], name: str) -> list[Any]:
    return sorted(row[name] for row in rows)


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight recordings with odd names, and a hidden file."""
    folder = tmp_path_factory.mktemp("audio")
    names = [
        *("a.wav", "b [1].wav", "c?.wav", "d*.wav"),
        *("sub/e ü你.wav", "sub/f#%20.wav", "sub/deep/g.wav", "sub/deep/h.wav"),
    ]
    for index, name in enumerate(names):
        write_speech(folder / name, start_seconds=0.5 * index, seconds=1.5)
    (folder / ".DS_Store").write_bytes(b"hidden")
    return folder


@pytest.fixture(scope="module")
def finished(audio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run over that folder, every recording a unit of its own."""
    output = tmp_path_factory.mktemp("finished") / "out"
    assert run(input=audio, output=output, unit_bytes=1).exit_status == 0
    return output


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of that output, to damage."""
    return Path(shutil.copytree(finished, tmp_path / "copy"))


def test_every_file_of_the_folder_is_a_row_under_its_own_name(audio: Path, finished: Path) -> None:
    expected = sorted(str(path) for path in audio.rglob("*.wav"))
    assert column(read_rows(finished, "recordings"), "uri") == expected
    assert read_rows(finished, "failures") == []
    assert len(commit_files(finished)) == len(expected)


def test_what_is_not_committed_is_done_again_and_nothing_else(audio: Path, copy: Path) -> None:
    rows, before = all_rows(copy), listing(copy)
    lost = commit_files(copy)[::3]
    for path in lost:
        path.unlink()
    shutil.copy(next((copy / "recordings").rglob("part-*")), copy / "recordings" / "part-x.parquet")
    write_byte(copy, "_tmp/half-written")
    result = run(input=audio, output=copy, unit_bytes=1)
    assert (result.exit_status, result.new_inputs) == (0, len(lost))
    assert all_rows(copy) == rows
    after = listing(copy)
    assert after.keys() == before.keys()
    redone = {path.stem for path in lost}
    untouched = {name for name in before if not any(unit in name for unit in redone)}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    assert result.decoded_seconds == pytest.approx(1.5 * len(lost))


def test_another_size_of_unit_does_nothing_again(audio: Path, copy: Path) -> None:
    before = listing(copy)
    result = run(input=audio, output=copy, unit_bytes=1 << 30)
    assert (result.exit_status, result.new_inputs) == (0, 0)
    assert result.times_real_time is None
    assert listing(copy) == before


def test_a_part_of_the_input_counts_itself_only(audio: Path, copy: Path) -> None:
    result = run(input=f"{audio}/sub/**", output=copy, unit_bytes=1)
    assert (result.exit_status, result.ledger.inputs, result.new_inputs) == (0, 4, 0)


def test_a_touched_file_has_one_row(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    path = write_speech(folder / "a.wav")
    assert run(input=folder, output=output).exit_status == 0
    rows = read_rows(output, "segments")
    os.utime(path, (5, 5))
    assert run(input=folder, output=output).exit_status == 0
    assert read_rows(output, "segments") == rows
    assert len(read_rows(output, "recordings")) == 1


def test_a_changed_file_is_a_recording_of_its_own(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    path = write_speech(folder / "a.wav")
    assert run(input=folder, output=output).exit_status == 0
    write_speech(path, start_seconds=3.0)
    os.utime(path, (5, 5))
    result = run(input=folder, output=output)
    assert (result.exit_status, result.new_inputs) == (0, 1)
    assert len(read_rows(output, "recordings")) == 2


def test_a_limit_takes_the_first_and_a_later_run_the_rest(audio: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    first = run(input=audio, output=output, limit=3)
    assert (first.listed, first.exit_status) == (3, 0)
    expected = sorted(str(path) for path in audio.rglob("*.wav"))
    assert column(read_rows(output, "recordings"), "uri") == expected[:3]
    rest = run(input=audio, output=output)
    assert (rest.listed, rest.new_inputs, rest.exit_status) == (8, 5, 0)
    assert column(read_rows(output, "recordings"), "uri") == expected


def test_a_file_named_twice_is_one_row_and_a_duplicate(audio: Path, tmp_path: Path) -> None:
    line = {"audio_filepath": str(audio / "a.wav")}
    manifest = write_manifest(tmp_path / "m.jsonl", [line, line, line | {"speaker": "x"}])
    result = run(manifest=manifest, output=tmp_path / "out")
    assert (result.listed, result.ledger.inputs, result.exit_status) == (3, 1, 0)
    assert len(read_rows(tmp_path / "out", "recordings")) == 1


def test_cuts_of_one_file_are_recordings_of_their_own(audio: Path, tmp_path: Path) -> None:
    name = str(audio / "a.wav")
    lines = [
        {"audio_filepath": name, "offset": offset, "duration": 0.5} for offset in (0, 0.5, 0.75)
    ]
    manifest = write_manifest(tmp_path / "m.jsonl", [*lines, {"audio_filepath": name}])
    assert run(manifest=manifest, output=tmp_path / "out").exit_status == 0
    rows = read_rows(tmp_path / "out", "recordings")
    assert column(rows, "decoded_seconds") == [0.5, 0.5, 0.5, 1.5]


def test_the_output_below_the_input_is_no_input(tmp_path: Path) -> None:
    write_speech(tmp_path / "a.wav")
    for _ in range(2):
        result = run(input=tmp_path, output=tmp_path / "out")
        assert (result.exit_status, result.listed) == (0, 1)


# Failures and what comes of them


def test_a_failure_is_tried_again_on_request_and_then_superseded(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    write_speech(folder / "small.wav", seconds=1.0)
    write_speech(folder / "large.wav", seconds=3.0)
    flags = {"input": folder, "output": output}
    first = run(**flags, max_source_bytes=(folder / "small.wav").stat().st_size)
    assert first.exit_status == 0
    assert sum(first.ledger.failures.values()) == 1
    assert only(read_rows(output, "failures"))["error_type"] == "LimitError"

    left = run(**flags)
    assert (left.new_inputs, left.decoded_seconds) == (0, 0)
    assert len(read_rows(output, "recordings")) == 1

    tried = run(**flags, retry_failures=True)
    assert tried.exit_status == 0
    assert tried.decoded_seconds == pytest.approx(3.0)
    assert tried.ledger.failures == {}
    assert len(read_rows(output, "recordings")) == 2

    again = run(**flags, retry_failures=True)
    assert (again.decoded_seconds, again.times_real_time) == (0, None)


def test_a_failure_that_stays_counts_once_and_knows_its_attempts(tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    write_speech(folder / "good.wav")
    (folder / "bad.wav").write_bytes(b"no audio")
    for _ in range(3):
        result = run(input=folder, output=output, retry_failures=True)
        assert result.exit_status == 0
        assert sum(result.ledger.failures.values()) == 1
    table = pyarrow.dataset.dataset(f"{output}/failures", partitioning="hive").to_table()
    assert max(table.column("attempt").to_pylist()) == 3


def test_a_file_that_was_missing_is_taken_when_it_is_there(tmp_path: Path) -> None:
    output = tmp_path / "out"
    write_speech(tmp_path / "there.wav")
    lines = [{"audio_filepath": "there.wav"}, {"audio_filepath": "later.wav"}]
    manifest = write_manifest(tmp_path / "m.jsonl", lines)
    first = run(manifest=manifest, output=output)
    assert (first.exit_status, first.ledger.failures) == (0, {("input", "read", "InputError"): 1})
    write_speech(tmp_path / "later.wav", start_seconds=3.0)
    second = run(manifest=manifest, output=output)
    assert (second.exit_status, second.new_inputs) == (0, 1)
    assert second.ledger.failures == {}
    assert len(read_rows(output, "recordings")) == 2


# What changes no row


@pytest.fixture(scope="module")
def mixed(audio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of good, broken, missing, repeated and cut audio."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "bad.wav").write_bytes(b"no audio")
    lines: list[dict[str, Any] | str] = [
        {"audio_filepath": str(path), "text": "lake and river", "speaker": f"s{index % 3}"}
        for index, path in enumerate(sorted(audio.rglob("*.wav")))
    ]
    cut = {"audio_filepath": str(audio / "a.wav"), "offset": 0.25, "duration": 1}
    lines += ["{broken", {"audio_filepath": "none.wav"}, {"audio_filepath": "bad.wav"}, cut]
    lines.append(lines[0])
    return write_manifest(folder / "m.jsonl", lines)


def identity(output: Path) -> dict[str, list[Row]]:
    """All rows; of failures of manifest lines without the number, which moves with the line."""
    rows = all_rows(output)
    for row in rows["failures"]:
        row["message"] = re.sub(r"^line \d+: ", "", row["message"])
    rows["failures"].sort(key=lambda row: str(row["source_id"]))
    return rows


@pytest.fixture(scope="module")
def reference(mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    output = tmp_path_factory.mktemp("reference") / "out"
    assert run(manifest=mixed, output=output).exit_status == 0
    rows = identity(output)
    assert [len(rows[table]) for table in ("recordings", "failures")] == [9, 3]
    return rows


@pytest.mark.parametrize(
    "sizes",
    [
        {"batch_seconds": 30, "unit_bytes": 1},
        {"batch_seconds": 120, "unit_bytes": 100_000},
        {"batch_seconds": 480, "unit_bytes": 1},
    ],
)
def test_sizes_and_order_change_no_row(
    mixed: Path, reference: dict[str, list[Row]], tmp_path: Path, sizes: dict[str, int]
) -> None:
    original = mixed.read_text(encoding="utf-8")
    lines = original.splitlines()
    random.Random(sizes["batch_seconds"]).shuffle(lines)
    try:
        write_manifest(mixed, lines)
        output = tmp_path / "out"
        assert run(manifest=mixed, output=output, **sizes).exit_status == 0
    finally:
        mixed.write_text(original, encoding="utf-8")
    assert identity(output) == reference


def test_a_device_changes_no_row(
    mixed: Path,
    reference: dict[str, list[Row]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There, units, decoding threads and batches are several at a time."""

    class OnDevice(Scripted):
        """Beam refers to it weakly."""

    device = "CUDAExecutionProvider"
    limits = BatchLimits(at_a_time=2)
    on_device = OnDevice(facts=PLACEHOLDER.facts, provider=device, batch_limits=limits)
    monkeypatch.setattr(OnnxAsrModelHandler, "load_recognizer", lambda _: on_device)
    result = run(manifest=mixed, output=tmp_path / "out", batch_seconds=30, unit_bytes=100_000)
    assert (result.exit_status, result.providers) == (0, (device,))
    assert identity(tmp_path / "out") == reference


# No audio crosses a stage


class _Collections(PipelineVisitor):  # type: ignore[misc]  # Beam is untyped here
    """Collects what every user's stage gives, and what goes into a shuffle."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.shuffled: list[Any] = []

    def visit_transform(self, transform_node: Any) -> None:  # noqa: ANN401 - Beam's
        if isinstance(transform_node.transform, beam.ParDo):
            self.given += transform_node.outputs.values()
        elif isinstance(transform_node.transform, beam.GroupByKey):
            self.shuffled += transform_node.inputs


def check_small(element: object) -> None:
    parts = element
    if isinstance(element, Unit):
        parts = element.tasks
    elif isinstance(element, UnitReport):
        parts = tuple(element.commit.sources.values())
    for item in parts if isinstance(parts, tuple) else (parts,):
        size_bytes = len(pickle.dumps(item))
        assert size_bytes < MAX_PICKLED_BYTES, (type(item), size_bytes)


def test_only_small_references_travel(mixed: Path, tmp_path: Path) -> None:
    config = settings(manifest=mixed, output=tmp_path / "out")
    job = check_run(config, PipelineOptions())
    with beam.Pipeline(runner=FnApiRunner()) as graph:
        batch.build(graph, job, Holder.here(job.run_id, ends_with_process=True))
        found = _Collections()
        graph.visit(found)
        for index, given in enumerate(found.given):
            _ = given | f"small {index}" >> beam.Map(check_small)
        spread = [item for item in found.shuffled if item.producer.full_label.startswith("Read/")]
        assert len(spread) == 1
    assert read_rows(tmp_path / "out", "recordings")
