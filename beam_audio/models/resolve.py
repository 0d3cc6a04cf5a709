"""From the name of a model, or a directory, to its built files; building what is not built yet."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio.errors import ModelError
from beam_audio.models.build import (
    BuiltModel,
    build_whisper,
    cache_directory,
    is_built,
    model_sha256,
    read_built,
    scratch_directory,
)
from beam_audio.models.card import ModelCard, has_card, list_cards, load_card
from beam_audio.models.graph_files import external_weights
from beam_audio.models.layout import recognise_layout
from beam_audio.models.safetensors import safetensors_files
from beam_audio.models.weight_files import file_sha256, gather
from beam_audio.models.whisper.transformer import PRECISIONS

if TYPE_CHECKING:
    from beam_audio.models.card import WeightLayout
    from beam_audio.models.whisper.transformer import Precision


def require_precision(precision: str) -> Precision:
    """The precision itself.

    Raises:
        ModelError: It is not one that can be built.
    """
    for known in PRECISIONS:
        if precision == known:
            return known
    raise ModelError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")


def card_directory(card: ModelCard, precision: str) -> Path:
    """Where the built files of a card belong, whether or not they are there."""
    return cache_directory(card.name, precision, model_sha256(card.files, precision))


def ensure_built(
    name_or_dir: str, precision: str | None = None, *, again: bool = False
) -> BuiltModel:
    """Find the built files of a model, and build them where there are none.

    Args:
        name_or_dir: Name of a card with weights, or a directory.
        precision: Number type; None takes the card's, or float32.
        again: Whether files built before are replaced.

    Raises:
        ChecksumError: A weight file is not the one its card describes.
        ModelError: The model is unknown or incomplete, or there is no such precision.
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
            files = gather(card, scratch)
            build_whisper(
                card.name,
                layout=card.layout,
                files=files,
                sources=card.files,
                precision=number,
                padding=card.padding,
                target=target,
            )
    return read_built(target)


def _from_directory(directory: Path, precision: str | None, *, again: bool) -> BuiltModel:
    if is_built(directory):
        built = read_built(directory)
        if precision not in {None, built.precision}:
            raise ModelError(f"{directory} was built in {built.precision}, not {precision}")
        return built
    layout, files = _weight_files(directory)
    number = require_precision(precision or PRECISIONS[0])
    sources = {name: file_sha256(path) for name, path in files.items()}
    name = directory.resolve().name
    target = cache_directory(name, number, model_sha256(sources, number))
    if again:
        shutil.rmtree(target, ignore_errors=True)
    if not is_built(target):
        build_whisper(
            name,
            layout=layout,
            files=files,
            sources=sources,
            precision=number,
            padding="full",
            target=target,
        )
    return read_built(target)


def _weight_files(directory: Path) -> tuple[WeightLayout, dict[str, Path]]:
    """Tell the layout of a directory of weights and collect its files by name."""
    found = recognise_layout(directory)
    paths = list(found.files.values())
    weights: WeightLayout
    if found.family == "whisper-ctranslate2":
        weights = "ctranslate2"
    elif found.family == "whisper-huggingface":
        weights = "huggingface"
        paths += safetensors_files(directory)
    elif found.family == "whisper-optimum":
        weights = "optimum"
        paths += [*external_weights(found.files["encoder"])]
        paths += [*external_weights(found.files["decoder"])]
    else:
        raise ModelError(f"{directory} holds a {found.family} model, which is used as it is")
    optional = directory / "generation_config.json"
    paths += [optional] if optional.is_file() else []
    return weights, {path.name: path for path in paths}
