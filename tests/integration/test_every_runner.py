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
from support.local_flink import TASK_MANAGERS, flink_cluster
from support.project import ROOT
from support.run_outputs import all_rows, only, run, run_files, write_manifest
from support.unit_runs import files

from beam_audio.export import records
from beam_audio.export.options import ExportOptions
from beam_audio.run.exporting import export

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.local_flink import Flink


CLIPS = 60
LIMIT_SECONDS = 300

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
