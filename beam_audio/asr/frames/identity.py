"""Facts of a model that runs as it was exported: its name, its hash, and the clips it takes."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from beam_audio.asr.recognizer import ModelFacts
from beam_audio.errors import ModelError
from beam_audio.models.graph_files import external_weights
from beam_audio.models.weight_files import file_sha256
from beam_audio.models.whisper.config import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.layout import ModelLayout

RUNTIME_VERSION: Final = "1"
"""Part of ``model_sha256``; it is raised when a change of this code changes the text."""

MAX_SECONDS: Final = 30.0
"""Longest clip. These models accept more, but attention grows with the square of the length."""

_RUSSIAN: Final = frozenset(
    {"gigaam-rnnt", "gigaam-ctc", "gigaam-e2e-rnnt", "gigaam-e2e-ctc", "t-one-ctc"}
)
_PREPROCESSOR: Final = "preprocessor_config.json"
_SIDE_FILES: Final = (_PREPROCESSOR, "tokenizer_config.json")
_T_ONE_RATE_HZ: Final = 8000
_RATE_HZ: Final = 16000


def identify(layout: ModelLayout) -> ModelFacts:
    """Read every file of the model once and hash it.

    The hash covers the names and bytes of all files that decide the text, including weights stored
    beside the graphs.

    Raises:
        ModelError: A file is malformed, or weights that a graph names are missing.
    """
    files = {path.relative_to(layout.directory).as_posix(): path for path in _all_files(layout)}
    hashes = sorted((name, file_sha256(path)) for name, path in files.items())
    content = [RUNTIME_VERSION, layout.family, hashes]
    return ModelFacts(
        model_id=f"{layout.name}/{layout.precision}/{layout.family}",
        model_sha256=hashlib.sha256(json.dumps(content).encode("ascii")).hexdigest(),
        sample_rate_hz=_rate_hz(layout),
        max_seconds=MAX_SECONDS,
        languages=frozenset({"ru"}) if layout.family in _RUSSIAN else frozenset(),
    )


def _rate_hz(layout: ModelLayout) -> int:
    if layout.family == "t-one-ctc":
        return _T_ONE_RATE_HZ
    path = layout.directory / _PREPROCESSOR
    if layout.family != "wav2vec2-ctc" or not path.is_file():
        return _RATE_HZ
    rate = read_json(path).get("sampling_rate", _RATE_HZ)
    if not isinstance(rate, int) or rate <= 0:
        raise ModelError(f"{path}: sampling_rate {rate!r} is not a positive integer")
    return rate


def _all_files(layout: ModelLayout) -> set[Path]:
    files = set(layout.files.values())
    for path in layout.files.values():
        if path.suffix == ".onnx":
            files |= external_weights(path)
    if layout.family == "wav2vec2-ctc":
        paths = (layout.directory / name for name in _SIDE_FILES)
        files |= {path for path in paths if path.is_file()}
    return files
