"""The cluster that make flink-up starts."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support.local_flink import TASK_MANAGERS, flink_cluster
from support.project import ROOT

pytestmark = pytest.mark.integration


def test_it_starts_once_and_is_gone_when_it_is_down(tmp_path: Path) -> None:
    with flink_cluster(tmp_path) as flink:
        running = [flink.process_id(name) for name in ("jobmanager", *TASK_MANAGERS)]
        found = flink.ask("taskmanagers")["taskmanagers"]
        assert {(each["id"], each["slotsNumber"]) for each in found} == dict.fromkeys(
            TASK_MANAGERS, 2
        ).items()
        command = [sys.executable, str(ROOT / "templates" / "flink" / "cluster.py"), "up"]
        again = subprocess.run(
            [*command, f"--state={tmp_path}"], capture_output=True, text=True, check=False
        )
        assert again.returncode != 0
        assert "a cluster is up already" in again.stderr
    assert not any(map(is_running, running))
    logs = {f"{name}.log" for name in ("jobmanager", *TASK_MANAGERS)}
    assert {path.name for path in tmp_path.iterdir()} == logs


def test_a_cluster_keeps_its_files_apart_and_leaves_none(tmp_path: Path) -> None:
    shared = Path(tempfile.gettempdir())
    before = set(shared.glob("tm_*/*"))
    with flink_cluster(tmp_path):
        kept = {path.name for path in (tmp_path / "flink-files").glob("tm_*")}
        assert kept == {f"tm_{name}" for name in TASK_MANAGERS}
        assert set(shared.glob("tm_*/*")) == before
    assert not (tmp_path / "flink-files").exists()


def is_running(process_id: int) -> bool:
    """Whether a process is there and has not ended, waited for or not."""
    command = Path(f"/proc/{process_id}/cmdline")
    return command.exists() and bool(command.read_bytes())
