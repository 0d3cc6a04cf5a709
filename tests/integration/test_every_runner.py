"""The same clips on every runner: the same rows, and the runner is the one that was asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.joined_speech import write_joined
from support.local_flink import TASK_MANAGERS, flink_cluster
from support.project import ROOT
from support.run_outputs import (
    all_rows,
    listing,
    only,
    run,
    run_files,
    settings,
    write_manifest,
)
from support.unit_runs import files

from beam_audio.export import records
from beam_audio.export.options import ExportOptions
from beam_audio.output.commits import read_commits
from beam_audio.run import batch
from beam_audio.run.exporting import export

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from support.local_flink import Flink

    from beam_audio.types import Row

    Rows = dict[str, list[Row]]


CLIPS = 60
LIMIT_SECONDS = 300
HEARD = (
    "diarization/pv_falcon.wav",
    "fsdd_8k/0_jackson_0.wav",
    "music/librosa_sir_duke_fast.ogg",
    "malformed/gone.wav",
)
"""Three people; a word; music; and a recording that is not there."""

RUNNERS = {
    "in_memory": ((), None),
    "multi_threading": (
        ("--direct_running_mode=multi_threading", "--direct_num_workers=2"),
        None,
    ),
    "multi_processing": (
        ("--direct_running_mode=multi_processing", "--direct_num_workers=2"),
        "apache_beam.runners.worker.sdk_worker_main",
    ),
    "prism": (("--runner=PrismRunner",), "/prism "),
    "flink": ((), "templates/flink/worker.py "),
}
"""Flags, and what only this runner's processes are called; Flink's flags are its cluster's."""

pytestmark = [pytest.mark.integration, pytest.mark.shared]


@pytest.fixture(scope="module")
def manifest(short_lines: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of every folder, so of every format; what is broken too; and one listed twice."""
    chosen = short_lines[:: len(short_lines) // CLIPS][:CLIPS]
    assert len(chosen) == CLIPS
    folder = tmp_path_factory.mktemp("manifest")
    return write_manifest(folder / "m.jsonl", [*chosen, chosen[0], "{broken"])


@pytest.fixture(scope="module")
def expected(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("expected") / "out"
    result = run(manifest=manifest, output=output, unit_bytes=1 << 20)
    assert result.exit_status == 0
    return output


@pytest.fixture(scope="module")
def flink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flink]:
    with flink_cluster(tmp_path_factory.mktemp("flink")) as cluster:
        yield cluster


@pytest.mark.parametrize("runner", RUNNERS)
def test_rows_are_the_same_on_every_runner(
    runner: str, manifest: Path, expected: Path, flink: Flink, tmp_path: Path
) -> None:
    flags, _ = RUNNERS[runner]
    if runner == "flink":
        flags = flink.flags
    output = tmp_path / "out"
    command = [
        *(sys.executable, "-m", "beam_audio", "run", f"--manifest={manifest}"),
        *(f"--output={output}", "--model=placeholder", f"--unit_bytes={1 << 20}", *flags),
    ]
    seen = run_watched(command, tmp_path / "log", *map(flink.process_id, TASK_MANAGERS))
    assert all_rows(output) == all_rows(expected)
    assert ledger(output) == ledger(expected)
    assert not (output / "_tmp").exists()
    for other, (_, name) in RUNNERS.items():
        if name is not None:
            assert any(name in each for each in seen) is (other == runner), sorted(seen)
    if runner == "flink":
        assert flink.only_job()["state"] == "FINISHED"
        assert flink.task_managers("Transcribe") == set(TASK_MANAGERS)


@pytest.fixture(scope="module")
def listening(
    shared_data: Path, shared_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, object]:
    """Flags of a run that tells sounds and speakers apart."""
    lines = [{"audio_filepath": str(shared_data / name)} for name in HEARD]
    manifest = write_manifest(tmp_path_factory.mktemp("heard") / "m.jsonl", lines)
    networks = {"classify_model": shared_models, "speaker_model": shared_models}
    return {"manifest": manifest, "unit_bytes": 1 << 18, "segmenter": "fixed"} | networks


@pytest.fixture(scope="module")
def heard(listening: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> list[Rows]:
    """Of the local runner, where a run that has all already writes nothing."""
    output = tmp_path_factory.mktemp("heard") / "out"
    found = rows_heard(listening, output)
    first = next(found)
    before = listing(output)
    again = run(**listening, output=output)
    assert (again.exit_status, again.new_inputs, again.done_again) == (0, 0, 0)
    assert listing(output) == before
    return [first, *found]


@pytest.mark.parametrize("runner", ["prism", "flink"])
def test_sounds_and_speakers_are_the_same_on_every_runner(
    runner: str, listening: dict[str, object], heard: list[Rows], flink: Flink, tmp_path: Path
) -> None:
    several, one = ([*map(speakers, each["segments"])] for each in heard)
    assert set.union(*several) == {"S1", "S2", "S3"}
    assert set.union(*one) == {"S1"}
    events = [each for row in heard[1]["segments"] for each in row["audio_events"]]
    assert {"Speech", "Music"} <= {each["label"] for each in events}
    flags = flink.flags if runner == "flink" else RUNNERS[runner][0]
    assert list(rows_heard(listening, tmp_path / "out", flags)) == heard


@pytest.fixture(scope="module")
def long(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Flags of a run over a recording of twelve parts."""
    recording = write_joined(shared_data, 180.0, tmp_path_factory.mktemp("long") / "a.flac")
    return {"input": recording, "part_minutes": 0.25}


@pytest.fixture(scope="module")
def alone(long: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one worker writes of it."""
    output = tmp_path_factory.mktemp("alone") / "out"
    assert run(**long, output=output).exit_status == 0
    assert heard_by_units(output) > 0
    return output


@pytest.mark.parametrize("runner", ["multi_processing", "prism", "flink"])
def test_a_long_recording_is_shared_on_every_runner_with_several_workers(
    runner: str, long: dict[str, object], alone: Path, flink: Flink, tmp_path: Path
) -> None:
    flags = {"flink": flink.flags, "prism": (*RUNNERS["prism"][0], "--parallelism=2")}
    output = tmp_path / "out"
    shared = batch.run(settings(**long, output=output), flags.get(runner, RUNNERS[runner][0]))
    assert shared.exit_status == 0
    assert all_rows(output) == all_rows(alone)
    assert heard_by_units(output) == 0  # shares had recognised everything before
    assert not (output / "_parts").exists()


@pytest.mark.parametrize("runner", ["prism", "flink"])
def test_exports_are_the_same_on_every_runner(
    runner: str, expected: Path, flink: Flink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "GROUP_SEGMENTS", 1)  # each unit is a group, so there are several
    flags = flink.flags if runner == "flink" else RUNNERS[runner][0]
    options = ExportOptions("webdataset", where="true", shard_seconds=60.0)
    local = export(str(expected), str(tmp_path / "local"), options)
    elsewhere = export(str(expected), str(tmp_path / runner), options, flags)
    assert elsewhere == local
    assert len(list((tmp_path / "local").rglob("*.tar"))) > 1
    assert files(tmp_path / runner) == files(tmp_path / "local")


def heard_by_units(output: Path) -> float:
    """Batches that the model was given by those who wrote the rows."""
    return sum(commit.batches["batches"] for commit in read_commits(str(output)))


def rows_heard(
    listening: dict[str, object], output: Path, flags: Sequence[str] = ()
) -> Iterator[Rows]:
    """Rows of a run, and of one that changes only how many people there are."""
    first = batch.run(settings(**listening, output=output), flags)
    assert (first.exit_status, first.new_inputs) == (0, len(HEARD))
    rows = all_rows(output)
    yield rows
    changed = listening | {"output": output, "speaker_count": 1}
    del changed["classify_model"]  # so nobody can hear sounds again
    second = batch.run(settings(**changed), flags)
    assert (second.exit_status, second.new_inputs) == (0, 0)
    assert (second.done_again, second.ledger) == (len(HEARD) - 1, first.ledger)
    found = all_rows(output)
    assert without_speakers(found["segments"]) == without_speakers(rows["segments"])
    yield found


def speakers(row: Row) -> set[str]:
    return {turn["speaker"] for turn in row["speaker_turns"] if turn["speaker"]}


def without_speakers(rows: list[Row]) -> list[Row]:
    """Rows without what speakers, and settings of the run that found them, are named by."""
    return [
        {name: row[name] for name in row if "speaker" not in name and name != "config_id"}
        for row in rows
    ]


def ledger(output: Path) -> dict[str, Any]:
    """The ledger of an output's only run: counts, and sums that depend on no order."""
    content: dict[str, dict[str, Any]] = json.loads(only(run_files(output)).read_text())
    return content["ledger"]


def run_watched(command: list[str], log: Path, *sessions: int) -> set[str]:
    """Run a command to its end; the command lines of its processes and of those of sessions."""
    seen: set[str] = set()
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
        )
        end = time.monotonic() + LIMIT_SECONDS
        while process.poll() is None and time.monotonic() < end:
            seen.update(command_lines({process.pid, *sessions}))
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
    assert process.wait() == 0, log.read_text()
    assert not list(command_lines({process.pid}))  # nothing it started is left behind
    return seen


def command_lines(sessions: set[int]) -> Iterator[str]:
    """Command lines of the processes of some sessions, but for their leaders."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and int(folder.name) not in sessions:
            try:
                if os.getsid(int(folder.name)) in sessions:
                    raw = (folder / "cmdline").read_bytes()
                    if raw:  # else it has ended, and nobody has asked for its status
                        yield raw.replace(b"\0", b" ").decode(errors="replace")
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                continue
