"""Whisper: from a batch of clips to transcripts, each independent of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beam_audio.asr.alignment import SECONDS_PER_FRAME, token_spans
from beam_audio.asr.decoding import Decoding, decode_safely
from beam_audio.asr.log_mel import SAMPLE_RATE_HZ, WINDOW_SAMPLES, WINDOW_SECONDS
from beam_audio.asr.padding import SECONDS_PER_POSITION, condensed_positions, encoder_input
from beam_audio.asr.safeguards import Attempt
from beam_audio.asr.whisper_graphs import DecoderState, WhisperGraphs
from beam_audio.asr.word_times import align_words
from beam_audio.errors import ModelError
from beam_audio.models.build import TOKENIZER_FILE
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from beam_audio.asr.decoding import Decoded
    from beam_audio.asr.recognizer import Request, Task
    from beam_audio.models.build import BuiltModel
    from beam_audio.models.card import Padding
    from beam_audio.types import Word

_SAMPLES_PER_FRAME = round(SECONDS_PER_FRAME * SAMPLE_RATE_HZ)


def whisper_model_id(name: str, precision: str, padding: Padding, task: Task) -> str:
    """Name and precision; padding and task, too, when they are not full and to transcribe."""
    condensed = "/condensed" if padding == "condensed" else ""
    return f"{name}/{precision}{condensed}" + ("/translate" if task == "translate" else "")


class WhisperRecognizer:
    """A built Whisper, ready to transcribe. See ``Recognizer`` for the contract.

    Args:
        built: The model.
        padding: What follows a clip in the 30 s window: see ``beam_audio.asr.padding``.
        provider: ``auto``, ``cpu``, ``cuda`` or ONNX Runtime's own name.
        require_provider: Whether running on another provider is an error.
        task: ``translate`` gives English text of speech in another language.
        prompt: Text the model takes as what was said before; its last 223 tokens count.
        safeguards: Whether texts not to be trusted are decoded again and silence has no text; see
            ``beam_audio.asr.safeguards``. Without them every text is the likeliest one.
        threads: Threads inside an operator; None is one a core.

    Raises:
        ModelError: The task is not one the model was trained for, or a library is missing.
        ProviderError: The provider was required and cannot be used.
    """

    def __init__(  # noqa: PLR0913  keyword arguments, each with a default
        self,
        built: BuiltModel,
        *,
        padding: Padding = "full",
        provider: str = "auto",
        require_provider: bool = False,
        task: Task = "transcribe",
        prompt: str | None = None,
        safeguards: bool = True,
        threads: int | None = None,
    ) -> None:
        self._built = built
        self._config = built.whisper
        self._task = task
        self._padding = padding
        self._safeguards = safeguards
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
        """Name and precision; padding and task, too, when they are not the usual ones."""
        return whisper_model_id(self._built.name, self._built.precision, self._padding, self._task)

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

    def cost_seconds(self, duration_seconds: float) -> float:
        """What the encoder computes for a clip: 30 s, or less with condensed padding."""
        if self._padding == "full":
            return WINDOW_SECONDS
        return SECONDS_PER_POSITION * condensed_positions(round(duration_seconds * SAMPLE_RATE_HZ))

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
        state = self._graphs.encode(
            [encoder_input(request.samples, bands, self._padding) for request in requests]
        )
        languages = self._languages(requests, state)
        decoding = Decoding(
            self._graphs,
            self._config,
            state,
            [self._start(language) for language, _ in languages],
            len(self._context),
        )
        return [
            self._transcript(request, *language, *found)
            for request, language, found in zip(
                requests, languages, self._decode(decoding, requests, languages), strict=True
            )
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
        logits = self._graphs.step(state, start, [0]).logits
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

    def _decode(
        self,
        decoding: Decoding,
        requests: Sequence[Request],
        languages: Sequence[tuple[str, float | None]],
    ) -> list[tuple[Decoded, Attempt]]:
        def judge(row: int, decoded: Decoded) -> Attempt:
            return Attempt(
                text=self._text(list(filter(self._is_text, decoded.tokens))).strip(),
                language=self._written(languages[row][0]),
                avg_logprob=decoded.avg_logprob,
                no_speech_prob=decoded.no_speech_prob,
            )

        seeds = [request.seed for request in requests]
        if self._safeguards:
            return decode_safely(decoding, seeds, judge)
        found = decoding.run(range(decoding.rows), 0.0, seeds)
        return [(decoded, judge(row, decoded)) for row, decoded in enumerate(found)]

    def _written(self, spoken: str) -> str:
        """The language of the text."""
        return "en" if self._task == "translate" else spoken

    def _transcript(
        self,
        request: Request,
        language: str,
        language_probability: float | None,
        decoded: Decoded,
        attempt: Attempt,
    ) -> Transcript:
        silent = self._safeguards and attempt.is_silence
        return Transcript(
            text="" if silent else attempt.text,
            language=language,
            language_probability=language_probability,
            avg_logprob=attempt.avg_logprob,
            no_speech_prob=attempt.no_speech_prob,
            token_ids=() if silent else decoded.tokens,
            words=() if silent else self._words(request, decoded, attempt.language),
        )

    def _words(self, request: Request, decoded: Decoded, language: str) -> tuple[Word, ...]:
        """Words with times, from the heads that follow time."""
        frames = -(-len(request.samples) // _SAMPLES_PER_FRAME)
        prompt = decoded.scores.shape[1] - len(decoded.tokens)
        spans = token_spans(decoded.scores[:, :, :frames], prompt)
        # Times belong to all tokens, words to those of the text.
        kept = [place for place, token in enumerate(decoded.tokens) if self._is_text(token)]
        return align_words(
            request.samples,
            spans[kept],
            [decoded.tokens[place] for place in kept],
            logprobs=[decoded.logprobs[place] for place in kept],
            decode=self._text,
            language=language,
        )

    def _is_text(self, token: int) -> bool:
        """Every id from the end token on is special: end, tasks, languages, timestamps."""
        return token < self._config.tokens.end

    def _text(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode(tokens)
        return text


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
