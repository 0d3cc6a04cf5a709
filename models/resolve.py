"""From the name of a model, or a directory, to its built files; building what is not built yet."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio.errors import ModelError
from beam_audio.models.build import (
    PRECISIONS,
    BuiltModel,
    build_whisper,
    cache_directory,
    is_built,
    model_sha256,
    read_built,
    scratch_directory,
)
from beam_audio.models.card import ModelCard, has_card, list_cards, load_card
from beam_audio.models.safetensors import safetensors_files
from beam_audio.models.sources import file_sha256, gather

if TYPE_CHECKING:
    from beam_audio.models.card import WeightLayout

_ACCEPTED = (
    "a directory made by beam-audio models build, a CTranslate2 Whisper (model.bin, config.json, "
    "tokenizer.json) or a Hugging Face Whisper (config.json, tokenizer.json, model.safetensors)"
)
_OPTIONAL = ("generation_config.json", "model.safetensors.index.json")
_SHOWN_NAMES = 8


def require_precision(precision: str) -> str:
    """The precision itself.

    Raises:
        ModelError: It is not one that can be built.
    """
    if precision not in PRECISIONS:
        raise ModelError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    return precision


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
        raise ModelError(f"{name_or_dir} {what}: name a model ({names}) or {_ACCEPTED}")
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
    number = precision or PRECISIONS[0]
    sources = {name: file_sha256(path) for name, path in files.items()}
    name = directory.resolve().name
    target = cache_directory(name, number, model_sha256(sources, number))
    if again:
        shutil.rmtree(target, ignore_errors=True)
    if not is_built(target):
        build_whisper(
            name, layout=layout, files=files, sources=sources, precision=number, target=target
        )
    return read_built(target)


def _weight_files(directory: Path) -> tuple[WeightLayout, dict[str, Path]]:
    """Tell the layout of a directory of weights and collect its files by name."""
    layout: WeightLayout
    if (directory / "model.bin").is_file():
        layout, paths = "ctranslate2", [directory / "model.bin"]
    elif shards := safetensors_files(directory):
        layout, paths = "huggingface", list(shards)
        paths += [path for name in _OPTIONAL if (path := directory / name).is_file()]
    else:
        names = sorted(path.name for path in directory.iterdir())
        shown = ", ".join(names[:_SHOWN_NAMES]) + (", …" if len(names) > _SHOWN_NAMES else "")
        raise ModelError(f"{directory} holds {shown or 'nothing'}; accepted is {_ACCEPTED}")
    paths += [directory / name for name in ("config.json", "tokenizer.json")]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise ModelError(f"{directory} lacks {', '.join(missing)}; accepted is {_ACCEPTED}")
    return layout, {path.name: path for path in paths}
