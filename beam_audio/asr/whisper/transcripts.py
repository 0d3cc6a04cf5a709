"""From the decoded tokens of a clip to its transcript, or to one for each of its pieces."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

from beam_audio.asr import passages
from beam_audio.asr.whisper.alignment import token_spans
from beam_audio.asr.whisper.safeguards import Attempt
from beam_audio.asr.whisper.word_times import align_words
from beam_audio.asr.words import split_words
from beam_audio.models.whisper.mel_filters import SAMPLE_RATE_HZ
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from beam_audio.asr.recognizer import Request
    from beam_audio.asr.whisper.decoding import Decoded
    from beam_audio.asr.whisper.languages import Spoken
    from beam_audio.asr.words import WordTokens
    from beam_audio.types import Word


class TranscriptWriter:
    """Turns tokens into transcripts.

    Args:
        tokenizer: A ``tokenizers.Tokenizer``.
        end: The end token; every id from it on is special: end, modes, languages, timestamps.
    """

    def __init__(self, tokenizer: Any, end: int) -> None:  # noqa: ANN401 (the library has no types)
        self._tokenizer = tokenizer
        self._end = end

    def attempt(self, decoded: Decoded, language: str) -> Attempt:
        """A decoding as an attempt to be judged; ``language`` is that of the text."""
        return Attempt(
            text=self._text([token for token in decoded.tokens if token < self._end]).strip(),
            language=language,
            avg_logprob=decoded.avg_logprob,
            no_speech_prob=decoded.no_speech_prob,
        )

    def transcript(
        self, request: Request, spoken: Spoken, decoded: Decoded, attempt: Attempt, *, silent: bool
    ) -> Transcript:
        """The transcript of a clip; it has no text if the clip is ``silent``."""
        words = () if silent else self._words(request, decoded, attempt.language)[1]
        return Transcript(
            text="" if silent else attempt.text,
            language=spoken.language,
            language_probability=spoken.probability,
            avg_logprob=attempt.avg_logprob,
            no_speech_prob=attempt.no_speech_prob,
            token_ids=() if silent else decoded.tokens,
            words=words,
        )

    def pieces(
        self, request: Request, spoken: Spoken, decoded: Decoded, attempt: Attempt
    ) -> list[Transcript | None]:
        """The transcript of each piece of a clip; None for a piece whose text is not trusted.

        ``avg_logprob`` is the mean over the piece's own tokens; ``no_speech_prob`` is the clip's.
        """
        if attempt.is_silence or not attempt.is_safe:
            return [None for _ in request.pieces]
        tokens, words = self._words(request, decoded, attempt.language)
        text_tokens = [place for place, token in enumerate(decoded.tokens) if token < self._end]
        begins = [*(word.begin for word in tokens), len(text_tokens)]
        lengths = [len(piece.samples) / SAMPLE_RATE_HZ for piece in request.pieces]
        starts = accumulate(lengths, initial=0.0)
        found: list[Transcript | None] = []
        for own, language, start, seconds in zip(
            passages.part(words, lengths), spoken.pieces, starts, lengths, strict=False
        ):
            said = passages.move(words[own], start, seconds)
            foreign = language.language != spoken.language
            if foreign or not passages.is_plausible(said, seconds, language.language):
                found.append(None)
                continue
            places = text_tokens[begins[own.start] : begins[own.stop]]
            ids = [decoded.tokens[place] for place in places]
            found.append(
                Transcript(
                    text=self._text(ids).strip(),
                    language=language.language,
                    language_probability=language.probability,
                    avg_logprob=sum(decoded.logprobs[place] for place in places) / len(places),
                    no_speech_prob=attempt.no_speech_prob,
                    token_ids=tuple(ids),
                    words=said,
                )
            )
        return found

    def _words(
        self, request: Request, decoded: Decoded, language: str
    ) -> tuple[list[WordTokens], tuple[Word, ...]]:
        """The words of a clip: their tokens, and their times from the heads that follow time."""
        prompt = len(decoded.attention) - len(decoded.tokens)
        spans = token_spans(decoded.attention, prompt)
        # All tokens have times, but only those of the text make words.
        kept = [place for place, token in enumerate(decoded.tokens) if token < self._end]
        words = split_words([decoded.tokens[place] for place in kept], self._text, language)
        logprobs = [decoded.logprobs[place] for place in kept]
        return words, align_words(request.samples, spans[kept], words, logprobs)

    def _text(self, tokens: list[int]) -> str:
        text: str = self._tokenizer.decode(tokens)
        return text
