"""The same clips on every runner: the same rows, and the runner is the one that was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from run_outputs import all_rows, run, run_files, write_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.types import Row

ROOT = Path(__file__).resolve().parents[2]
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
}
"""Flags, and what only this runner's processes are called."""

pytestmark = [pytest.mark.integration, pytest.mark.shared]


@pytest.fixture(scope="module")
def manifest(
    shared_data: Path,
    manifest_lines: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Clips of every folder, so of every format; what is broken too; and one listed twice."""
    lines = [
        line | {"audio_filepath": str(shared_data / line["audio_filepath"])}
        for line in manifest_lines
        if line.get("duration") is None or line["duration"] < 20
    ]
    chosen = lines[:: len(lines) // CLIPS][:CLIPS]
    assert len(chosen) == CLIPS
    folder = tmp_path_factory.mktemp("manifest")
    return write_manifest(folder / "m.jsonl", [*chosen, chosen[0], "{broken"])


@pytest.fixture(scope="module")
def expected(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    output = tmp_path_factory.mktemp("expected") / "out"
    result = run(manifest=manifest, output=output, unit_bytes=1 << 20)
    assert result.exit_status == 0
    return all_rows(output)


@pytest.mark.parametrize("runner", RUNNERS)
def test_rows_are_the_same_on_every_runner(
    runner: str, manifest: Path, expected: dict[str, list[Row]], tmp_path: Path
) -> None:
    flags, _ = RUNNERS[runner]
    output = tmp_path / "out"
    command = [
        *(sys.executable, "-m", "beam_audio", "run", f"--manifest={manifest}"),
        *(f"--output={output}", "--model=placeholder", f"--unit_bytes={1 << 20}", *flags),
    ]
    seen = run_watched(command, tmp_path / "log")
    assert all_rows(output) == expected
    assert len(run_files(output)) == 1
    for other, (_, name) in RUNNERS.items():
        if name is not None:
            assert any(name in each for each in seen) is (other == runner), sorted(seen)


def run_watched(command: list[str], log: Path) -> set[str]:
    """Run a command to its end; the command lines of all processes it started."""
    seen: set[str] = set()
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=out, start_new_session=True
        )
        end = time.monotonic() + LIMIT_SECONDS
        while process.poll() is None and time.monotonic() < end:
            seen.update(command_lines(process.pid))
            time.sleep(0.05)
        if process.poll() is None:
            process.kill()
    assert process.wait() == 0, log.read_text()
    return seen


def command_lines(session: int) -> Iterator[str]:
    """Command lines of the processes of a session, but for its leader."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal() and folder.name != str(session):
            try:
                if os.getsid(int(folder.name)) == session:
                    raw = (folder / "cmdline").read_bytes()
                    yield raw.replace(b"\0", b" ").decode(errors="replace")
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                continue
