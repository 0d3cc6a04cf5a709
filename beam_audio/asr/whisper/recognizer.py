"""Whisper: a batch of clips in, one transcript per clip out, independent of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beam_audio.asr import passages
from beam_audio.asr.model_options import DEFAULT_OPTIONS
from beam_audio.asr.recognizer import ON_CPU
from beam_audio.asr.session import CPU
from beam_audio.asr.whisper.decoding import Decoding, decode_safely
from beam_audio.asr.whisper.graphs import WhisperGraphs
from beam_audio.asr.whisper.identity import built_facts
from beam_audio.asr.whisper.languages import spoken_languages
from beam_audio.asr.whisper.log_mel import WINDOW_SAMPLES
from beam_audio.asr.whisper.padding import SECONDS_PER_POSITION, computed_positions, encoder_input
from beam_audio.asr.whisper.transcripts import TranscriptWriter
from beam_audio.errors import ModelError
from beam_audio.models.build import TOKENIZER_FILE
from beam_audio.models.whisper.mel_filters import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import Request
    from beam_audio.asr.whisper.decoding import Decoded
    from beam_audio.asr.whisper.languages import Spoken
    from beam_audio.asr.whisper.safeguards import Attempt
    from beam_audio.models.build import BuiltModel
    from beam_audio.types import Transcript


class WhisperRecognizer:
    """A built Whisper, ready to transcribe. See ``Recognizer`` for the contract.

    Args:
        built: The model.
        options: All but ``precision``, which the model already has.

    Raises:
        ModelError: The model cannot translate, or a library is missing.
        ProviderError: The provider was required and cannot be used.
    """

    batch_limits = ON_CPU

    def __init__(self, built: BuiltModel, options: ModelOptions = DEFAULT_OPTIONS) -> None:
        self.facts = built_facts(built, options)
        self._config = built.whisper
        self._mode = options.mode
        self._padding = options.padding or built.padding
        self._safeguards = options.safeguards
        if options.mode == "translate" and not self._config.multilingual:
            raise ModelError(
                f"{built.name} knows English only and cannot translate: use a multilingual model "
                "such as whisper-base"
            )
        self._graphs = WhisperGraphs(built.directory, self._config, options)
        self._graphs.warm_up(self._padding)
        self._tokenizer = _load_tokenizer(built)
        self._writer = TranscriptWriter(self._tokenizer, self._config.tokens.end)
        self._context = self._encode_prompt(options.prompt)

    def _encode_prompt(self, prompt: str | None) -> tuple[int, ...]:
        """Tokens before the transcript: at most half the room less one, as in the reference."""
        if not prompt or not prompt.strip():
            return ()
        room = self._config.dimensions.text_positions // 2 - 1
        ids = self._tokenizer.encode(" " + prompt.strip(), add_special_tokens=False).ids
        return (self._config.tokens.previous, *ids[-room:])

    @property
    def provider(self) -> str:
        """The ONNX Runtime execution provider in use."""
        return self._graphs.provider

    @property
    def passage_seconds(self) -> float:
        """Longest passage; 0 for translations, whose words cannot be assigned by their times."""
        return 0.0 if self._mode == "translate" else passages.PASSAGE_SECONDS

    def cost_seconds(self, duration_seconds: float) -> float:
        """Seconds the encoder computes for a clip: 30, or fewer with condensed padding."""
        samples = round(duration_seconds * SAMPLE_RATE_HZ)
        on_device = self.provider != CPU
        return SECONDS_PER_POSITION * computed_positions(
            samples, self._padding, on_device=on_device
        )

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch; one transcript per request, in order.

        Raises:
            ModelError: A clip is too long or not finite, or its language is not known.
        """
        if not requests:
            return []
        for request in requests:
            self._require_fit(request)
        heard = self._hear(requests)
        found = [
            self._writer.pieces(request, *each) if request.pieces else [self._whole(request, *each)]
            for request, each in zip(requests, heard, strict=True)
        ]
        missing = [
            piece
            for request, parts in zip(requests, found, strict=True)
            for piece, part in zip(request.pieces, parts, strict=False)
            if part is None
        ]
        alone = self._alone(missing, len(requests))
        complete = [[part or next(alone) for part in parts] for parts in found]
        return [
            passages.joined(parts) if request.pieces else parts[0]
            for request, parts in zip(requests, complete, strict=True)
        ]

    def _hear(self, requests: Sequence[Request]) -> list[tuple[Spoken, Decoded, Attempt]]:
        bands = self._config.dimensions.mel_bands
        inputs = [encoder_input(request.samples, bands, self._padding) for request in requests]
        prepared, decoder = self._graphs.prepare(inputs), self._graphs.decoder

        def heard() -> list[tuple[Spoken, Decoded, Attempt]]:
            clips = self._graphs.encode(prepared)
            spoken = spoken_languages(decoder, self._config, clips, requests)
            prompts = [self._start(each.language) for each in spoken]
            started = decoder.read(clips, prompts, len(self._context))
            decoding = Decoding(decoder, self._config, started)
            decoded = self._decode(decoding, requests, spoken)
            return [(language, *each) for language, each in zip(spoken, decoded, strict=True)]

        return self._graphs.in_turn(heard)

    def _alone(self, pieces: Sequence[Request], at_once: int) -> Iterator[Transcript]:
        """Recognise pieces, each on its own."""
        for first in range(0, len(pieces), at_once):
            batch = pieces[first : first + at_once]
            for piece, heard in zip(batch, self._hear(batch), strict=True):
                yield self._whole(piece, *heard)

    def _whole(
        self, request: Request, spoken: Spoken, decoded: Decoded, attempt: Attempt
    ) -> Transcript:
        silent = self._safeguards and attempt.is_silence
        return self._writer.transcript(request, spoken, decoded, attempt, silent=silent)

    def _require_fit(self, request: Request) -> None:
        samples, language = request.samples, request.language
        if samples.ndim != 1 or len(samples) > WINDOW_SAMPLES:
            raise ModelError(
                f"a clip of shape {samples.shape} does not fit {self.facts.model_id}, which takes "
                f"one channel of at most {WINDOW_SAMPLES} samples (30 s at 16 kHz): cut it first"
            )
        if not np.isfinite(samples).all():
            raise ModelError("a clip holds samples that are not finite numbers")
        if language is not None and language not in self._config.languages:
            known = ", ".join(self._config.languages)
            raise ModelError(
                f"{self.facts.model_id} does not know language {language!r}, only {known}"
            )

    def _start(self, language: str) -> list[int]:
        tokens = self._config.tokens
        start = [*self._context, tokens.start]
        if self._config.multilingual:
            task = tokens.translate if self._mode == "translate" else tokens.transcribe
            start += [tokens.languages[language], task]
        return [*start, tokens.no_timestamps]

    def _decode(
        self, decoding: Decoding, requests: Sequence[Request], spoken: Sequence[Spoken]
    ) -> list[tuple[Decoded, Attempt]]:
        def judge(row: int, decoded: Decoded) -> Attempt:
            return self._writer.attempt(decoded, self._written(spoken[row].language))

        seeds = [request.seed for request in requests]
        if self._safeguards:
            return decode_safely(decoding, seeds, judge, [not one.pieces for one in requests])
        found = decoding.run(range(decoding.rows), 0.0, seeds)
        return [(decoded, judge(row, decoded)) for row, decoded in enumerate(found)]

    def _written(self, spoken: str) -> str:
        """The language of the text."""
        return "en" if self._mode == "translate" else spoken


def _load_tokenizer(built: BuiltModel) -> Any:  # noqa: ANN401 (the library has no types)
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 (slow to load)
    except ImportError as error:
        raise ModelError("Whisper needs the tokenizers package: pip install tokenizers") from error
    return Tokenizer.from_file(str(built.directory / TOKENIZER_FILE))
