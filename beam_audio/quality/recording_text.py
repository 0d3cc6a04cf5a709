"""The language and the text of a recording, from the transcripts of its segments.

Each function takes the segments of one recording with their transcripts, by index, and goes through
them once. Words have recording times; the transcript of a segment that failed is None.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import tee, zip_longest
from typing import TYPE_CHECKING

from beam_audio.quality.languages import has_word_spaces

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from beam_audio.types import Segment, Transcript

    Transcribed = tuple[Segment, Transcript | None]


def majority_language(segments: Iterable[Transcribed]) -> str | None:
    """Language of most seconds with text; of all seconds, when there is no text at all.

    Ties go to the first by name; None when no segment has a language.
    """
    any_text = False
    of_all: defaultdict[str, float] = defaultdict(float)
    with_text: defaultdict[str, float] = defaultdict(float)
    for segment, transcript in segments:
        if transcript is None:
            continue
        any_text |= bool(transcript.text)
        if transcript.language:
            of_all[transcript.language] += segment.duration_seconds
            if transcript.text:
                with_text[transcript.language] += segment.duration_seconds
    seconds = with_text if any_text else of_all
    return min(seconds, key=lambda language: (-seconds[language], language), default=None)


def core_texts(segments: Iterable[Transcribed]) -> list[str]:
    """What each segment adds to the text of its recording.

    Segments that overlap have the same words twice. The earlier of two segments gives the words
    whose middle lies before the border of their cores, and the later one gives the rest. The two
    place a word a few hundredths of a second apart, so a border inside a word of the earlier
    segment moves to that word's end or start, whichever keeps the word's middle on its side.

    A segment gives all its text if it overlaps with no other or its words have no times.
    """
    texts = []
    first: float | None = None
    latest = 0.0
    these, later = tee(segments)
    next(later, None)
    for (segment, transcript), following in zip_longest(these, later):
        last = _border(segment, transcript, following and following[0])
        if last is not None:
            last = latest = max(latest, last)
        texts.append("" if transcript is None else _text_between(transcript, first, last))
        first = last
    return texts


def join_texts(texts: Iterable[str], language: str | None) -> str:
    """The text of a recording from what each segment adds, spaced as its language is written."""
    return (" " if has_word_spaces(language) else "").join(filter(None, texts))


def spoken_texts(texts: Sequence[str], unspoken: Collection[int]) -> list[str]:
    """The texts without those of segments whose words nobody said, given by index."""
    return ["" if index in unspoken else text for index, text in enumerate(texts)]


def _border(
    segment: Segment, transcript: Transcript | None, following: Segment | None
) -> float | None:
    """Second at which a segment hands over to the next; None where they do not overlap."""
    # Both are checked: only the core is known of a failed segment that was read back.
    if following is None or (
        segment.end_sample <= following.core_start_sample
        and segment.core_end_sample <= following.start_sample
    ):
        return None
    return _beside_word(transcript, segment.core_end_sample / segment.sample_rate_hz)


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
