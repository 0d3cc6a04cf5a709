"""Text measures: normalising, word and character error rates, signs of repetition, rates.

Languages written without spaces between words have no word counts here; they are compared by
characters, white space left out, since it stands there for punctuation and layout alone.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

import jiwer
from whisper_normalizer.english import EnglishTextNormalizer

from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LANGUAGES_WITHOUT_WORD_SPACES: Final = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue"})

COMPRESSION_MIN_BYTES: Final = 32
"""Shorter texts compress by chance."""
REPETITION_MIN_WORDS: Final = 4
REPETITION_UNIQUE_RATIO: Final = 0.4
REPETITION_NGRAM: Final = 10
REPETITION_NGRAM_COUNT: Final = 3

_PIECE_CHARS: Final = 4000
_SQUARE_OR_ANGLE: Final = (re.compile(r"[<\[][^>\]]*[>\]]"), re.compile(r"[<\[]"), ">]")
_ROUND: Final = (re.compile(r"\([^)]+\)"), re.compile(r"\("), ")")

_Operation = Literal["hits", "substitutions", "deletions", "insertions"]


@dataclass(frozen=True, slots=True)
class Normalizer:
    """A named way of making two spellings of the same speech equal; calling it returns the text.

    ``whisper-en-1`` is the English normaliser published with Whisper, as the package
    whisper-normalizer has it. It joins number words and figures that follow each other, across a
    comma too ("$20.50, twenty-one" becomes "$20.5021"); reference and hypothesis get the same
    treatment, and error rates stay comparable with published ones, so that is left as it is. Only
    the lone full stop that it makes of a closing ellipsis is dropped: it would count as a word.

    ``basic-1`` is for every other language: lower case, without bracketed asides, punctuation,
    symbols and invisible characters, in NFKC. Marks stay, unlike in Whisper's own, which cuts the
    words of scripts that write vowels as marks into pieces.

    ``none`` returns the text as it is.
    """

    normalizer_id: str

    def __call__(self, text: str) -> str:
        """Return the normalised text, words parted by single spaces (``none``: unchanged)."""
        return _NORMALIZERS[self.normalizer_id](text)


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


def has_word_spaces(language: str | None) -> bool:
    """Whether words have spaces between them; True for an unknown language."""
    return _primary(language) not in LANGUAGES_WITHOUT_WORD_SPACES


def is_same_language(one: str | None, other: str | None) -> bool:
    """Whether two codes name one language, region aside: ``en`` and ``en-GB`` do."""
    return _primary(one) == _primary(other)


def normalizer_for(language: str | None, choice: str = "auto") -> Normalizer:
    """Choose how texts are normalised before they are compared.

    Args:
        language: ISO 639-1 code, region allowed (``en-GB``); None when unknown.
        choice: ``auto`` takes ``whisper-en-1`` for English and ``basic-1`` for all else; or one of
            these ids, or ``none``.

    Raises:
        ConfigError: The choice is unknown.
    """
    if choice == "auto":
        return Normalizer("whisper-en-1" if _primary(language) == "en" else "basic-1")
    if choice not in _NORMALIZERS:
        known = ["auto", *_NORMALIZERS]
        near = difflib.get_close_matches(choice, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
        raise ConfigError(f"unknown normalizer {choice!r}{hint}")
    return Normalizer(choice)


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
    wanted = _tokens(normalizer(reference), spaces=spaces)
    parts = [_tokens(normalizer(text), spaces=spaces) for text in hypotheses] or [[]]
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


def compression_ratio(text: str) -> float | None:
    """UTF-8 bytes over zlib bytes: high when a text repeats itself; None under 32 bytes."""
    encoded = text.encode("utf-8", errors="replace")
    if len(encoded) < COMPRESSION_MIN_BYTES:
        return None
    return len(encoded) / len(zlib.compress(encoded))


def unique_word_ratio(text: str, language: str | None) -> float | None:
    """Different words over words, case and punctuation aside; None without words."""
    words = _spoken(text).split()
    return len(set(words)) / len(words) if words and has_word_spaces(language) else None


def is_repetitive(text: str, language: str | None) -> bool:
    """Whether the text of one segment goes in circles, as decoders do when they lose the audio.

    True when at least 4 words have a unique-word ratio of at most 0.4, or when any run of 10 words
    (characters, in languages without word spaces) occurs more than 3 times. Not meant for the text
    of a long recording, whose unique-word ratio falls by itself.
    """
    tokens = _tokens(_spoken(text), spaces=has_word_spaces(language))
    unique = unique_word_ratio(text, language)
    if (
        unique is not None
        and unique <= REPETITION_UNIQUE_RATIO
        and len(tokens) >= REPETITION_MIN_WORDS
    ):
        return True
    runs = Counter(zip(*(tokens[start:] for start in range(REPETITION_NGRAM)), strict=False))
    return max(runs.values(), default=0) > REPETITION_NGRAM_COUNT


def words_per_second(text: str, seconds: float, language: str | None) -> float | None:
    """Words a second; None for no time at all and in languages without word spaces."""
    return len(text.split()) / seconds if seconds > 0 and has_word_spaces(language) else None


def chars_per_second(text: str, seconds: float) -> float | None:
    """Characters that are not white space a second; None for no time at all."""
    return sum(map(len, text.split())) / seconds if seconds > 0 else None


def _primary(language: str | None) -> str:
    return (language or "").replace("_", "-").split("-")[0].lower()


def _tokens(text: str, *, spaces: bool) -> list[str]:
    words = text.split()
    return words if spaces else list("".join(words))


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


def _without_asides(text: str) -> str:
    """Remove what stands in brackets, and opening brackets that nothing closes.

    The last closing bracket is found first: behind it no opening one can match, and a search from
    each of many of them to the end of the text would take time in the square of its length.
    """
    for pair, opening, closers in (_SQUARE_OR_ANGLE, _ROUND):
        end = max(text.rfind(closer) for closer in closers) + 1
        text = pair.sub("", text[:end]) + opening.sub(" ", text[end:])
    return text


def _spoken(text: str) -> str:
    """Lower case in NFKC, symbols and punctuation as spaces, invisible characters left out."""
    kinds = ((char, unicodedata.category(char)) for char in unicodedata.normalize("NFKC", text))
    spaced = "".join(" " if kind[0] in "SP" else char for char, kind in kinds if kind != "Cf")
    return " ".join(spaced.lower().split())


def _basic(text: str) -> str:
    return _spoken(_without_asides(text.lower()))


@cache
def _whisper_english() -> Callable[[str], str]:
    english: Callable[[str], str] = EnglishTextNormalizer()
    return english


def _english(text: str) -> str:
    pieces = (_english_piece(piece) for piece in _pieces(_without_asides(text.lower())))
    words = " ".join(pieces).split()
    return " ".join(word for word in words if any(map(str.isalnum, word)))


def _english_piece(text: str) -> str:
    try:
        return _whisper_english()(text)
    except AssertionError:
        # It gives up on figures of more than 4300 digits, which Python does not read as a number.
        return _basic(text)


def _pieces(text: str) -> Iterator[str]:
    """Cut a text between words: the English patterns take time in the square of their input."""
    piece: list[str] = []
    room = _PIECE_CHARS
    for word in text.split():
        if piece and len(word) > room:
            yield " ".join(piece)
            piece, room = [], _PIECE_CHARS
        piece.append(word)
        room -= len(word) + 1
    yield " ".join(piece)


def _unchanged(text: str) -> str:
    return text


_NORMALIZERS: Final[dict[str, Callable[[str], str]]] = {
    "whisper-en-1": _english,
    "basic-1": _basic,
    "none": _unchanged,
}
