"""From the name of a classifier, or a folder of its files, to a loaded one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from os import fspath
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.classifiers import HYPOTHESIS_TEMPLATE
from beam_audio.classifiers.clap import ClapClassifier, ClapFiles
from beam_audio.classifiers.fireredvad import FireRedVad
from beam_audio.classifiers.huggingface import HuggingFaceClassifier
from beam_audio.classifiers.sounds import SoundModel
from beam_audio.classifiers.yamnet import YamNet
from beam_audio.errors import ModelError, raise_machine_error
from beam_audio.models.network_card import network_cards, network_folder
from beam_audio.models.weight_files import file_sha256
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from pathlib import Path

    from beam_audio.classifiers.heard import Classifier

_CONFIGS: Final = (("config.json",), ("preprocessor_config.json",))
_CLAP: Final = (
    ("audio_model.onnx", "onnx/audio_model.onnx"),
    ("text_model.onnx", "onnx/text_model.onnx"),
    ("tokenizer.json",),
    *_CONFIGS,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """Patterns of the files of one kind, the first that matches counts; what loads them."""

    files: tuple[tuple[str, ...], ...]
    load: Callable[..., Classifier]


_KINDS: Final = (
    _Kind((("yamnet*.onnx",), ("yamnet*labels*.txt",)), YamNet.load),
    _Kind((("*fireredvad_aed.onnx",), ("*cmvn.ark",)), FireRedVad.load),
    _Kind((("model.onnx", "onnx/model.onnx"), *_CONFIGS), HuggingFaceClassifier.load),
)


@dataclass(frozen=True, slots=True)
class ClassifierId:
    """A classifier as a run names it.

    Attributes:
        name: A name or a folder.
        sha256: Hash of its files.
        candidate_labels: What may sound, for a CLAP; empty for others, whose labels are their own.
        hypothesis_template: The sentence of such a label.
    """

    name: str
    sha256: str
    candidate_labels: tuple[str, ...] = ()
    hypothesis_template: str = HYPOTHESIS_TEMPLATE

    @property
    def is_named(self) -> bool:
        """Whether its name is that of a card."""
        return self.name in network_cards("classifiers")

    def canonical(self) -> list[object]:
        """What decides the rows: not where the files are."""
        words = [list(self.candidate_labels), self.hypothesis_template]
        return [self.sha256, *(words if self.candidate_labels else [])]


def classifier_id(
    name_or_dir: str,
    candidate_labels: Sequence[str] = (),
    hypothesis_template: str = HYPOTHESIS_TEMPLATE,
) -> ClassifierId:
    """Find a classifier and hash its files; nothing is loaded.

    Args:
        name_or_dir: A name of a card, or a folder.
        candidate_labels: What may sound; only for a CLAP, which needs them.
        hypothesis_template: A sentence with ``{}`` where a label stands.

    Raises:
        ModelError: There is none of this name, or in this folder; or the template has no ``{}``.
        ChecksumError: A file of a named one is damaged or another one.
    """
    if hypothesis_template.count("{}") != 1:
        raise ModelError(f"the template {hypothesis_template!r} needs one {{}}, for the label")
    files = _files(network_folder("classifiers", name_or_dir), has_labels=bool(candidate_labels))
    hashes = [file_sha256(file) for file in files]
    found = stable_id("classifier", *hashes)
    return ClassifierId(name_or_dir, found, tuple(candidate_labels), hypothesis_template)


def load_classifier(
    name_or_dir: str | PathLike[str],
    candidate_labels: Sequence[str] = (),
    hypothesis_template: str = HYPOTHESIS_TEMPLATE,
) -> SoundModel:
    """Load a classifier; one that was just loaded is given again. See :func:`classifier_id`.

    Raises:
        ModelError: There is none of this name, or in this folder; or the template has no ``{}``.
        ChecksumError: A file of a named one is damaged or another one.
    """
    return load_same(classifier_id(fspath(name_or_dir), candidate_labels, hypothesis_template))


@lru_cache(maxsize=2)
def load_same(wanted: ClassifierId) -> SoundModel:
    """Load the classifier of a run, once per process.

    Raises:
        ModelError: It is not here, or is not the one that the run began with.
        ChecksumError: A file of a named one is damaged or another one.
    """
    labels, template = wanted.candidate_labels, wanted.hypothesis_template
    if classifier_id(wanted.name, labels, template) != wanted:
        raise ModelError(
            f"the files of the classifier {wanted.name} are not those that the run began with: "
            "give each worker the same"
        )
    folder = network_folder("classifiers", wanted.name)
    if labels:
        files = ClapFiles(*_files(folder, has_labels=True))
        model = SoundModel(wanted.name, (ClapClassifier.load(files, labels, template),))
    else:
        model = SoundModel(wanted.name, tuple(kind.load(*files) for kind, files in _kinds(folder)))
    _require_labels(model)
    return model


def _require_labels(model: SoundModel) -> None:
    """Hear a second of silence, so that files that do not fit each other are told by name."""
    try:
        heard = model.hear(np.zeros(model.sample_rate_hz, np.float32))
    except Exception as error:  # ONNX Runtime's errors share no class
        raise_machine_error(error, f"cannot run {model.name}")
        raise ModelError(f"{model.name} fails on a second of silence: {error}") from error
    for network, each in zip(model.networks, heard, strict=True):
        if each.values.shape[1] != len(network.labels):
            raise ModelError(
                f"{model.name} gives {each.values.shape[1]} scores and names "
                f"{len(network.labels)} labels: its files are of two models"
            )


def _files(folder: Path, *, has_labels: bool) -> list[Path]:
    """The files that are read.

    Raises:
        ModelError: The folder holds no classifier of the kind that is asked for.
    """
    clap = _matches(folder, _CLAP)
    if has_labels and not clap:
        raise ModelError(
            f"{folder} takes no labels: it needs audio_model.onnx, text_model.onnx, "
            "tokenizer.json, config.json and preprocessor_config.json"
        )
    found = clap if has_labels else [file for _, files in _kinds(folder) for file in files]
    if not found:
        needs = "a CLAP, which needs candidate labels" if clap else "no classifier"
        raise ModelError(
            f"{folder} holds {needs}; known are yamnet*.onnx with yamnet*labels*.txt, "
            "fireredvad_aed.onnx with fireredvad_cmvn.ark, and model.onnx with config.json and "
            "preprocessor_config.json"
        )
    return found


def _kinds(folder: Path) -> list[tuple[_Kind, list[Path]]]:
    """The kinds with labels of their own that a folder holds, and their files; YAMNet first."""
    found = [(kind, _matches(folder, kind.files)) for kind in _KINDS]
    return [(kind, files) for kind, files in found if files]


def _matches(folder: Path, wanted: tuple[tuple[str, ...], ...]) -> list[Path]:
    """The file for each of some patterns; none if one is missing."""
    found = [_first(folder, patterns) for patterns in wanted]
    return [] if None in found else [file for file in found if file]


def _first(folder: Path, patterns: tuple[str, ...]) -> Path | None:
    files = (file for pattern in patterns for file in sorted(folder.glob(pattern)))
    return next((file for file in files if file.is_file()), None)
