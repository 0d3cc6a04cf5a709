"""Segments of a recording recognised together; each has its own transcript in any batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.installed_models import BASE, TINY_EN, needs_base, needs_tiny_en

from beam_audio.asr import ModelOptions, Recognizer, Request, load_model
from beam_audio.asr.passages import join
from beam_audio.audio.decode import decode, resample
from beam_audio.segments.splitter import split
from beam_audio.types import Audio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from beam_audio.types import Segment, Transcript

    Read = Callable[[str], NDArray[np.float32]]

RATE_HZ = 16_000
LONG = "librispeech/1688-142285-0000.flac"
OTHERS = ("spontaneous/mfa_cold_corpus.wav", "librispeech/1688-142285-0002.flac")


@pytest.fixture(scope="module")
def tiny_en() -> Recognizer:
    return load_model(TINY_EN, ModelOptions(provider="cpu"))


@pytest.fixture(scope="module")
def read(shared_data: Path) -> Read:
    def read(name: str) -> NDArray[np.float32]:
        audio = decode(shared_data / name)
        return resample(audio.samples, audio.sample_rate_hz, RATE_HZ)

    return read


def segments_of(samples: NDArray[np.float32]) -> list[Segment]:
    return split(Audio(samples, RATE_HZ, "r"))


def requests_of(segments: Sequence[Segment]) -> list[Request]:
    return [Request(one.samples, "en", seed) for seed, one in enumerate(segments)]


def words_of(text: str) -> list[str]:
    return "".join(char for char in text.lower() if char.isalnum() or char == " ").split()


def texts(found: Transcript) -> list[tuple[str, tuple[int, ...]]]:
    return [(piece.text, piece.token_ids) for piece in found.pieces or (found,)]


@needs_tiny_en
@pytest.mark.shared
def test_segments_of_a_passage_say_what_the_passage_says(read: Read, tiny_en: Recognizer) -> None:
    segments = segments_of(read(LONG))[:5]
    passage = join(requests_of(segments))
    (found,) = tiny_en.transcribe([passage])
    (whole,) = tiny_en.transcribe([Request(passage.samples, "en")])
    assert len(found.pieces) == len(segments) > 2
    assert [token for piece in found.pieces for token in piece.token_ids] == list(whole.token_ids)
    assert words_of(found.text) == words_of(whole.text)
    for segment, piece in zip(segments, found.pieces, strict=True):
        assert piece.words
        times = [time for word in piece.words for time in (word.start_seconds, word.end_seconds)]
        assert times == sorted(times)
        assert times[0] >= 0
        assert times[-1] <= segment.duration_seconds
        assert words_of(piece.text) == words_of(" ".join(word.word for word in piece.words))
        assert piece.avg_logprob is not None
        assert -1 < piece.avg_logprob < 0


@needs_tiny_en
@pytest.mark.shared
def test_a_passage_depends_on_no_other(read: Read, tiny_en: Recognizer) -> None:
    """One of them ends in a segment without speech, which is recognised again on its own."""
    silence = Request(np.zeros(6 * RATE_HZ, np.float32), "en", 9)
    long, first, second = (requests_of(segments_of(read(name))) for name in (LONG, *OTHERS))
    passages = [
        join(long[:4]),
        join([*second, silence]),
        join(first[:3]),
        Request(read(OTHERS[1]), "en"),
    ]
    alone = [texts(tiny_en.transcribe([passage])[0]) for passage in passages]
    assert list(map(texts, tiny_en.transcribe(passages))) == alone
    assert list(map(texts, tiny_en.transcribe(passages[::-1])))[::-1] == alone
    assert alone[1][-1:] == texts(tiny_en.transcribe([silence])[0])
    assert all(text for text, _ in alone[1][:-1])


@needs_base
@pytest.mark.shared
def test_a_sentence_in_another_language_is_not_translated(
    read: Read, manifest_lines: list[dict[str, Any]]
) -> None:
    base = load_model(BASE, ModelOptions(provider="cpu"))
    japanese = next(
        line["audio_filepath"]
        for line in manifest_lines
        if line["decode_ok"] and line.get("lang") == "ja" and line["duration"] < 10
    )
    clips = [read(OTHERS[1])[: 8 * RATE_HZ], read(japanese)]
    (found,) = base.transcribe([join([Request(clip) for clip in clips])])
    assert [piece.language for piece in found.pieces] == ["en", "ja"]
    assert "silly" in words_of(found.pieces[0].text)
    assert any("\u3040" <= char <= "\u9fff" for char in found.pieces[1].text)


@needs_tiny_en
@needs_base
def test_only_transcripts_are_made_in_passages(tiny_en: Recognizer) -> None:
    assert tiny_en.passage_seconds == 20
    assert load_model(BASE, ModelOptions(provider="cpu", mode="translate")).passage_seconds == 0
