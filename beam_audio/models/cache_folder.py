"""Where this machine keeps what can be made again: built models, indexes of outputs elsewhere."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder that ``BEAM_AUDIO_CACHE`` names, or else ``~/.cache/beam_audio``."""
    named = os.environ.get("BEAM_AUDIO_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "beam_audio"
