"""What a model directory holds, recognised by its files; no model is loaded or run.

One directory may hold several kinds of model (a hybrid NeMo export has two heads). The first of
``KINDS`` that is complete is taken, and ``model_id`` states its family.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from beam_audio.errors import ModelError
from beam_audio.models.graph_files import last_dimension
from beam_audio.models.kinds import CONFIG_FILE, KINDS, TOKENIZER_ROLES, Family, Kind
from beam_audio.models.whisper.config import read_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FLOAT32: Final = "float32"
# Precision -> suffixes of the file stem; "?" is any one character, as in model.int8.onnx.
_SUFFIXES: Final[dict[str, tuple[str, ...]]] = {
    FLOAT32: ("",),
    "float16": ("?fp16", "?float16"),
    "int8": ("?int8", "?quantized"),
}
_BUILT_BY_US: Final = (
    "beam_audio/"  # any version: the reader of these directories reports a wrong one
)
_SHOWN_NAMES: Final = 8
_SHOWN_NEAR_MISSES: Final = 3


@dataclass(frozen=True, slots=True)
class ModelLayout:
    """A directory whose files make a model.

    Attributes:
        directory: Where the files are.
        family: The model family, which decides what runs it.
        precision: Number type stated by the file names; ``float32`` for names without a suffix.
        suffix: The suffix before ``.onnx``, without its separator; empty for float32.
        files: Role, such as ``encoder``, -> path. ``config`` is present if the file exists.
    """

    directory: Path
    family: Family
    precision: str
    suffix: str
    files: dict[str, Path]

    @property
    def name(self) -> str:
        """Name of the directory."""
        return self.directory.resolve().name

    @property
    def is_whisper(self) -> bool:
        """Whether it is a Whisper, which is built first; all other families run as they are."""
        return self.family.startswith("whisper-")

    def config(self) -> dict[str, Any]:
        """Content of ``config.json``; empty if there is none.

        Raises:
            ModelError: The file is malformed.
        """
        return _config(self.directory)


def recognise_layout(directory: Path, precision: str | None = None) -> ModelLayout:
    """Find out what kind of model a directory holds.

    Args:
        directory: An existing directory.
        precision: Which files to take if their names state the precision. None takes float32, or
            else any other. Kinds that are built first ignore it.

    Raises:
        ModelError: No kind fits; the message says what was found, which kinds came near, and what
            they lack. Or a kind fits, but one of its files is malformed.
    """
    config = _config(directory)
    if str(config.get("format")).startswith(_BUILT_BY_US):
        return ModelLayout(directory, "whisper-built", FLOAT32, "", {})
    misses: list[_Miss] = []
    tried = {precision: _SUFFIXES.get(precision, (f"?{precision}",))} if precision else _SUFFIXES
    suffixes = [(name, suffix) for name, known in tried.items() for suffix in known]
    for kind in KINDS:
        for name, suffix in suffixes if kind.by_suffix else [(FLOAT32, "")]:
            files, missing = _find(kind, directory, suffix)
            if not missing and kind.fits(config):
                found = ModelLayout(directory, kind.family, name, suffix.removeprefix("?"), files)
                return _settle(found)
            misses.append(_Miss(kind, missing))
    raise ModelError(_explain(directory, config, misses, precision))


@dataclass(frozen=True, slots=True)
class _Miss:
    """A kind that does not fit, and its missing files: role -> file name."""

    kind: Kind
    missing: dict[str, str]

    @property
    def is_near(self) -> bool:
        """Whether one of its files is present; a tokenizer does not count: many models have one."""
        telling = self.kind.files.keys() - TOKENIZER_ROLES.keys()
        return not telling <= self.missing.keys()

    def __str__(self) -> str:
        if not self.missing:
            return f"{self.kind.title} does not fit its {CONFIG_FILE}"
        return f"{self.kind.title} lacks {', '.join(self.missing.values())}"


def _config(directory: Path) -> dict[str, Any]:
    path = directory / CONFIG_FILE
    return read_json(path) if path.is_file() else {}


def _find(kind: Kind, directory: Path, suffix: str) -> tuple[dict[str, Path], dict[str, str]]:
    files, missing = {}, {}
    for role, patterns in kind.files.items():
        found = _first(directory, (pattern.replace("{}", suffix) for pattern in patterns))
        if found is None:
            missing[role] = patterns[0].replace("{}", suffix.replace("?", "."))
        else:
            files[role] = found
    return files, missing


def _first(directory: Path, patterns: Iterable[str]) -> Path | None:
    for pattern in patterns:
        matches = sorted(path for path in directory.glob(pattern) if path.is_file())
        if len(matches) > 1:
            names = ", ".join(str(path.relative_to(directory)) for path in matches)
            raise ModelError(f"{directory} holds {names}, but a model has one such file: keep one")
        if matches:
            return matches[0]
    return None


def _settle(layout: ModelLayout) -> ModelLayout:
    """The layout, completed with what the file names alone do not say."""
    path = layout.directory / CONFIG_FILE
    if path.is_file():
        layout = replace(layout, files={**layout.files, "config": path})
    if layout.family == "nemo-tdt":
        layout = replace(layout, family=_transducer(layout.directory, layout.files))
    if layout.family.startswith("gigaam"):
        _require_version(layout)
    return layout


def _transducer(directory: Path, files: dict[str, Path]) -> Family:
    """RNN-T or TDT, which share file names.

    ``model_type`` in ``config.json`` decides. Without it the joint network does: the outputs of a
    TDT are the tokens and, after them, the durations.

    Raises:
        ModelError: Neither decides.
    """
    stated = str(_config(directory).get("model_type", ""))
    known: dict[str, Family] = {
        "nemo-conformer-tdt": "nemo-tdt",
        "nemo-conformer-rnnt": "nemo-rnnt",
    }
    if stated in known:
        return known[stated]
    outputs = last_dimension(files["decoder_joint"], "outputs")
    with files["vocabulary"].open("rb") as lines:
        tokens = sum(1 for line in lines if line.strip())
    if outputs is None or outputs < tokens:
        raise ModelError(
            f"{directory} does not say whether its NeMo transducer is RNN-T or TDT: put into its "
            f'{CONFIG_FILE} {{"model_type": "nemo-conformer-tdt"}} or "nemo-conformer-rnnt"'
        )
    return "nemo-tdt" if outputs > tokens else "nemo-rnnt"


def _require_version(layout: ModelLayout) -> None:
    """Check the version in ``config.json``, on which the features depend in onnx-asr.

    Raises:
        ModelError: It is not the version of the files.
    """
    model = layout.files.get("model") or layout.files["encoder"]
    stated = layout.config().get("version", "v2")
    if model.name.startswith("v3") and stated != "v3":
        raise ModelError(
            f"{model} has version v3, but features of {stated} would be computed: put "
            f'{{"version": "v3"}} into {layout.directory / CONFIG_FILE}'
        )


def _explain(
    directory: Path, config: dict[str, Any], misses: list[_Miss], precision: str | None
) -> str:
    names = sorted(path.name for path in directory.iterdir())
    shown = ", ".join(names[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")
    stated = f" (model_type {config['model_type']!r})" if "model_type" in config else ""
    wanted = f" in {precision}" if precision else ""
    near: dict[str, str] = {}
    for miss in sorted(misses, key=lambda miss: len(miss.missing)):
        if miss.is_near:
            near.setdefault(miss.kind.title, str(miss))
    reasons = list(near.values())[:_SHOWN_NEAR_MISSES]
    known = "known models are: " + ", ".join(dict.fromkeys(kind.title for kind in KINDS))
    found = f"{directory} holds {shown or 'nothing'}{stated}, which is not a known model"
    return f"{found}{wanted}: {'; '.join([*reasons, known])}"
