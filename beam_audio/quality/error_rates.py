"""Error rates: a transcript against its reference, and each segment's share of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import jiwer

from beam_audio.quality.basic_text import knows_numbers
from beam_audio.quality.folding import chinese_script
from beam_audio.quality.languages import has_word_spaces, known_code
from beam_audio.quality.text import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from beam_audio.quality.normalizers import Normalizer

EDGE_CHARACTERS: Final = 12
"""Characters at each end of a text whose error rates stand alone."""

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
        figures_against_words: One text has figures, the other has none, and the number words of the
            language are not known: they may be the same numbers.
        scripts_differ: One text is in Simplified Chinese and the other in Traditional.
        start_cer: Errors per character between the first 12 characters of both texts, without a
            space at the cut: high if the cut lost the beginning, or holds words from before it.
        end_cer: The same for the last 12 characters.
        left_out: The reference of the recording has words, and none of them is the segment's.
    """

    hits: int | None
    substitutions: int | None
    deletions: int | None
    insertions: int | None
    wer: float | None
    cer: float | None
    normalizer_id: str
    empty_reference: bool
    figures_against_words: bool = False
    scripts_differ: bool = False
    start_cer: float | None = None
    end_cer: float | None = None
    left_out: bool = False


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


@dataclass(frozen=True, slots=True)
class CorrectedScore:
    """A recording with references of its segments.

    Attributes:
        recording: What they come to, and the score; None if a segment has none.
        segments: The share of each segment, in their order; None for one without a reference.
    """

    recording: SegmentShare | None
    segments: tuple[SegmentShare | None, ...]


def score(reference: str, hypothesis: str, language: str | None, normalizer: Normalizer) -> Score:
    """Compare a transcript with its reference.

    Alignment and definition of the rates are jiwer's: https://jitsi.github.io/jiwer/.

    Args:
        reference: What was said.
        hypothesis: What was recognised.
        language: Language of both; decides between words and characters.
        normalizer: Applied to both texts, as their language is written.
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
        language: Language of both; decides between words and characters.
        normalizer: Applied to the reference and to each text.
    """
    normalizer = replace(normalizer, language=language)
    wanted = tokens(normalizer(reference), language)
    parts = [tokens(normalizer(text), language) for text in hypotheses] or [[]]
    counts, shares = _by_segment(wanted, parts)
    compared = _Compared(normalizer, [*hypotheses] or [""], parts, counts, shares)
    scores = [compared.score(number, reference) for number in range(len(parts))]
    if len(parts) == 1:
        segments = [SegmentShare(reference, scores[0])] if hypotheses else []
        return SharedScore(scores[0], tuple(segments))
    return SharedScore(
        compared.whole(reference),
        tuple(
            SegmentShare(compared.joined(own) or None, part_score)
            for own, part_score in zip(shares, scores, strict=True)
        ),
    )


def share_corrected(
    reference: str | None,
    hypotheses: Sequence[str],
    corrected: Mapping[int, tuple[str, str]],
    language: str | None,
    normalizer: Normalizer,
) -> CorrectedScore:
    """Compare a recording whose segments have, in part, references of their own.

    The other segments have their part of the recording's reference, as :func:`share` gives it, or
    none. The recording is compared with what the references of all segments come to, if each
    segment has one.

    Args:
        reference: What is stated for the recording; None for nothing.
        hypotheses: What was recognised, one text per segment, in order of time.
        corrected: Of some segments, by their numbers: the reference, and all that was recognised,
            which is more than ``hypotheses`` has where segments overlap.
        language: Language of all; decides between words and characters.
        normalizer: Applied to the references and to each text.
    """
    normalizer = replace(normalizer, language=language)
    heard = list(hypotheses)
    parts = [tokens(normalizer(text), language) for text in heard]
    counts, shares = _by_segment(tokens(normalizer(reference or ""), language), parts)
    for number, (text, whole) in corrected.items():
        heard[number], parts[number] = whole, tokens(normalizer(whole), language)
        own = tokens(normalizer(text), language)
        (counts[number],), (shares[number],) = _by_segment(own, [parts[number]])
    compared = _Compared(normalizer, heard, parts, counts, shares)
    has_all = reference is not None or len(corrected) == len(parts)
    texts = [compared.joined(own) for own in shares]
    for number, (text, _) in corrected.items():
        texts[number] = text
    whole = compared.joined(filter(None, texts)) if has_all else ""
    segments = tuple(
        SegmentShare(text if number in corrected else text or None, compared.score(number, whole))
        if has_all or number in corrected
        else None
        for number, text in enumerate(texts)
    )
    recording = SegmentShare(whole, compared.whole(whole)) if has_all else None
    return CorrectedScore(recording, segments)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Segments aligned with their references: texts, tokens, counts, and reference tokens."""

    normalizer: Normalizer
    hypotheses: Sequence[str]
    parts: Sequence[Sequence[str]]
    counts: Sequence[Counter[_Operation]]
    shares: Sequence[Sequence[str]]

    def score(self, number: int, reference: str) -> Score:
        """The score of a segment; ``reference`` is that of the recording."""
        own = self.shares[number]
        texts = (reference, self.hypotheses[number])
        score = self._score(self.counts[number], (own, self.parts[number]), texts)
        return replace(score, left_out=not own and any(self.shares) and bool(reference))

    def whole(self, reference: str) -> Score:
        """The score of the recording."""
        compared = _joined(self.shares), _joined(self.parts)
        counts = sum(self.counts, Counter[_Operation]())
        return self._score(counts, compared, (reference, "".join(self.hypotheses)))

    def joined(self, words: Iterable[str]) -> str:
        """Words or texts as one text."""
        return (" " if has_word_spaces(self.normalizer.language) else "").join(words)

    def _score(
        self,
        counts: Counter[_Operation],
        compared: tuple[Sequence[str], Sequence[str]],
        raw: tuple[str, str],
    ) -> Score:
        language = self.normalizer.language
        spaces = has_word_spaces(language)
        score = _score(counts, *compared, self.normalizer, spaces=spaces)
        return _with_doubts(score, compared, raw, language)


def _with_doubts(
    score: Score,
    compared: tuple[Sequence[str], Sequence[str]],
    raw: tuple[str, str],
    language: str | None,
) -> Score:
    """A score with what may have made its errors: ways of writing, not of speaking."""
    have_figures = [any(map(str.isdecimal, "".join(words))) for words in compared]
    is_unsure = all(compared) and not knows_numbers(language)
    scripts = {chinese_script(text) for text in raw} if _is_chinese(language) else {None}
    return replace(
        score,
        figures_against_words=is_unsure and have_figures[0] is not have_figures[1],
        scripts_differ=scripts == {"Hans", "Hant"},
    )


def _is_chinese(language: str | None) -> bool:
    return known_code(language) in {"zh", "yue"}


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
    whole = tuple((" " if spaces else "").join(words) for words in (wanted, recognised))
    return Score(
        hits=counts["hits"] if spaces else None,
        substitutions=counts["substitutions"] if spaces else None,
        deletions=counts["deletions"] if spaces else None,
        insertions=counts["insertions"] if spaces else None,
        wer=rate if spaces else None,
        cer=_cer(*whole) if spaces else rate,
        normalizer_id=normalizer.normalizer_id,
        empty_reference=not wanted,
        start_cer=_cer(*(text[:EDGE_CHARACTERS] for text in whole)),
        end_cer=_cer(*(text[-EDGE_CHARACTERS:] for text in whole)),
    )


def _cer(wanted: str, recognised: str) -> float | None:
    return float(jiwer.process_characters(wanted, recognised).cer) if wanted else None
