"""Whisper: greedy decoding of a batch of clips, each independent of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from beam_audio.asr.log_mel import SAMPLE_RATE_HZ, WINDOW_SAMPLES, WINDOW_SECONDS, log_mel
from beam_audio.asr.whisper_graphs import DecoderState, WhisperGraphs
from beam_audio.errors import ModelError
from beam_audio.models.build import TOKENIZER_FILE
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from beam_audio.asr.recognizer import Request, Task
    from beam_audio.models.build import BuiltModel

_COMPACT_BELOW = 0.75  # share of rows still running at which the finished ones are taken out


def whisper_model_id(name: str, precision: str, task: Task) -> str:
    """Name and precision; the task too when it is not to transcribe."""
    return f"{name}/{precision}" + ("/translate" if task == "translate" else "")


@dataclass(slots=True)
class _Row:
    """What has been decoded of one clip; ``logprob`` sums over its tokens and the end token."""

    no_speech_prob: float
    tokens: list[int] = field(default_factory=list)
    logprob: float = 0.0
    ended: bool = False

    def take(self, token: int, logprob: float, end: int) -> None:
        if self.ended:
            return
        self.logprob += logprob
        self.ended = token == end
        if not self.ended:
            self.tokens.append(token)


class WhisperRecognizer:
    """A built Whisper, ready to transcribe. See ``Recognizer`` for the contract.

    Args:
        built: The model.
        provider: ``auto``, ``cpu``, ``cuda`` or ONNX Runtime's own name.
        require_provider: Whether running on another provider is an error.
        task: ``translate`` gives English text of speech in another language.
        prompt: Text the model takes as what was said before; its last 223 tokens count.
        threads: Threads inside an operator; None is one a core.

    Raises:
        ModelError: The task is not one the model was trained for, or a library is missing.
        ProviderError: The provider was required and cannot be used.
    """

    def __init__(  # noqa: PLR0913  keyword arguments, each with a default
        self,
        built: BuiltModel,
        *,
        provider: str = "auto",
        require_provider: bool = False,
        task: Task = "transcribe",
        prompt: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._built = built
        self._config = built.whisper
        self._task = task
        if task == "translate" and not self._config.multilingual:
            raise ModelError(
                f"{built.name} knows English only and cannot translate: use a multilingual model "
                "such as whisper-base"
            )
        self._graphs = WhisperGraphs(
            built.directory,
            self._config.dimensions,
            provider=provider,
            require_provider=require_provider,
            threads=threads,
        )
        self._tokenizer = _load_tokenizer(built)
        self._context = self._encode_prompt(prompt)

    def _encode_prompt(self, prompt: str | None) -> tuple[int, ...]:
        """Tokens before the start of transcript: the reference keeps half the room, less one."""
        if not prompt or not prompt.strip():
            return ()
        room = self._config.dimensions.text_positions // 2 - 1
        ids = self._tokenizer.encode(" " + prompt.strip(), add_special_tokens=False).ids
        return (self._config.tokens.previous, *ids[-room:])

    @property
    def model_id(self) -> str:
        """Name and precision; the task too when it is not to transcribe."""
        return whisper_model_id(self._built.name, self._built.precision, self._task)

    @property
    def model_sha256(self) -> str:
        """Hash of source weights, exporter version and precision."""
        return self._built.model_sha256

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider in use."""
        return self._graphs.provider

    @property
    def sample_rate_hz(self) -> int:
        """Rate the clips must have: 16,000."""
        return SAMPLE_RATE_HZ

    @property
    def max_seconds(self) -> float:
        """Longest clip accepted: 30 s."""
        return WINDOW_SECONDS

    @property
    def languages(self) -> frozenset[str]:
        """Codes of the languages accepted in a request."""
        return frozenset(self._config.languages)

    def cost_seconds(self, duration_seconds: float) -> float:  # noqa: ARG002 (part of the contract)
        """Always 30: every clip is padded to the window."""
        return WINDOW_SECONDS

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch; one transcript a request, in order.

        Raises:
            ModelError: A clip is too long or not finite, or its language is not known.
        """
        if not requests:
            return []
        for request in requests:
            self._require_fit(request)
        bands = self._config.dimensions.mel_bands
        state = self._graphs.encode([log_mel(request.samples, bands) for request in requests])
        languages = self._languages(requests, state)
        rows = self._decode(state, [self._start(language) for language, _ in languages])
        return [
            self._transcript(row, language, probability)
            for row, (language, probability) in zip(rows, languages, strict=True)
        ]

    def _require_fit(self, request: Request) -> None:
        samples, language = request.samples, request.language
        if samples.ndim != 1 or len(samples) > WINDOW_SAMPLES:
            raise ModelError(
                f"a clip of shape {samples.shape} does not fit {self.model_id}, which takes one "
                f"channel of at most {WINDOW_SAMPLES} samples (30 s at 16 kHz): cut it first"
            )
        if not np.isfinite(samples).all():
            raise ModelError("a clip holds samples that are not finite numbers")
        if language is not None and language not in self._config.languages:
            known = ", ".join(self._config.languages)
            raise ModelError(f"{self.model_id} does not know language {language!r}, only {known}")

    def _languages(
        self, requests: Sequence[Request], state: DecoderState
    ) -> list[tuple[str, float | None]]:
        """Language of each clip, with its probability where the model was asked."""
        if not self._config.multilingual:
            return [("en", None) for _ in requests]
        given = [request.language for request in requests]
        if None not in given:
            return [(language, None) for language in given if language is not None]
        codes = list(self._config.tokens.languages)
        start = np.full((len(requests), 1), self._config.tokens.start, np.int64)
        logits, _ = self._graphs.step(state, start, [0])
        probabilities = _softmax(logits[:, 0, list(self._config.tokens.languages.values())])
        return [
            (language, None) if language is not None else (codes[best], float(row[best]))
            for language, row, best in zip(
                given, probabilities, probabilities.argmax(axis=1), strict=True
            )
        ]

    def _start(self, language: str) -> list[int]:
        tokens = self._config.tokens
        start = [*self._context, tokens.start]
        if self._config.multilingual:
            task = tokens.translate if self._task == "translate" else tokens.transcribe
            start += [tokens.languages[language], task]
        return [*start, tokens.no_timestamps]

    def _decode(self, state: DecoderState, prompts: list[list[int]]) -> list[_Row]:
        """Take the likeliest token until each row ends, or is half as long as the model allows."""
        tokens = self._config.tokens
        length, room = len(prompts[0]), self._config.dimensions.text_positions
        logits, state = self._graphs.step(
            state, np.array(prompts, np.int64), [len(self._context), length - 1]
        )
        no_speech = _softmax(logits[:, 0])[:, tokens.no_speech]
        rows = [_Row(float(probability)) for probability in no_speech]
        running, following = list(rows), logits[:, 1]
        hidden = [*tokens.suppress, *tokens.suppress_first]
        for _ in range(min(room // 2, room - length)):
            chosen, logprobs = _likeliest(following, hidden)
            for row, token, logprob in zip(running, chosen, logprobs, strict=True):
                row.take(int(token), float(logprob), tokens.end)
            going = np.flatnonzero([not row.ended for row in running])
            if not len(going):
                break
            if len(going) <= _COMPACT_BELOW * len(running):
                state = self._graphs.keep_rows(state, going)
                running, chosen = [running[row] for row in going], chosen[going]
            logits, state = self._graphs.step(state, chosen[:, None], [0])
            following, hidden = logits[:, 0], list(tokens.suppress)
        return rows

    def _transcript(self, row: _Row, language: str, probability: float | None) -> Transcript:
        # Every id from the end token on is special: end, tasks, languages, timestamps.
        words = [token for token in row.tokens if token < self._config.tokens.end]
        return Transcript(
            text=self._tokenizer.decode(words).strip(),
            language=language,
            language_probability=probability,
            avg_logprob=row.logprob / (len(row.tokens) + 1),
            no_speech_prob=row.no_speech_prob,
            token_ids=tuple(row.tokens),
        )


def _load_tokenizer(built: BuiltModel) -> Any:  # noqa: ANN401 (the library has no types)
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 (slow to load)
    except ImportError as error:
        raise ModelError("Whisper needs the tokenizers package: pip install tokenizers") from error
    return Tokenizer.from_file(str(built.directory / TOKENIZER_FILE))


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def _likeliest(
    logits: NDArray[np.float32], hidden: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Likeliest token of each row that is not hidden, and its log probability among those.

    Args:
        logits: float32 of shape (rows, vocabulary).
        hidden: Token ids that may not be chosen.

    Returns:
        int64 and float32 of shape (rows,).
    """
    allowed = logits.copy()
    allowed[:, hidden] = -np.inf
    chosen = allowed.argmax(axis=1)
    best = allowed.max(axis=1)
    return chosen, -np.log(np.exp(allowed - best[:, None]).sum(axis=1))
