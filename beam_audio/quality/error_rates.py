"""Error rates: a transcript against its reference, and the share of each segment in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import jiwer

from beam_audio.quality.text import has_word_spaces, tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.quality.text import Normalizer

_Operation = Literal["hits", "substitutions", "deletions", "insertions"]


@dataclass(frozen=True, slots=True)
class Score:
    """How a transcript differs from its reference; None where a measure is undefined.

    Attributes:
        hits: Words equal in both; None, like the next three, in languages without word spaces.
        substitutions: Words of the reference heard as another word.
        deletions: Words of the reference that were not heard.
        insertions: Words heard that the reference lacks.
        wer: (S + D + I) / (H + S + D), may exceed 1; None without reference words.
        cer: The same over characters, spaces included where words have them.
        normalizer_id: How both texts were normalised.
        empty_reference: No word of the reference is left after normalising.
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
    """A segment's part of its recording's reference; ``reference_text`` is None without one."""

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
        hypothesis: What was heard.
        language: ISO 639-1 code; decides between words and characters.
        normalizer: Applied to both texts.
    """
    return share(reference, [hypothesis], language, normalizer).recording


def share(
    reference: str, hypotheses: Sequence[str], language: str | None, normalizer: Normalizer
) -> SharedScore:
    """Compare a recording with its reference and give each segment its part of the comparison.

    The reference is aligned over the segments' texts joined. A reference word belongs to the
    segment of the heard word it is aligned with; one that was not heard belongs to the segment of
    the heard word before it, or to the first segment that has text. So the segments' counts add up
    to the recording's, and their reference texts joined are the reference, normalised.

    A recording of one segment gives it its reference, unnormalised. Without any segment there is
    nobody to share with and ``segments`` is empty.

    Args:
        reference: What was said in the recording.
        hypotheses: What was heard, one text a segment, in order of time.
        language: ISO 639-1 code; decides between words and characters.
        normalizer: Applied to the reference and to each text.
    """
    spaces = has_word_spaces(language)
    wanted = tokens(normalizer(reference), language)
    parts = [tokens(normalizer(text), language) for text in hypotheses] or [[]]
    owners = [index for index, part in enumerate(parts) for _ in part]
    counts: list[Counter[_Operation]] = [Counter() for _ in parts]
    shares: list[list[str]] = [[] for _ in parts]
    heard = [token for part in parts for token in part]
    for operation, wanted_index, heard_index in _align(wanted, heard):
        owner = owners[heard_index] if owners else 0
        counts[owner][operation] += 1
        if wanted_index is not None:
            shares[owner].append(wanted[wanted_index])
    scores = [
        _score(count, own, part, normalizer, spaces=spaces)
        for count, own, part in zip(counts, shares, parts, strict=True)
    ]
    if len(parts) == 1:
        segments = [SegmentShare(reference, scores[0])] if hypotheses else []
        return SharedScore(scores[0], tuple(segments))
    glue = " " if spaces else ""
    return SharedScore(
        _score(sum(counts, Counter()), wanted, heard, normalizer, spaces=spaces),
        tuple(
            SegmentShare(glue.join(own) or None, part_score)
            for own, part_score in zip(shares, scores, strict=True)
        ),
    )


def _align(
    wanted: Sequence[str], heard: Sequence[str]
) -> Iterator[tuple[_Operation, int | None, int]]:
    """Yield each step with its index in ``wanted`` and the index in ``heard`` it belongs to."""
    chunks = jiwer.process_words(" ".join(wanted), " ".join(heard)).alignments[0]
    for chunk in chunks:
        wanted_range = range(chunk.ref_start_idx, chunk.ref_end_idx)
        heard_range = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        if chunk.type == "delete":
            before = max(chunk.hyp_start_idx - 1, 0)
            yield from (("deletions", index, before) for index in wanted_range)
        elif chunk.type == "insert":
            yield from (("insertions", None, index) for index in heard_range)
        else:
            operation: _Operation = "hits" if chunk.type == "equal" else "substitutions"
            for pair in zip(wanted_range, heard_range, strict=True):
                yield operation, *pair


def _score(
    counts: Counter[_Operation],
    wanted: Sequence[str],
    heard: Sequence[str],
    normalizer: Normalizer,
    *,
    spaces: bool,
) -> Score:
    errors = counts["substitutions"] + counts["deletions"] + counts["insertions"]
    rate = errors / len(wanted) if wanted else None
    cer = rate
    if spaces and wanted:
        cer = float(jiwer.process_characters(" ".join(wanted), " ".join(heard)).cer)
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
