"""The processes that a test has started."""

from __future__ import annotations

from pathlib import Path


def children() -> set[int]:
    """Numbers of the processes that this one has started and not yet waited for."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}
