"""A long text and what was read of it: each sentence with its place in the recording.

The text is aligned with the recognised words. What was heard of a sentence tells whether it was
read. Between two sentences that were, the words that neither has are shared out by their letters
and by the pauses, or were added by the reader. A cut lies in the pause between two words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal

from rapidfuzz.distance import Levenshtein
from rapidfuzz.fuzz import partial_ratio_alignment

from beam_audio.quality.languages import has_word_spaces
from beam_audio.quality.pauses import Pauses
from beam_audio.quality.sentences import split_sentences
from beam_audio.quality.text import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.quality.normalizers import Normalizer
    from beam_audio.quality.pauses import Spoken

Kind = Literal["read", "misread", "not_read", "added"]

_MISREAD_CER: Final = 0.3
_READ_SHARE: Final = 0.5
"""Share of a sentence's words that must be heard in place; else its letters are looked at."""
_READ_SIMILARITY: Final = 0.45
_STRAY_WORDS: Final = 3
"""So many more words heard than the text has between two of its words part them."""
_STRAY_HITS: Final = 2
"""So few words apart from the rest of their sentence are there by chance."""
_ADDED_COST: Final = 6.0
"""Letters that must be unlike, before words between sentences are the reader's own."""
_PAUSE_GAIN: Final = 4.0
"""Letters that a second of pause weighs as much as."""
_LONGEST_PAUSE_SECONDS: Final = 0.6
_DECIMALS: Final = 3
_SPARE_WORDS: Final = 4
"""So many more words than the text has at an edge may have been heard there."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence of the text, or what the reader added to it.

    Attributes:
        kind: ``read``; ``misread``: over 0.3 character errors per character; ``not_read``;
            ``added``: said and not in the text.
        text: The sentence as the text has it; empty if it was added.
        heard: The words that were recognised of it; empty if it was not read.
        start_seconds: Where it begins in the recording, in the pause before it; None if it was not
            read.
        end_seconds: Where it ends, likewise.
        cer: Character errors of what was heard; None unless it was read or misread.
    """

    kind: Kind
    text: str
    heard: str = ""
    start_seconds: float | None = None
    end_seconds: float | None = None
    cer: float | None = None


@dataclass(frozen=True, slots=True)
class _Span:
    """The words in which a sentence was heard, and its own words beyond their edges."""

    first: int
    stop: int
    head: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()


def read_sentences(text: str, spoken: Spoken, normalizer: Normalizer) -> list[Reading]:
    """Find each sentence of a text in a recording.

    Args:
        text: What should have been read; see :func:`split_sentences`.
        spoken: What was heard.
        normalizer: How both are compared; it says the language.

    Returns:
        All sentences in order, and between them what was added. Every word of the text is in one of
        them, and every word that was heard is in one of them.
    """
    language = normalizer.language
    one_word = cache(lambda word: tuple(tokens(normalizer(word), language)))
    heard = [one_word(each.word) for each in spoken.words]
    sentences = split_sentences(text, language)
    wanted = [tuple(tokens(normalizer(each), language)) for each in sentences]
    spans = _aligned(wanted, heard)
    spans |= _alike(wanted, heard, spans)
    pauses = Pauses(spoken)
    stretches = _shared_out(spans, heard, pauses)
    glue = " " if has_word_spaces(language) else ""

    def reading(kind: Kind, sentence: str, first: int, stop: int, cer: float | None) -> Reading:
        words = glue.join(each.word for each in spoken.words[first:stop])
        times = pauses.after(first), pauses.before(stop)
        return Reading(kind, sentence, words, *times, cer)

    found: list[Reading] = []
    place = 0
    for number, sentence in enumerate(sentences):
        if number not in stretches:
            found.append(Reading("not_read", sentence))
            continue
        first, stop = stretches[number]
        if place < first:
            found.append(reading("added", "", place, first, None))
        cer = _cer(wanted[number], heard[first:stop], glue)
        kind: Kind = "misread" if cer > _MISREAD_CER else "read"
        found.append(reading(kind, sentence, first, stop, cer))
        place = stop
    if place < len(heard):
        found.append(reading("added", "", place, len(heard), None))
    return found


def _aligned(wanted: Sequence[Sequence[str]], heard: Sequence[Sequence[str]]) -> dict[int, _Span]:
    """The sentences most of whose words were heard in place."""
    flat = [token for each in wanted for token in each]
    spoken = [token for each in heard for token in each]
    words = [number for number, each in enumerate(heard) for _ in each]
    blocks = Levenshtein.editops(flat, spoken).as_matching_blocks()
    hits = [(each.a + n, each.b + n) for each in blocks for n in range(each.size)]
    spans: dict[int, _Span] = {}
    begin = place = 0
    for number, own in enumerate(wanted):
        stop = place
        while stop < len(hits) and hits[stop][0] < begin + len(own):
            stop += 1
        kept = _without_strays(hits[place:stop])
        if own and len(kept) >= _READ_SHARE * len(own):
            head, tail = own[: kept[0][0] - begin], own[kept[-1][0] + 1 - begin :]
            edges = words[kept[0][1]], words[kept[-1][1]] + 1
            spans[number] = _Span(*edges, tuple(head), tuple(tail))
        begin, place = begin + len(own), stop
    return spans


def _without_strays(hits: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Hits of a sentence without few ones that lie far from the others."""
    runs: list[list[tuple[int, int]]] = [[hit] for hit in hits[:1]]
    for before, hit in pairwise(hits):
        if hit[1] - before[1] - (hit[0] - before[0]) > _STRAY_WORDS:
            runs.append([])
        runs[-1].append(hit)
    longest = max(runs, key=len, default=[])
    return [hit for run in runs if run is longest or len(run) > _STRAY_HITS for hit in run]


def _alike(
    wanted: Sequence[Sequence[str]], heard: Sequence[Sequence[str]], spans: dict[int, _Span]
) -> dict[int, _Span]:
    """Sentences heard in other words that have most letters in common with them."""
    found: dict[int, _Span] = {}
    stops = sorted((number, each.first) for number, each in spans.items())
    stops.append((len(wanted), len(heard)))
    place = number = 0
    for after, first in stops:
        for each in range(number, after):
            if span := _most_alike(wanted[each], heard, place, first):
                found[each] = span
                place = span.stop
        if after in spans:
            place = spans[after].stop
        number = after + 1
    return found


def _most_alike(
    sentence: Sequence[str], heard: Sequence[Sequence[str]], first: int, stop: int
) -> _Span | None:
    """The words in a stretch that are most like a sentence; None if none are."""
    letters = "".join(sentence)
    owners = [number for number in range(first, stop) for _ in "".join(heard[number])]
    if not letters or not owners:
        return None
    found = partial_ratio_alignment(letters, _letters(heard[first:stop]))
    if found is None:
        return None
    begin, end = owners[found.dest_start], owners[max(found.dest_end - 1, 0)] + 1
    alike = Levenshtein.normalized_similarity(letters, _letters(heard[begin:end]))
    return _Span(begin, end) if alike >= _READ_SIMILARITY else None


def _shared_out(
    spans: dict[int, _Span], heard: Sequence[Sequence[str]], pauses: Pauses
) -> dict[int, tuple[int, int]]:
    """First and stop of each sentence's words, with those that lie between two sentences."""
    if not spans:
        return {}
    order = sorted(spans)
    firsts, stops = [], []
    before = _Span(0, 0)
    for number in order:
        span = spans[number]
        stop, first = _split(before, span, heard, pauses)
        stops.append(stop)
        firsts.append(first)
        before = span
    stop, _ = _split(before, _Span(len(heard), len(heard)), heard, pauses)
    return dict(zip(order, zip(firsts, [*stops[1:], stop], strict=True), strict=True))


def _split(
    before: _Span, after: _Span, heard: Sequence[Sequence[str]], pauses: Pauses
) -> tuple[int, int]:
    """Where the words of one sentence stop and those of the next begin; between is added."""
    low, high = before.stop, max(after.first, before.stop)
    # Nothing is before the first sentence or after the last that could take words.
    most_stop = low + (len(before.tail) + _SPARE_WORDS if before.stop else 0)
    least_first = high - (len(after.head) + _SPARE_WORDS if after.first < len(heard) else 0)
    tail, head = "".join(before.tail), "".join(after.head)
    of_stop = {
        stop: Levenshtein.distance(tail, _letters(heard[low:stop]))
        - _pause_gain(pauses.seconds(stop))
        for stop in range(low, min(most_stop, high) + 1)
    }
    of_first = {
        first: Levenshtein.distance(head, _letters(heard[first:high]))
        - _pause_gain(pauses.seconds(first))
        for first in range(max(least_first, low), high + 1)
    }
    costs = {
        (stop, first): of_stop[stop] + of_first[first] + (_ADDED_COST if stop < first else 0.0)
        for stop in of_stop
        for first in of_first
        if stop <= first
    }
    return min(costs, key=lambda each: (costs[each], each))


def _pause_gain(seconds: float) -> float:
    return _PAUSE_GAIN * min(seconds, _LONGEST_PAUSE_SECONDS)


def _letters(heard: Sequence[Sequence[str]]) -> str:
    return "".join(token for each in heard for token in each)


def _cer(wanted: Sequence[str], heard: Sequence[Sequence[str]], glue: str) -> float:
    """Character errors per character of a sentence."""
    sentence = glue.join(wanted)
    said = glue.join(token for each in heard for token in each)
    return round(Levenshtein.distance(sentence, said) / max(len(sentence), 1), _DECIMALS)
