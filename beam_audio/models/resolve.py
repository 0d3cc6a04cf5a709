"""From the name of a model, or a directory, to its built files; a model not built yet is built."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio.errors import ModelError
from beam_audio.models.build import (
    BuiltModel,
    build_whisper,
    cache_directory,
    is_built,
    model_sha256,
    read_built,
    scratch_directory,
    was_built,
)
from beam_audio.models.card import ModelCard, has_card, list_cards, load_card
from beam_audio.models.graph_files import external_weights
from beam_audio.models.layout import recognise_layout
from beam_audio.models.safetensors import safetensors_files
from beam_audio.models.weight_files import WeightFiles, file_sha256, gather
from beam_audio.models.whisper.transformer import PRECISIONS

if TYPE_CHECKING:
    from beam_audio.models.card import WeightLayout
    from beam_audio.models.whisper.transformer import Precision

_LAYOUTS: Final[dict[str, WeightLayout]] = {
    "whisper-ctranslate2": "ctranslate2",
    "whisper-huggingface": "huggingface",
    "whisper-optimum": "optimum",
}


def require_precision(precision: str) -> Precision:
    """The precision, checked.

    Raises:
        ModelError: No model can be built in it.
    """
    for known in PRECISIONS:
        if precision == known:
            return known
    raise ModelError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")


def card_directory(card: ModelCard, precision: str) -> Path:
    """Directory of a card's built files, whether or not it exists."""
    return cache_directory(card.name, precision, model_sha256(card.files, precision))


def ensure_built(
    name_or_dir: str, precision: str | None = None, *, again: bool = False
) -> BuiltModel:
    """Find the built files of a model; build them if there are none.

    Args:
        name_or_dir: Name of a card with weights, or a directory.
        precision: Number type; None takes the card's, or float32.
        again: Whether files built earlier are replaced.

    Raises:
        ChecksumError: A weight file is not the one its card describes.
        ModelError: The model is unknown or incomplete, or the precision is unknown.
    """
    if precision is not None:
        require_precision(precision)
    if has_card(name_or_dir):
        return _from_card(load_card(name_or_dir), precision, again=again)
    directory = Path(name_or_dir).expanduser()
    if directory.is_dir():
        return _from_directory(directory, precision, again=again)
    if directory.exists() or "/" in name_or_dir or "\\" in name_or_dir:
        what = "is not a directory" if directory.exists() else "does not exist"
        names = ", ".join(card.name for card in list_cards())
        raise ModelError(f"{name_or_dir} {what}: name a model ({names}) or a directory of one")
    return _from_card(load_card(name_or_dir), precision, again=again)


def _from_card(card: ModelCard, precision: str | None, *, again: bool) -> BuiltModel:
    if card.layout is None:
        raise ModelError(f"{card.name} has no weights: there is nothing to build")
    number = require_precision(precision or card.precision)
    target = card_directory(card, number)
    if again:
        shutil.rmtree(target, ignore_errors=True)
    if not is_built(target):
        with scratch_directory(target.parent) as scratch:
            weights = WeightFiles(card.layout, gather(card, scratch), card.files)
            build_whisper(card.name, weights, precision=number, padding=card.padding, target=target)
    return read_built(target)


def _from_directory(directory: Path, precision: str | None, *, again: bool) -> BuiltModel:
    if was_built(directory):
        built = read_built(directory)
        if precision not in {None, built.precision}:
            raise ModelError(f"{directory} was built in {built.precision}, not {precision}")
        # Anybody may have made the directory, and ONNX Runtime 1.23 takes weights from anywhere.
        for graph in directory.glob("*.onnx"):
            external_weights(graph)
        return built
    weights = _weight_files(directory)
    number = require_precision(precision or PRECISIONS[0])
    name = directory.resolve().name
    target = cache_directory(name, number, model_sha256(weights.sha256, number))
    if again:
        shutil.rmtree(target, ignore_errors=True)
    if not is_built(target):
        build_whisper(name, weights, precision=number, padding="full", target=target)
    return read_built(target)


def _weight_files(directory: Path) -> WeightFiles:
    """The weight files in a directory.

    Raises:
        ModelError: It holds no Whisper model.
    """
    found = recognise_layout(directory)
    if found.family not in _LAYOUTS:
        raise ModelError(f"{directory} holds a {found.family} model, which is used as it is")
    paths = list(found.files.values())
    if found.family == "whisper-huggingface":
        paths += safetensors_files(directory)
    if found.family == "whisper-optimum":
        paths += [*external_weights(found.files["encoder"])]
        paths += [*external_weights(found.files["decoder"])]
    optional = directory / "generation_config.json"
    paths += [optional] if optional.is_file() else []
    by_name = {path.name: path for path in paths}
    hashes = {name: file_sha256(path) for name, path in by_name.items()}
    return WeightFiles(_LAYOUTS[found.family], by_name, hashes)
