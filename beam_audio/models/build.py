"""Built models: directories of ONNX files, whose origin is written down and checked before use.

A directory holds the graphs (``beam_audio.models.whisper.export``), their ``.data`` files if they
have any, ``tokenizer.json``, and ``config.json`` with the settings of the runtime and the sha256 of
the other files.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from beam_audio.errors import ModelError, raise_machine_error
from beam_audio.models.cache_folder import cache_folder
from beam_audio.models.weight_files import file_sha256, require_sha256
from beam_audio.models.whisper.checkpoint import (
    read_ctranslate2_whisper,
    read_huggingface_whisper,
    read_optimum_whisper,
)
from beam_audio.models.whisper.config import WhisperConfig, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beam_audio.models.card import Padding
    from beam_audio.models.weight_files import WeightFiles
    from beam_audio.models.whisper.transformer import Precision

NUMERICS_VERSIONS: Final[Mapping[str, str]] = {"float32": "4", "float16": "6", "int8": "5"}
"""Part of ``model_sha256``, by precision; raised when graphs compute other numbers than before.

Graphs that change no text, and logs of probabilities by less than 1e-4, keep it. Those from version
5 on change them by more where numbers are coarse: a last bit decides how a number is rounded.
"""

CONFIG_FILE = "config.json"
TOKENIZER_FILE = "tokenizer.json"
_FORMATS = "beam_audio/"
_FORMAT = f"{_FORMATS}4"
"""Raised when a change of the graphs' inputs and outputs, or of their files, needs a new build."""
_READERS = {
    "ctranslate2": read_ctranslate2_whisper,
    "huggingface": read_huggingface_whisper,
    "optimum": read_optimum_whisper,
}
_BYTES_PER_SECOND = 16 << 20
"""Weights that are built per second on two cores, for a message."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BuiltModel:
    """What the ``config.json`` of a built directory says.

    Attributes:
        directory: Where the files are.
        name: Card name, or name of the directory the weights came from.
        family: Name of the model family, such as ``whisper``.
        precision: Number type of the graphs.
        padding: What follows a clip in the model's window by default.
        model_sha256: Hash of weight files, numerics version and precision.
        sample_rate_hz: Sample rate of the clips.
        max_seconds: Longest clip the model takes.
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


def model_sha256(weights: Mapping[str, str], precision: str) -> str:
    """Identity of a built model: one hash of its weight files, its precision and its numerics.

    Args:
        weights: Weight file name -> sha256.
        precision: Number type of the graphs, one of ``PRECISIONS``.
    """
    identity = [sorted(weights.items()), NUMERICS_VERSIONS[precision], precision]
    return hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode("ascii")).hexdigest()


def cache_directory(name: str, precision: str, identity: str) -> Path:
    """Directory of a built model, in the cache folder."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip(".") or "model"
    return cache_folder() / "models" / f"{safe}-{precision}-{identity[:12]}"


def build_whisper(
    name: str,
    weights: WeightFiles,
    *,
    precision: Precision,
    padding: Padding,
    target: Path,
) -> None:
    """Export a Whisper checkpoint into ``target``; it appears whole or not at all.

    Args:
        name: What the model is called in ``config.json``.
        weights: The verified weight files, ``tokenizer.json`` among them.
        precision: Number type of the graphs.
        padding: What follows a clip in the model's window by default.
        target: The directory to make; one that is built already is left as it is.

    Raises:
        ChecksumError: A weight file was written to meanwhile.
        ModelError: The checkpoint cannot be read, or the cache directory cannot be written.
    """
    from beam_audio.models.whisper.export import export_whisper  # noqa: PLC0415 (needs onnx)

    size_bytes = sum(path.stat().st_size for path in weights.paths.values())
    seconds = max(1, round(size_bytes / _BYTES_PER_SECOND))
    _LOG.info("building %s in %s, once, about %d s", name, precision, seconds)
    checkpoint = _READERS[weights.layout](weights.paths)
    with scratch_directory(target.parent) as scratch:
        export_whisper(checkpoint, scratch, precision=precision)
        shutil.copyfile(weights.paths[TOKENIZER_FILE], scratch / TOKENIZER_FILE)
        _require_unchanged(weights)
        content = {
            "format": _FORMAT,
            "name": name,
            "family": "whisper",
            "precision": precision,
            "padding": padding,
            **_identity(weights, precision),
            "sample_rate_hz": 16000,
            "max_seconds": 30.0,
            "files": {path.name: file_sha256(path) for path in sorted(scratch.iterdir())},
            "whisper": asdict(checkpoint.config),
        }
        (scratch / CONFIG_FILE).write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        _put_in_place(scratch, target)


def _require_unchanged(weights: WeightFiles) -> None:
    """Check the weight files again, lest another model be built under the name of this one."""
    for file, expected in weights.sha256.items():
        path, fix = weights.paths[file], "it was written to while it was read: try again"
        require_sha256(file_sha256(path), expected, str(path), fix)


def _identity(weights: WeightFiles, precision: str) -> dict[str, Any]:
    return {
        "numerics_version": NUMERICS_VERSIONS[precision],
        "model_sha256": model_sha256(weights.sha256, precision),
        "sources": dict(sorted(weights.sha256.items())),
    }


def _put_in_place(scratch: Path, target: Path) -> None:
    """Give the finished directory its name, unless another process has already built the model."""
    scratch.chmod(0o755)  # temporary directories are private, but a cache may be shared
    if is_built(target):
        return
    if target.exists():
        with scratch_directory(target.parent) as aside:
            target.rename(aside / "unfinished")
    with contextlib.suppress(FileExistsError):
        scratch.rename(target)


def is_built(directory: Path) -> bool:
    """Whether ``build_whisper`` finished this directory."""
    return _stated_format(directory) == _FORMAT


def was_built(directory: Path) -> bool:
    """Whether any version of this package built this directory."""
    return _stated_format(directory).startswith(_FORMATS)


def _stated_format(directory: Path) -> str:
    config = directory / CONFIG_FILE
    try:
        return str(read_json(config).get("format")) if config.is_file() else ""
    except ModelError:
        return ""


def read_built(directory: Path) -> BuiltModel:
    """Read the ``config.json`` of a built directory; no other file is opened.

    Raises:
        ModelError: The directory was not built by this package, or its ``config.json`` is damaged.
    """
    content = read_json(directory / CONFIG_FILE)
    if content.get("format") != _FORMAT:
        raise ModelError(
            f"{directory} was not built by beam-audio, or by another version of it: build it again "
            "with beam-audio models build, from the weights"
        )
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
            files=_beside(dict(content["files"])),
            whisper=WhisperConfig.from_json(content["whisper"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"{directory / CONFIG_FILE} is damaged ({error}): delete {directory} and build it again"
        ) from error


def _beside(files: dict[str, str]) -> dict[str, str]:
    """Files by name, which are beside the description that names them.

    Raises:
        ValueError: A name leads elsewhere.
    """
    for name in files:
        if not name or name in {".", ".."} or not {"/", "\\", "\0"}.isdisjoint(name):
            raise ValueError(f"it names the file {name!r:.200}")
    return files


def check_built(built: BuiltModel) -> None:
    """Compare every file with the sha256 written when it was built.

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
    """A temporary directory beside the final one, so that one rename finishes the work.

    Raises:
        ModelError: The parent directory cannot be written.
        MachineError: Its disk is full, for example.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".building-", dir=parent))
    except OSError as error:
        raise_machine_error(error, f"built models cannot be written to {parent}")
        raise ModelError(
            f"built models cannot be written to {parent} ({error.strerror}): "
            "point the environment variable BEAM_AUDIO_CACHE at a directory that can be written"
        ) from error
    try:
        yield scratch
    except OSError as error:
        raise_machine_error(error, f"the model cannot be built in {parent}")
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
