from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordLevel

from beam_audio.asr.passages import join
from beam_audio.asr.recognizer import Request
from beam_audio.asr.whisper.decoding import Decoded
from beam_audio.asr.whisper.languages import Spoken
from beam_audio.asr.whisper.transcripts import TranscriptWriter

if TYPE_CHECKING:
    from beam_audio.types import Transcript

RATE_HZ = 16_000
WORDS = (" We", " walked", " home", ".", " Then", " we", " slept", "!")
END = len(WORDS)
# One word every half second; marks have no sound, but attention assigns the pauses to them.
STARTS = (0.1, 0.5, 1.0, 1.4, 1.6, 2.0, 2.5, 2.9)
SPOKEN = Spoken("en", 0.9, (Spoken("en", 0.8), Spoken("en", 0.7)))


@pytest.fixture(scope="module")
def writer() -> TranscriptWriter:
    names = dict(zip(WORDS, range(len(WORDS)), strict=True))
    tokenizer = Tokenizer(WordLevel({**names, "": END}, unk_token=""))
    tokenizer.decoder = Fuse()
    return TranscriptWriter(tokenizer, END)


def passage() -> Request:
    """Noise with a pause at each mark; the first sentence ends at 1.5 s, the second at 3.0 s."""
    samples = 0.1 * np.random.default_rng(0).normal(size=3 * RATE_HZ)
    for start, end in ((0.0, 0.1), (1.4, 1.6), (2.9, 3.0)):
        samples[round(start * RATE_HZ) : round(end * RATE_HZ)] = 0
    half = len(samples) // 2
    both = samples.astype(np.float32)
    return join([Request(both[:half], seed=1), Request(both[half:], seed=2)])


def decoded(*places: int, logprob: float = -0.1, no_speech: float = 0.1) -> Decoded:
    """Some of the words; each token, from the last of the prompt on, attends to the next word."""
    attention = np.zeros((1 + len(places), 150), np.float32)
    for row, place in enumerate(places):
        start, stop = (*STARTS, 3.0)[place : place + 2]
        attention[row, round(start * 50) : round(stop * 50)] = 9.0
    logprobs = tuple(logprob * (place + 1) for place in places)
    return Decoded(places, (*logprobs, -0.01), no_speech, 0.0, attention)


def pieces(writer: TranscriptWriter, found: Decoded, spoken: Spoken) -> list[Transcript | None]:
    return writer.pieces(passage(), spoken, found, writer.attempt(found, spoken.language))


def test_each_piece_has_its_words_tokens_and_measures(writer: TranscriptWriter) -> None:
    first, second = pieces(writer, decoded(*range(8)), SPOKEN)
    assert first is not None
    assert second is not None
    assert (first.text, second.text) == ("We walked home.", "Then we slept!")
    assert (first.token_ids, second.token_ids) == ((0, 1, 2, 3), (4, 5, 6, 7))
    assert first.avg_logprob == pytest.approx(np.mean([-0.1, -0.2, -0.3, -0.4]))
    assert second.avg_logprob == pytest.approx(np.mean([-0.5, -0.6, -0.7, -0.8]))
    assert (first.language_probability, second.language_probability) == (0.8, 0.7)
    assert (first.no_speech_prob, second.no_speech_prob) == (0.1, 0.1)
    for piece in (first, second):
        assert piece.words is not None
        times = [time for word in piece.words for time in (word.start_seconds, word.end_seconds)]
        assert all(before <= after for before, after in pairwise([0.0, *times, 1.5]))
    assert second.words is not None
    assert [word.word for word in second.words] == ["Then", "we", "slept!"]
    assert second.words[0].start_seconds == pytest.approx(0.1, abs=0.05)


def test_a_piece_without_words_is_not_trusted(writer: TranscriptWriter) -> None:
    first, second = pieces(writer, decoded(0, 1, 2), SPOKEN)
    assert first is not None
    assert first.text == "We walked home"
    assert second is None


def test_a_piece_in_another_language_is_not_trusted(writer: TranscriptWriter) -> None:
    spoken = Spoken("en", 0.6, (Spoken("de", 0.9), Spoken("en", 0.7)))
    first, second = pieces(writer, decoded(*range(8)), spoken)
    assert first is None
    assert second is not None
    assert second.text == "Then we slept!"


@pytest.mark.parametrize(("logprob", "no_speech"), [(-0.6, 0.1), (-0.6, 0.9)])
def test_nothing_is_taken_from_a_passage_the_model_doubts(
    writer: TranscriptWriter, logprob: float, no_speech: float
) -> None:
    found = decoded(*range(8), logprob=logprob, no_speech=no_speech)
    assert pieces(writer, found, SPOKEN) == [None, None]


def test_a_silent_clip_has_no_text_but_its_measures(writer: TranscriptWriter) -> None:
    found = decoded(*range(8), no_speech=0.9)
    attempt = writer.attempt(found, "en")
    silent = writer.transcript(passage(), SPOKEN, found, attempt, silent=True)
    assert (silent.text, silent.words, silent.token_ids) == ("", (), ())
    assert (silent.no_speech_prob, silent.avg_logprob) == (0.9, found.avg_logprob)
    heard = writer.transcript(passage(), SPOKEN, found, attempt, silent=False)
    assert heard.text == "We walked home. Then we slept!"
