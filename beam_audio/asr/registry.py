"""From the name of a model, or a directory, to a recogniser; building what is not built yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from beam_audio.asr.placeholder import PlaceholderRecognizer, placeholder_sha256
from beam_audio.asr.whisper import WhisperRecognizer, whisper_model_id
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.build import check_built, is_built, model_sha256, scratch_directory
from beam_audio.models.card import ModelCard, has_card, list_cards, load_card
from beam_audio.models.resolve import card_directory, ensure_built, require_precision
from beam_audio.models.sources import find_weights, gather, install_line

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr.recognizer import Recognizer, Task

_PLACEHOLDER = "placeholder"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a launcher needs of a model before anything is loaded; names as in ``Recognizer``."""

    model_id: str
    model_sha256: str
    sample_rate_hz: int
    max_seconds: float
    languages: frozenset[str]


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A card and what of it is on this machine.

    Attributes:
        card: The model.
        weights: The packages its weights lie in; None when they are not installed.
        built: Directory of its ONNX files; None when they are not built.
        cure: The line that installs its weights; empty when it is available.
    """

    card: ModelCard
    weights: str | None
    built: Path | None
    cure: str

    @property
    def name(self) -> str:
        """What ``--model`` takes."""
        return self.card.name

    @property
    def available(self) -> bool:
        """Whether it loads without installing or downloading anything."""
        return self.card.layout is None or self.built is not None or self.weights is not None

    @property
    def status(self) -> str:
        """What is here, in words."""
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
    """A model whose files were all verified and which loads.

    Attributes:
        model_id: Name and precision.
        model_sha256: Identity of the weights as built.
        directory: Where its files are; None for a model without any.
        files: File name -> size in bytes.
        provider: Execution provider it loaded on.
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


def load_model(  # noqa: PLR0913  keyword arguments, each with a default
    name_or_dir: str,
    *,
    precision: str | None = None,
    provider: str = "auto",
    require_provider: bool = False,
    task: Task = "transcribe",
    prompt: str | None = None,
    threads: int | None = None,
) -> Recognizer:
    """Load a model; one that is not built yet is built into the cache first.

    Args:
        name_or_dir: Name of a card, or a directory: built, CTranslate2 or Hugging Face Whisper.
        precision: Number type of the graphs; None takes the card's.
        provider: ``auto`` (CUDA where ONNX Runtime has it, else CPU), ``cpu``, ``cuda``, or ONNX
            Runtime's own name.
        require_provider: Whether running on another provider is an error.
        task: ``translate`` gives English text of speech in another language.
        prompt: Text the model takes as what was said before.
        threads: Threads inside an operator; None is one a core.

    Raises:
        ChecksumError: A weight file or a built file is damaged.
        ProviderError: The provider was required and cannot be used.
        ModelError: The model is unknown or incomplete, or cannot do what is asked.
    """
    if name_or_dir == _PLACEHOLDER:
        if precision is not None:
            require_precision(precision)
        if require_provider and provider.lower() not in {"auto", "cpu", "cpuexecutionprovider"}:
            raise ProviderError(f"{provider} was required, and the placeholder has no use for it")
        return PlaceholderRecognizer(load_card(_PLACEHOLDER), task)
    built = ensure_built(name_or_dir, precision)
    check_built(built)
    return WhisperRecognizer(
        built,
        provider=provider,
        require_provider=require_provider,
        task=task,
        prompt=prompt,
        threads=threads,
    )


def build_model(name_or_dir: str, precision: str | None = None) -> Path | None:
    """Build a model, or verify the one built before and replace it if it is damaged.

    Returns:
        The directory, which ``load_model`` takes on any machine; None for the placeholder, which
        has no files.

    Raises:
        ChecksumError: A weight file is damaged.
        ModelError: The model is unknown or incomplete.
    """
    if name_or_dir == _PLACEHOLDER:
        return None
    built = ensure_built(name_or_dir, precision)
    try:
        check_built(built)
    except ModelError:
        # A built directory given as such comes back as it is, and fails again: it has no source.
        built = ensure_built(name_or_dir, precision, again=True)
        check_built(built)
    return built.directory


def check_model(name_or_dir: str, precision: str | None = None) -> CheckReport:
    """Verify the weights of a card where they are installed, then the built files, then load them.

    Raises:
        ChecksumError: A file is damaged.
        ModelError: The model is unknown or incomplete, or does not load.
    """
    if has_card(name_or_dir) and find_weights(load_card(name_or_dir)) is not None:
        card = load_card(name_or_dir)
        with scratch_directory(card_directory(card, card.precision).parent) as scratch:
            gather(card, scratch)
    recognizer = load_model(name_or_dir, precision=precision, provider="cpu")
    directory, files = None, {}
    if name_or_dir != _PLACEHOLDER:
        directory = ensure_built(name_or_dir, precision).directory
        files = {path.name: path.stat().st_size for path in sorted(directory.iterdir())}
    return CheckReport(
        model_id=recognizer.model_id,
        model_sha256=recognizer.model_sha256,
        directory=directory,
        files=files,
        provider=recognizer.provider,
    )


def list_models() -> tuple[ModelStatus, ...]:
    """Every card with what of it is on this machine; nothing is loaded or imported."""
    return tuple(_status(card) for card in list_cards())


def _status(card: ModelCard) -> ModelStatus:
    directory = card_directory(card, card.precision)
    weights = find_weights(card)
    built = directory if is_built(directory) else None
    missing = card.layout is not None and weights is None and built is None
    return ModelStatus(card, weights, built, cure=install_line(card) if missing else "")


def model_facts(
    name_or_dir: str, *, precision: str | None = None, task: Task = "transcribe"
) -> ModelFacts:
    """What is known of a model without loading it.

    A card answers by itself, whether or not its weights are installed; a directory of weights is
    built into the cache first.

    Raises:
        ModelError: The model is unknown or incomplete.
    """
    if precision is not None:
        require_precision(precision)
    if name_or_dir == _PLACEHOLDER:
        card = load_card(_PLACEHOLDER)
        recognizer = PlaceholderRecognizer(card, task)
        return ModelFacts(
            model_id=recognizer.model_id,
            model_sha256=placeholder_sha256(),
            sample_rate_hz=card.sample_rate_hz,
            max_seconds=card.max_seconds,
            languages=frozenset(card.languages),
        )
    if has_card(name_or_dir):
        card = load_card(name_or_dir)
        number = precision or card.precision
        return ModelFacts(
            model_id=whisper_model_id(card.name, number, task),
            model_sha256=model_sha256(card.files, number),
            sample_rate_hz=card.sample_rate_hz,
            max_seconds=card.max_seconds,
            languages=frozenset(card.languages),
        )
    built = ensure_built(name_or_dir, precision)
    return ModelFacts(
        model_id=whisper_model_id(built.name, built.precision, task),
        model_sha256=built.model_sha256,
        sample_rate_hz=built.sample_rate_hz,
        max_seconds=built.max_seconds,
        languages=frozenset(built.whisper.languages),
    )
