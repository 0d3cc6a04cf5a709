"""The options a model is loaded with, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beam_audio.asr.recognizer import Mode
    from beam_audio.models.card import Padding


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """How a model is loaded, and how it transcribes.

    Attributes:
        precision: Number type of the graphs: ``float32``, ``float16`` or ``int8``. None takes the
            card's, or what the directory holds.
        padding: What follows a clip in Whisper's window of 30 s. ``full`` is silence, as in the
            reference implementation. ``condensed`` gives nearly the same text and is several times
            as fast on short clips (see ``beam_audio.asr.whisper.padding``). None takes the model's
            own.
        provider: Where inference runs: ``auto`` (CUDA if this ONNX Runtime has it, else the CPU),
            ``cpu``, ``cuda``, or the name of an ONNX Runtime execution provider.
        require_provider: Whether running on another provider is an error; otherwise it is a
            warning.
        mode: What the model writes: the words spoken, or their translation into English.
        prompt: Text the model takes as said before each clip; Whisper keeps its last 223 tokens.
        safeguards: Whether Whisper decodes a doubtful text again at higher temperatures, and writes
            no text for silence (see ``beam_audio.asr.whisper.safeguards``). Without them it takes
            the likeliest tokens once, which comparisons need.
        threads: Threads inside one operator; None is one per core.
        batch_seconds: Most padded seconds of a batch on a device; None measures what fits into its
            memory when the model is loaded.
        gpu_memory_fraction: Share of a GPU's memory for the batches of this process.
    """

    precision: str | None = None
    padding: Padding | None = None
    provider: str = "auto"
    require_provider: bool = False
    mode: Mode = "transcribe"
    prompt: str | None = None
    safeguards: bool = True
    threads: int | None = None
    batch_seconds: float | None = None
    gpu_memory_fraction: float = 0.8

    def only_whisper_has(self) -> dict[str, str]:
        """The options given that no other family has: command-line flag -> value."""
        flags = {
            "padding": self.padding,
            "prompt": self.prompt,
            "task": None if self.mode == "transcribe" else self.mode,
        }
        return {flag: value for flag, value in flags.items() if value is not None}


DEFAULT_OPTIONS: Final = ModelOptions()
