"""Error rates: a transcript against its reference, and each segment's share of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import jiwer

from beam_audio.quality.languages import has_word_spaces
from beam_audio.quality.text import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.quality.normalizers import Normalizer

_Operation = Literal["hits", "substitutions", "deletions", "insertions"]


@dataclass(frozen=True, slots=True)
class Score:
    """How a transcript differs from its reference; None where a measure is undefined.

    Attributes:
        hits: Words equal in both; None, like the next three, in languages without word spaces.
        substitutions: Words of the reference recognised as another word.
        deletions: Words of the reference that are missing in the transcript.
        insertions: Words of the transcript that are not in the reference.
        wer: (S + D + I) / (H + S + D), may exceed 1; None without reference words.
        cer: The same over characters, spaces included where words have them.
        normalizer_id: How both texts were normalised.
        empty_reference: Normalising leaves no word of the reference.
    """

    hits: int | None
    substitutions: int | None
    deletions: int | None
    insertions: int | None
    wer: float | None
    cer: float | None
    normalizer_id: str
    empty_reference: bool


@dataclass(frozen=True, slots=True)
class SegmentShare:
    """A segment's part of its recording's reference; ``reference_text`` is None for no part."""

    reference_text: str | None
    score: Score


@dataclass(frozen=True, slots=True)
class SharedScore:
    """The score of a recording and the share of each of its segments, in their order."""

    recording: Score
    segments: tuple[SegmentShare, ...]


def score(reference: str, hypothesis: str, language: str | None, normalizer: Normalizer) -> Score:
    """Compare a transcript with its reference.

    Alignment and definition of the rates are jiwer's: https://jitsi.github.io/jiwer/.

    Args:
        reference: What was said.
        hypothesis: What was recognised.
        language: ISO 639-1 code; decides between words and characters.
        normalizer: Applied to both texts.
    """
    return share(reference, [hypothesis], language, normalizer).recording


def share(
    reference: str, hypotheses: Sequence[str], language: str | None, normalizer: Normalizer
) -> SharedScore:
    """Compare a recording with its reference and give each segment its part of the comparison.

    The reference is aligned with the joined texts of the segments. A reference word belongs to the
    segment of the recognised word it is aligned with. A word that was not recognised belongs to the
    segment of the recognised word before it, or to the first segment that has text. So the
    segments' counts add up to the recording's, and their reference texts join to the normalised
    reference.

    An only segment gets the whole reference, unnormalised. Without segments, ``segments`` of the
    result is empty.

    Args:
        reference: What was said in the recording.
        hypotheses: What was recognised, one text per segment, in order of time.
        language: ISO 639-1 code; decides between words and characters.
        normalizer: Applied to the reference and to each text.
    """
    spaces = has_word_spaces(language)
    wanted = tokens(normalizer(reference), language)
    parts = [tokens(normalizer(text), language) for text in hypotheses] or [[]]
    counts, shares = _by_segment(wanted, parts)
    scores = [
        _score(count, own, part, normalizer, spaces=spaces)
        for count, own, part in zip(counts, shares, parts, strict=True)
    ]
    if len(parts) == 1:
        segments = [SegmentShare(reference, scores[0])] if hypotheses else []
        return SharedScore(scores[0], tuple(segments))
    glue = " " if spaces else ""
    return SharedScore(
        _score(sum(counts, Counter()), wanted, _joined(parts), normalizer, spaces=spaces),
        tuple(
            SegmentShare(glue.join(own) or None, part_score)
            for own, part_score in zip(shares, scores, strict=True)
        ),
    )


def _by_segment(
    wanted: Sequence[str], parts: Sequence[Sequence[str]]
) -> tuple[list[Counter[_Operation]], list[list[str]]]:
    """Align a reference with the parts of a transcript; each part's counts and reference words."""
    owners = [index for index, part in enumerate(parts) for _ in part]
    counts: list[Counter[_Operation]] = [Counter() for _ in parts]
    shares: list[list[str]] = [[] for _ in parts]
    for operation, wanted_index, recognised_index in _align(wanted, _joined(parts)):
        owner = owners[recognised_index] if owners else 0
        counts[owner][operation] += 1
        if wanted_index is not None:
            shares[owner].append(wanted[wanted_index])
    return counts, shares


def _joined(parts: Iterable[Iterable[str]]) -> list[str]:
    return [token for part in parts for token in part]


def _align(
    wanted: Sequence[str], recognised: Sequence[str]
) -> Iterator[tuple[_Operation, int | None, int]]:
    """Yield each step with its index in ``wanted`` and its owner's index in ``recognised``."""
    chunks = jiwer.process_words(" ".join(wanted), " ".join(recognised)).alignments[0]
    for chunk in chunks:
        wanted_range = range(chunk.ref_start_idx, chunk.ref_end_idx)
        recognised_range = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        if chunk.type == "delete":
            before = max(chunk.hyp_start_idx - 1, 0)
            yield from (("deletions", index, before) for index in wanted_range)
        elif chunk.type == "insert":
            yield from (("insertions", None, index) for index in recognised_range)
        else:
            operation: _Operation = "hits" if chunk.type == "equal" else "substitutions"
            for pair in zip(wanted_range, recognised_range, strict=True):
                yield operation, *pair


def _score(
    counts: Counter[_Operation],
    wanted: Sequence[str],
    recognised: Sequence[str],
    normalizer: Normalizer,
    *,
    spaces: bool,
) -> Score:
    """Rates from counted operations; the character rate aligns both texts once more."""
    errors = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    rate = errors / len(wanted) if wanted else None
    cer = rate
    if spaces and wanted:
        cer = float(jiwer.process_characters(" ".join(wanted), " ".join(recognised)).cer)
    return Score(
        hits=counts["hits"] if spaces else None,
        substitutions=counts["substitutions"] if spaces else None,
        deletions=counts["deletions"] if spaces else None,
        insertions=counts["insertions"] if spaces else None,
        wer=rate if spaces else None,
        cer=cer,
        normalizer_id=normalizer.normalizer_id,
        empty_reference=not wanted,
    )
