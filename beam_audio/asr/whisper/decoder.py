"""Whisper's decoder: it reads the prompts of a batch, and then tokens follow one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from beam_audio.asr.session import make_session
from beam_audio.asr.whisper.batches import Batches, filled
from beam_audio.asr.whisper.encoder import HIDDEN
from beam_audio.asr.whisper.token_attention import TokenAttention

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.device_values import Device
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.whisper.batches import EncodedClips
    from beam_audio.models.whisper.config import WhisperConfig


@dataclass(frozen=True, slots=True, eq=False)
class Started:
    """Clips whose prompts are read.

    Attributes:
        clips: The clips.
        buffers: Keys and values of the prompts' tokens, with places for those that follow.
        context: Number of prompt tokens before the start of the transcript.
        length: Number of prompt tokens.
        tokens: int64 (rows,): the likeliest first token of each clip.
        logprobs: float32 (rows,): its log probability.
        no_speech_probs: float32 (rows,): probability of silence.
        logits: Of the first tokens, on the device: float32 (rows, 2, vocabulary), the second is it.
    """

    clips: EncodedClips
    buffers: dict[str, Any]
    context: int
    length: int
    tokens: NDArray[np.int64]
    logprobs: NDArray[np.float32]
    no_speech_probs: NDArray[np.float32]
    logits: Any


class Decoder:
    """The session of ``decoder.onnx``, and the batches it works on.

    Args:
        directory: Where the files are.
        config: Tokens and sizes of the network.
        device: Memory that the clips were encoded in.
        options: Provider and threads.

    Attributes:
        device: Memory that the clips are in.
        batches: Makes batches, and smaller ones of their rows.
        attention: Says which frames tokens attend to.
        constants: Inputs that are the same in every step.
        captured: Numbers of the CUDA graphs that were captured.
    """

    def __init__(
        self, directory: Path, config: WhisperConfig, device: Device, options: ModelOptions
    ) -> None:
        from onnxruntime import RunOptions  # noqa: PLC0415 (optional, comes with an extra)

        self._run_options = RunOptions
        self.device = device
        self._step = make_session(directory / "decoder.onnx", options, captures=True)
        self.batches = Batches(directory, config.dimensions, device, options)
        self.attention = TokenAttention(directory, config, device, self.batches.precision, options)
        tokens, vocabulary = config.tokens, config.dimensions.vocabulary
        self._start = tokens.start
        self.captured: set[int] = set()
        first = [*tokens.suppress, *tokens.suppress_first]
        languages = list(tokens.languages.values())
        others = np.setdiff1d(np.arange(vocabulary), languages)
        self._hidden_first = device.put(_hidden(vocabulary, [], first))
        self._hidden_others = device.put(_hidden(vocabulary, others))
        self._languages = device.put(np.array(languages, np.int64))
        self.constants = {
            "hidden": device.put(_hidden(vocabulary, tokens.suppress)),
            "asked": device.put(np.array([tokens.no_speech])),
            "positions": device.put(np.zeros(1, np.int64)),
        }

    def language_probs(
        self, clips: EncodedClips, spans: Sequence[slice | None]
    ) -> NDArray[np.float32]:
        """Probability of each language in each clip, float32 (rows, languages).

        Args:
            clips: The clips.
            spans: For each clip the audio positions to listen to, or None for all.
        """
        if any(spans):
            clips = self._attend(clips, spans)
        fed = {
            "tokens": np.full((clips.size, 1), self._start, np.int64),
            "positions": np.zeros(1, np.int64),
        }
        found = self._feed(
            clips,
            self.batches.blank(clips, 1),
            fed,
            {"hidden": self._hidden_others, "asked": self._languages},
        )
        logprobs = self.device.fetch(found["asked_logprobs"])[: clips.rows, 0]
        probs: NDArray[np.float32] = np.exp(logprobs)
        return probs

    def _attend(self, clips: EncodedClips, spans: Sequence[slice | None]) -> EncodedClips:
        """The clips with all audio positions hidden, except those of their spans."""
        weights = self.device.fetch(clips.audio["log_members"])
        for row, span in zip(weights[: clips.rows], spans, strict=True):
            if span is not None:
                row[: span.start] = row[span.stop :] = HIDDEN
        return replace(clips, audio={**clips.audio, "log_members": self.device.put(weights)})

    def read(self, clips: EncodedClips, prompts: Sequence[Sequence[int]], context: int) -> Started:
        """Read the prompt of each clip.

        Args:
            clips: The clips.
            prompts: Tokens each clip begins with, all of one length.
            context: Number of prompt tokens before the start of the transcript.
        """
        length = len(prompts[0])
        buffers = self.batches.blank(clips, length + 1)
        fed = {
            "tokens": filled(np.array(prompts, np.int64), clips.size),
            "positions": np.array([context, length - 1]),
        }
        given = {"hidden": self._hidden_first, "asked": self.constants["asked"]}
        found = self._feed(clips, buffers, fed, given)
        fetched = {
            name: self.device.fetch(found[name])[: clips.rows]
            for name in ("token", "logprob", "asked_logprobs")
        }
        return Started(
            clips=clips,
            buffers=buffers,
            context=context,
            length=length,
            tokens=fetched["token"][:, 1],
            logprobs=fetched["logprob"][:, 1],
            no_speech_probs=np.exp(fetched["asked_logprobs"][:, 0, 0]),
            logits=found["logits"],
        )

    def _feed(
        self,
        clips: EncodedClips,
        buffers: dict[str, Any],
        fed: dict[str, NDArray[np.int64]],
        given: dict[str, Any],
    ) -> dict[str, Any]:
        """Feed the first tokens of clips; they are written into ``buffers``."""
        values = {name: self.device.put(array) for name, array in fed.items()}
        start = {"start": self.device.put(np.zeros(1, np.int64))}
        binding = self.bind(clips.audio, buffers, {**values, **start, **given})
        names = ("token", "logprob", "asked_logprobs", "logits")
        for name in names:
            binding.bind_output(name, self.device.name)
        self.run(binding)
        outputs = binding.get_outputs()[len(buffers) :]
        return dict(zip(names, outputs, strict=True))

    def bind(self, audio: dict[str, Any], buffers: dict[str, Any], given: dict[str, Any]) -> Any:  # noqa: ANN401 (the library has no types)
        """A binding in which tokens are written into the buffers."""
        binding = self._step.io_binding()
        for name, value in {**audio, **given}.items():
            binding.bind_ortvalue_input(name, value)
        for name, value in buffers.items():
            binding.bind_ortvalue_input(f"past_{name}", value)
            binding.bind_ortvalue_output(f"present_{name}", value)
        return binding

    def run(self, binding: Any, graph: int = -1) -> None:  # noqa: ANN401 (as above)
        """Run a step; a CUDA graph with a number from 1 on is captured, and replayed from then on.

        The run that captures runs the step several times.
        """
        options = self._run_options()
        options.add_run_config_entry("gpu_graph_id", str(graph))
        self._step.run_with_iobinding(binding, options)


def _hidden(vocabulary: int, *rows: Iterable[int]) -> NDArray[np.float32]:
    """Addends of logits, one row for each position asked for: they hide these tokens."""
    addends = np.zeros((len(rows), vocabulary), np.float32)
    for addend, tokens in zip(addends, rows, strict=True):
        addend[list(tokens)] = -np.inf
    return addends
