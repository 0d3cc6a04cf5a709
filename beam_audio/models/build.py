"""Built models: directories of ONNX files that say what they come from, checked before use.

A directory holds ``encoder.onnx``, ``decoder.onnx``, where needed their ``.data`` files,
``tokenizer.json``, and ``config.json`` with all the runtime needs and the sha256 of the others.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio.errors import ModelError
from beam_audio.models.weight_files import file_sha256, require_sha256
from beam_audio.models.whisper.checkpoint import (
    read_ctranslate2_whisper,
    read_huggingface_whisper,
    read_optimum_whisper,
)
from beam_audio.models.whisper.config import WhisperConfig, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beam_audio.models.card import Padding, WeightLayout
    from beam_audio.models.whisper.transformer import Precision

EXPORTER_VERSION = "4"
"""Raised whenever an exporter changes what its graphs compute: it is part of ``model_sha256``."""

CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
_FORMAT = "beam_audio/2"
_BYTES_PER_SECOND = 16 << 20
"""Weights that are built per second on two cores, for a message."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """What the ``config.json`` of a built directory says.

    Attributes:
        directory: Where the files are.
        name: Card name, or name of the directory the weights came from.
        family: Which loader runs it.
        precision: Number type of the graphs.
        padding: What follows a clip in the model's window when nothing else is asked for.
        model_sha256: Hash of source weights, exporter version and precision.
        sample_rate_hz: Rate of the audio the model hears.
        max_seconds: Longest clip it takes.
        files: File name -> sha256.
        whisper: Sizes and tokens.
    """

    directory: Path
    name: str
    family: str
    precision: str
    padding: Padding
    model_sha256: str
    sample_rate_hz: int
    max_seconds: float
    files: dict[str, str]
    whisper: WhisperConfig


def model_sha256(sources: Mapping[str, str], precision: str) -> str:
    """Identity of a built model: hash of the source files' sha256, exporter version, precision."""
    identity = [sorted(sources.items()), EXPORTER_VERSION, precision]
    return hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode("ascii")).hexdigest()


def cache_directory(name: str, precision: str, identity: str) -> Path:
    """Where the built model belongs: under ``BEAM_AUDIO_CACHE``, else ``~/.cache/beam_audio``."""
    root = os.environ.get("BEAM_AUDIO_CACHE")
    base = Path(root) if root else Path.home() / ".cache" / "beam_audio"
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip(".") or "model"
    return base / "models" / f"{safe}-{precision}-{identity[:12]}"


def build_whisper(  # noqa: PLR0913  all of them go into config.json
    name: str,
    *,
    layout: WeightLayout,
    files: Mapping[str, Path],
    sources: Mapping[str, str],
    precision: Precision,
    padding: Padding,
    target: Path,
) -> None:
    """Export a Whisper checkpoint into ``target``, whole or not at all.

    Args:
        name: What the model is called in ``config.json``.
        layout: How the weight files are laid out.
        files: Source files by name, verified.
        sources: sha256 of each of them.
        precision: Number type of the graphs.
        padding: What follows a clip in the model's window when nothing else is asked for.
        target: Directory to appear; one that is built already is left as it is.

    Raises:
        ChecksumError: A source file was written to meanwhile.
        ModelError: The checkpoint cannot be read, or the cache directory cannot be written.
    """
    from beam_audio.models.whisper.export import export_whisper  # noqa: PLC0415 (needs onnx)

    readers = {
        "ctranslate2": read_ctranslate2_whisper,
        "huggingface": read_huggingface_whisper,
        "optimum": read_optimum_whisper,
    }
    size_bytes = sum(path.stat().st_size for path in files.values())
    seconds = max(1, round(size_bytes / _BYTES_PER_SECOND))
    _LOG.info("building %s in %s, once, about %d s", name, precision, seconds)
    checkpoint = readers[layout](files)
    with scratch_directory(target.parent) as scratch:
        export_whisper(checkpoint, scratch, precision=precision)
        shutil.copyfile(files[TOKENIZER_FILE], scratch / TOKENIZER_FILE)
        for source, expected in sources.items():  # or another model would stand under their names
            fix = "it was written to while it was read: try again"
            require_sha256(file_sha256(files[source]), expected, str(files[source]), fix)
        content = {
            "format": _FORMAT,
            "name": name,
            "family": "whisper",
            "precision": precision,
            "padding": padding,
            "exporter_version": EXPORTER_VERSION,
            "model_sha256": model_sha256(sources, precision),
            "sources": dict(sorted(sources.items())),
            "sample_rate_hz": 16000,
            "max_seconds": 30.0,
            "files": {path.name: file_sha256(path) for path in sorted(scratch.iterdir())},
            "whisper": asdict(checkpoint.config),
        }
        (scratch / CONFIG_FILE).write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        _put_in_place(scratch, target)


def _put_in_place(scratch: Path, target: Path) -> None:
    """Give the finished directory its name, unless another process was first to build the same."""
    scratch.chmod(0o755)  # temporary directories are private, a cache may be shared
    if is_built(target):
        return
    if target.exists():
        with scratch_directory(target.parent) as aside:
            target.rename(aside / "unfinished")
    with contextlib.suppress(FileExistsError):
        scratch.rename(target)


def is_built(directory: Path) -> bool:
    """Whether the directory is one that ``build_whisper`` finished."""
    config = directory / CONFIG_FILE
    try:
        return config.is_file() and read_json(config).get("format") == _FORMAT
    except ModelError:
        return False


def read_built(directory: Path) -> BuiltModel:
    """What a built directory says of itself; cheap, no file but ``config.json`` is opened.

    Raises:
        ModelError: The directory was not built by this package, or its ``config.json`` is damaged.
    """
    content = read_json(directory / CONFIG_FILE)
    if content.get("format") != _FORMAT:
        raise ModelError(f"{directory} was not built by beam-audio, or by another version of it")
    try:
        return BuiltModel(
            directory=directory,
            name=str(content["name"]),
            family=str(content["family"]),
            precision=str(content["precision"]),
            padding="condensed" if content["padding"] == "condensed" else "full",
            model_sha256=str(content["model_sha256"]),
            sample_rate_hz=int(content["sample_rate_hz"]),
            max_seconds=float(content["max_seconds"]),
            files=dict(content["files"]),
            whisper=WhisperConfig.from_json(content["whisper"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{directory / CONFIG_FILE} is damaged ({error}): delete {directory} and build it again"
        ) from error


def check_built(built: BuiltModel) -> None:
    """Compare every file with the sha256 written at its build.

    Raises:
        ChecksumError: A file differs.
        ModelError: A file is missing.
    """
    fix = f"delete {built.directory} and run beam-audio models build {built.name}"
    for name, expected in built.files.items():
        path = built.directory / name
        if not path.is_file():
            raise ModelError(f"{path} is missing: {fix}")
        require_sha256(file_sha256(path), expected, str(path), fix)


@contextlib.contextmanager
def scratch_directory(parent: Path) -> Iterator[Path]:
    """A temporary directory beside the final one, so that a rename can finish the work."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=parent))
    except OSError as error:
        raise ModelError(
            f"built models cannot be written to {parent} ({error.strerror}): "
            "point the environment variable BEAM_AUDIO_CACHE at a directory that can be written"
        ) from error
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
