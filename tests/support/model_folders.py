"""Folders with the file names of published models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

WHISPER = {"model_type": "whisper"}
TDT = {"model_type": "nemo-conformer-tdt"}
RNNT = {"model_type": "nemo-conformer-rnnt"}


def write_directory(directory: Path, names: str, config: dict[str, Any] | None = None) -> Path:
    """Empty files of these names."""
    for name in names.split():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    if config is not None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "config.json").write_text(json.dumps(config))
    return directory
