"""The language and the text of a recording, from the transcripts of its segments.

Each function takes the segments of one recording with their transcripts, by index. Words have
recording times; the transcript of a segment that failed is None.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from beam_audio.quality.languages import has_word_spaces

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from beam_audio.types import Segment, Transcript


def majority_language(segments: Sequence[tuple[Segment, Transcript | None]]) -> str | None:
    """Language of most seconds with text; of all seconds, when there is no text at all.

    Ties go to the first by name; None when no segment has a language.
    """
    any_text = any(transcript and transcript.text for _, transcript in segments)
    seconds: defaultdict[str, float] = defaultdict(float)
    for segment, transcript in segments:
        if transcript and transcript.language and (transcript.text or not any_text):
            seconds[transcript.language] += segment.duration_seconds
    return min(seconds, key=lambda language: (-seconds[language], language), default=None)


def core_texts(segments: Sequence[tuple[Segment, Transcript | None]]) -> list[str]:
    """What each segment adds to the text of its recording.

    Segments that overlap have the same words twice. The earlier of two segments gives the words
    whose middle lies before the border of their cores, and the later one gives the rest. The two
    place a word a few hundredths of a second apart, so a border inside a word of the earlier
    segment moves to that word's end or start, whichever keeps the word's middle on its side.

    A segment gives all its text if it overlaps with no other or its words have no times.
    """
    borders = _borders(segments) if segments else []
    return [
        "" if transcript is None else _text_between(transcript, first, last)
        for (_, transcript), (first, last) in zip(segments, pairwise(borders), strict=True)
    ]


def join_texts(texts: Iterable[str], language: str | None) -> str:
    """The text of a recording from what each segment adds, spaced as its language is written."""
    return (" " if has_word_spaces(language) else "").join(filter(None, texts))


def spoken_texts(texts: Sequence[str], unspoken: Collection[int]) -> list[str]:
    """The texts without those of segments whose words nobody said, given by index."""
    return ["" if index in unspoken else text for index, text in enumerate(texts)]


def _borders(segments: Sequence[tuple[Segment, Transcript | None]]) -> list[float | None]:
    """Seconds at which one segment hands over to the next; None where they do not overlap."""
    borders: list[float | None] = [None]
    latest = 0.0
    for (segment, transcript), (following, _) in pairwise(segments):
        # Both are checked: only the core is known of a failed segment that was read back.
        if (
            segment.end_sample <= following.core_start_sample
            and segment.core_end_sample <= following.start_sample
        ):
            borders.append(None)
            continue
        border = segment.core_end_sample / segment.sample_rate_hz
        latest = max(latest, _beside_word(transcript, border))
        borders.append(latest)
    return [*borders, None]


def _beside_word(transcript: Transcript | None, border: float) -> float:
    """The border, or the nearer edge of the word it falls into."""
    for word in (transcript.words if transcript else None) or ():
        start, end = word.start_seconds, word.end_seconds
        if start < border < end:
            return end if (start + end) / 2 < border else start
    return border


def _text_between(transcript: Transcript, first: float | None, last: float | None) -> str:
    """Words whose middle lies in [``first``, ``last``); None is no bound."""
    if transcript.words is None:
        return transcript.text
    kept = []
    for word in transcript.words:
        middle = (word.start_seconds + word.end_seconds) / 2
        if (first is None or middle >= first) and (last is None or middle < last):
            kept.append(word.word)
    if len(kept) == len(transcript.words):
        return transcript.text
    return (" " if has_word_spaces(transcript.language) else "").join(kept)
