"""The models on this machine: listing, building and checking them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.registry import PLACEHOLDER, frame_layout, load_model
from beam_audio.errors import ModelError
from beam_audio.models.build import check_built, is_built, scratch_directory
from beam_audio.models.card import ModelCard, has_card, list_cards, load_card
from beam_audio.models.resolve import card_directory, ensure_built
from beam_audio.models.weight_files import find_weights, gather, install_line

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A card, and what is on this machine for it.

    Attributes:
        card: The model.
        weights: The packages that hold its weights; None if they are not installed.
        built: Directory of its ONNX files; None if they are not built.
        cure: The command that installs its weights; empty if the model is available.
    """

    card: ModelCard
    weights: str | None
    built: Path | None
    cure: str

    @property
    def name(self) -> str:
        """The value of ``--model``."""
        return self.card.name

    @property
    def available(self) -> bool:
        """Whether it loads without installing or downloading anything."""
        return self.card.layout is None or self.built is not None or self.weights is not None

    @property
    def status(self) -> str:
        """What is on this machine, in words."""
        if self.card.layout is None:
            return "always there"
        if self.built is not None:
            return f"built in {self.built}"
        return f"weights in {self.weights}" if self.weights else "weights not installed"

    def __str__(self) -> str:
        lines = [f"{self.name:<18}{self.card.description}", f"{'':18}{self.status}"]
        return "\n".join([*lines, f"{'':18}{self.cure}"] if self.cure else lines)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """A model whose files are all verified and which loads.

    Attributes:
        model_id: Name and precision.
        model_sha256: Identity of the built weights.
        directory: Where its files are; None for a model without files.
        files: File name -> size in bytes.
        provider: Execution provider in use.
    """

    model_id: str
    model_sha256: str
    directory: Path | None
    files: dict[str, int]
    provider: str

    def __str__(self) -> str:
        lines = [f"{self.model_id} is whole and loads on {self.provider}", self.model_sha256]
        lines += [f"{size:>13,} bytes  {name}" for name, size in self.files.items()]
        return "\n".join([*lines, str(self.directory)] if self.directory else lines)


def build_model(name_or_dir: str, precision: str | None = None) -> Path | None:
    """Build a model. One that is built already is verified, and replaced if it is damaged.

    Returns:
        The directory, which ``load_model`` accepts on any machine. For a model that runs as it is,
        this is its own directory. None for the placeholder, which has no files.

    Raises:
        ChecksumError: A weight file is damaged.
        ModelError: The model is unknown or incomplete.
    """
    if name_or_dir == PLACEHOLDER:
        return None
    layout = frame_layout(name_or_dir, precision)
    if layout is not None:
        return layout.directory
    built = ensure_built(name_or_dir, precision)
    try:
        check_built(built)
    except ModelError:
        # A built directory that was named itself cannot be built again: the second check fails too.
        built = ensure_built(name_or_dir, precision, again=True)
        check_built(built)
    return built.directory


def check_model(name_or_dir: str, precision: str | None = None) -> CheckReport:
    """Verify a card's weights if they are installed, load the model, and verify the built files.

    Raises:
        ChecksumError: A file is damaged.
        ModelError: The model is unknown or incomplete, or does not load.
    """
    if has_card(name_or_dir) and find_weights(load_card(name_or_dir)) is not None:
        card = load_card(name_or_dir)
        with scratch_directory(card_directory(card, card.precision).parent) as scratch:
            gather(card, scratch)
    recognizer = load_model(name_or_dir, ModelOptions(precision=precision, provider="cpu"))
    directory = build_model(name_or_dir, precision)
    paths = sorted(directory.rglob("*")) if directory else []
    files = {
        path.relative_to(directory or "").as_posix(): path.stat().st_size
        for path in paths
        if path.is_file()
    }
    return CheckReport(
        model_id=recognizer.facts.model_id,
        model_sha256=recognizer.facts.model_sha256,
        directory=directory,
        files=files,
        provider=recognizer.provider,
    )


def list_models() -> tuple[ModelStatus, ...]:
    """Every card, and what is on this machine for it; no weights are loaded or imported."""
    return tuple(_status(card) for card in list_cards())


def _status(card: ModelCard) -> ModelStatus:
    directory = card_directory(card, card.precision)
    weights = find_weights(card)
    built = directory if is_built(directory) else None
    missing = card.layout is not None and weights is None and built is None
    return ModelStatus(card, weights, built, cure=install_line(card) if missing else "")
