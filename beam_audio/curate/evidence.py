"""What rules may look at, read back from the rows of a unit, a column at a time.

Measures that are columns are taken as they are. The others are made from what is stored, so that
each is what the run had: ``tests/curate/test_evidence.py`` compares them all.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beam_audio import schema
from beam_audio.quality.basic_text import knows_numbers
from beam_audio.quality.folding import chinese_script
from beam_audio.quality.languages import has_word_spaces, is_same_language, known_code
from beam_audio.quality.measures import METADATA, SURE_OF_LANGUAGE, round_measure
from beam_audio.quality.normalizers import Normalizer
from beam_audio.quality.text import is_repetitive, unique_word_ratio
from beam_audio.unit.scoring import SCORE_FAILED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from beam_audio.quality.measures import Value


OF_RECORDING: Final = (
    *("recording_id", "sample_rate_hz", "language", "stated_language", "reference_text"),
    *("reasons", "cer"),
)
"""Columns of ``recordings`` that the evidence of a segment depends on."""

_COUNTED: Final = ("speech", "words_per_second", "chars_per_second", "duration_seconds")
_HEARD: Final = ("text", "heard_language", "normalizer_id")
_COMPARED: Final = (*_HEARD, "reference_text")


class Evidence:
    """What is known of the segments of a unit.

    Args:
        segments: Their rows, with the columns that :func:`columns_for` names.
        recordings: The rows of their recordings, with the columns :data:`OF_RECORDING`.
    """

    def __init__(self, segments: pa.Table, recordings: pa.Table) -> None:
        self.segments = segments
        self.recording_rows: pa.Array = pc.index_in(
            segments["recording_id"].combine_chunks(),
            value_set=recordings["recording_id"].combine_chunks(),
        )
        self._recordings = recordings.take(self.recording_rows)

    def __len__(self) -> int:
        return len(self.segments)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A measure of every segment, rounded; NaN where it is missing."""
        if (found := self._found.get(name)) is None:
            make = _MEASURES.get(name)
            found = make(self) if make else _floats(self.segments[name])
            self._found[name] = found
        return found

    def flags(self, name: str) -> NDArray[np.float64]:
        """A flag of every segment, 1 or 0; NaN where it is missing."""
        if (found := self._found.get(name)) is None:
            make = _FLAGS.get(name)
            found = make(self).astype(np.float64) if make else _floats(self.segments[name])
            self._found[name] = found
        return found

    def texts(self, name: str, rows: NDArray[np.intp]) -> Sequence[Value]:
        """A text of some segments, by their numbers; None where it is missing."""
        if name.startswith(METADATA):
            key = name.removeprefix(METADATA)
            return [self._metadata[row].get(key) for row in rows]
        if name == "stated_language":
            return _listed(self._recordings["stated_language"].take(rows))
        column = "text_language" if name == "language" else name
        return _listed(self.segments[column].take(rows))

    @cached_property
    def _found(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _metadata(self) -> list[dict[str, str]]:
        encoded = self.segments["metadata"].combine_chunks().dictionary_encode()
        values = [json.loads(each) for each in encoded.dictionary.to_pylist()]
        return [values[index] for index in encoded.indices.to_pylist()]

    @cached_property
    def sample_rates_hz(self) -> NDArray[np.float64]:
        """Sample rate of each segment's recording."""
        return _floats(self._recordings["sample_rate_hz"])

    @cached_property
    def score_failed(self) -> NDArray[np.bool_]:
        """Whether each segment's recording could not be compared with its reference."""
        reasons = _listed(self._recordings["reasons"])
        return np.array([SCORE_FAILED in (each or ()) for each in reasons], dtype=np.bool_)

    @cached_property
    def has_reference(self) -> NDArray[np.bool_]:
        """Whether each segment was compared with a reference."""
        return _bools(self.segments["normalizer_id"].is_valid())

    @cached_property
    def recording_has_reference_words(self) -> NDArray[np.bool_]:
        """Whether the reference of each segment's recording has words."""
        return _bools(self._recordings["cer"].is_valid())

    @cached_property
    def judged_as(self) -> list[str | None]:
        """Language that the words of each segment are counted in."""
        return [
            (stated if compared else None) or heard or stated
            for compared, heard, stated in zip(
                self.has_reference.tolist(),
                _listed(self.segments["heard_language"]),
                _listed(self._recordings["stated_language"]),
                strict=True,
            )
        ]

    @property
    def heard(self) -> Iterator[tuple[str, str | None]]:
        """Text of each segment, and the language its words are counted in."""
        return zip(_listed(self.segments["text"]), self.judged_as, strict=True)

    @property
    def languages(self) -> Iterator[tuple[str | None, str | None, str | None]]:
        """Language of each segment's text (None without text), its recording's, and the stated."""
        return zip(
            (
                heard if text else None
                for heard, text in zip(
                    _listed(self.segments["heard_language"]),
                    _listed(self.segments["text"]),
                    strict=True,
                )
            ),
            _listed(self._recordings["language"]),
            _listed(self._recordings["stated_language"]),
            strict=True,
        )

    @property
    def compared(self) -> Iterator[tuple[str | None, str, str | None, str | None, str | None]]:
        """Reference and text of each segment, what compared them, and in which language.

        The last one is the reference of the whole recording.
        """
        spoken = (
            stated or language
            for stated, language in zip(
                _listed(self._recordings["stated_language"]),
                _listed(self._recordings["language"]),
                strict=True,
            )
        )
        return zip(
            _listed(self.segments["reference_text"]),
            _listed(self.segments["text"]),
            _listed(self.segments["normalizer_id"]),
            spoken,
            _listed(self._recordings["reference_text"]),
            strict=True,
        )


def columns_for(names: frozenset[str]) -> frozenset[str]:
    """Columns of ``segments`` that are needed for measures, flags and texts of these names."""
    found: set[str] = set()
    for name in names:
        if name.startswith(METADATA):
            found.add("metadata")
        elif name in _NEEDED:
            found.update(_NEEDED[name])
        elif name in schema.column_names("segments"):
            found.add(name)
    return frozenset(found)


def speech_samples(evidence: Evidence) -> NDArray[np.float64]:
    """Samples of each segment that are speech, at the rate of its recording."""
    speech = evidence.segments["speech"].combine_chunks()
    flat, offsets = speech.flatten(), speech.offsets.to_numpy() - speech.offsets[0].as_py()
    rates = np.repeat(evidence.sample_rates_hz, np.diff(offsets))
    starts, ends = (_floats(flat.field(edge)) for edge in (0, 1))
    lengths = np.rint(ends * rates) - np.rint(starts * rates)
    total = np.concatenate([np.zeros(1), np.cumsum(lengths)])
    spoken: NDArray[np.float64] = total[offsets[1:]] - total[offsets[:-1]]
    return spoken


def _speech_seconds(evidence: Evidence) -> NDArray[np.float64]:
    return speech_samples(evidence) / evidence.sample_rates_hz


def _per_speech_second(evidence: Evidence, rate: str) -> NDArray[np.float64]:
    """A rate over the time that is speech, from the stored one over the whole segment.

    Characters and words are whole numbers, so the stored rate tells their number exactly.
    """
    seconds = _speech_seconds(evidence)
    counts = np.rint(_floats(evidence.segments[rate]) * _seconds(evidence))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _rounded(np.where(seconds > 0, counts / seconds, np.nan))


def _seconds(evidence: Evidence) -> NDArray[np.float64]:
    return _floats(evidence.segments["duration_seconds"])


def _unique_word_ratio(evidence: Evidence) -> NDArray[np.float64]:
    ratios = (unique_word_ratio(text, language) for text, language in evidence.heard)
    return _rounded(np.array([np.nan if each is None else each for each in ratios], np.float64))


def _repetition(evidence: Evidence) -> NDArray[np.bool_]:
    return _truths(is_repetitive(text, language) for text, language in evidence.heard)


def _word_spaces(evidence: Evidence) -> NDArray[np.bool_]:
    known = {language: has_word_spaces(language) for language in set(evidence.judged_as)}
    return _truths(known[language] for language in evidence.judged_as)


def _unexpected(evidence: Evidence) -> NDArray[np.bool_]:
    chosen = _bools(evidence.segments["language_probability"].is_valid())
    return chosen & _truths(_differ(heard, stated) for heard, _, stated in evidence.languages)


def _outvoted(evidence: Evidence) -> NDArray[np.bool_]:
    return _truths(
        _differ(heard, voted)
        for (heard, _, _), voted in zip(
            evidence.languages, _listed(evidence.segments["voted_language"]), strict=True
        )
    )


def _mismatch(evidence: Evidence) -> NDArray[np.bool_]:
    sure = np.nan_to_num(evidence.numbers("language_probability"), nan=-1.0) >= SURE_OF_LANGUAGE
    stated = _truths(_differ(heard, stated) for heard, _, stated in evidence.languages)
    recording = _truths(_differ(heard, language) for heard, language, _ in evidence.languages)
    return recording | (sure & stated)


def _differ(heard: str | None, other: str | None) -> bool:
    return heard != other and bool(heard and other) and not is_same_language(heard, other)


def _empty_reference(evidence: Evidence) -> NDArray[np.bool_]:
    return evidence.has_reference & _bools(evidence.segments["cer"].is_null())


def _text_without_reference(evidence: Evidence) -> NDArray[np.bool_]:
    left_out = _empty_reference(evidence) & evidence.recording_has_reference_words
    return left_out & (evidence.numbers("chars_per_second") > 0.0)


def _figures_against_words(evidence: Evidence) -> NDArray[np.bool_]:
    return _truths(
        has_reference and not knows_numbers(spoken) and _one_has_figures(own, text, name, spoken)
        for has_reference, (own, text, name, spoken, _) in zip(
            evidence.has_reference.tolist(), evidence.compared, strict=True
        )
    )


def _one_has_figures(
    reference: str | None, text: str, normalizer_id: str | None, language: str | None
) -> bool:
    """Whether one of two texts has figures and the other has words and no figures."""
    normalizer = Normalizer(normalizer_id or "none", language)
    wanted, found = (normalizer(each or "") for each in (reference, text))
    have_figures = [any(map(str.isdecimal, each)) for each in (wanted, found)]
    return bool(wanted.split() and found.split()) and have_figures[0] is not have_figures[1]


def _scripts_differ(evidence: Evidence) -> NDArray[np.bool_]:
    return _truths(
        has_reference
        and known_code(spoken) in {"zh", "yue"}
        and {chinese_script(whole or ""), chinese_script(text)} == {"Hans", "Hant"}
        for has_reference, (_, text, _, spoken, whole) in zip(
            evidence.has_reference.tolist(), evidence.compared, strict=True
        )
    )


_MEASURES: Final[dict[str, Callable[[Evidence], NDArray[np.float64]]]] = {
    "chars_per_speech_second": lambda it: _per_speech_second(it, "chars_per_second"),
    "duration_seconds": lambda it: _rounded(_seconds(it)),
    "speech_seconds": lambda it: _rounded(_speech_seconds(it)),
    "text_chars": lambda it: _floats(pc.utf8_length(it.segments["text"])),
    "unique_word_ratio": _unique_word_ratio,
    "words_per_speech_second": lambda it: _per_speech_second(it, "words_per_second"),
}
_FLAGS: Final[dict[str, Callable[[Evidence], NDArray[np.bool_]]]] = {
    "empty_reference": _empty_reference,
    "figures_against_words": _figures_against_words,
    "has_reference": lambda it: it.has_reference,
    "language_mismatch": _mismatch,
    "language_outvoted": _outvoted,
    "language_unexpected": _unexpected,
    "repetition": _repetition,
    "scripts_differ": _scripts_differ,
    "text_without_reference": _text_without_reference,
    "word_spaces": _word_spaces,
}
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "chars_per_speech_second": _COUNTED,
    "empty_reference": ("cer", "normalizer_id"),
    "figures_against_words": _COMPARED,
    "has_reference": ("normalizer_id",),
    "language": ("text_language",),
    "language_mismatch": (*_HEARD, "language_probability"),
    "language_outvoted": (*_HEARD, "voted_language"),
    "language_unexpected": (*_HEARD, "language_probability"),
    "repetition": _HEARD,
    "scripts_differ": _COMPARED,
    "speech_seconds": ("speech",),
    "stated_language": (),
    "text_chars": ("text",),
    "text_without_reference": ("cer", "normalizer_id", "chars_per_second"),
    "unique_word_ratio": _HEARD,
    "word_spaces": _HEARD,
    "words_per_speech_second": _COUNTED,
}


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded as the run rounds them: numpy's own rounding differs in the last place."""
    return np.array(
        [np.nan if each is None else each for each in map(round_measure, values.tolist())],
        dtype=np.float64,
    )


def _floats(column: pa.ChunkedArray | pa.Array) -> NDArray[np.float64]:
    """A column of numbers; NaN where it is null."""
    values = column.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    return np.asarray(values, dtype=np.float64)


def _bools(column: pa.ChunkedArray | pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _truths(values: Iterator[bool]) -> NDArray[np.bool_]:
    return np.fromiter(values, dtype=np.bool_)


def _listed(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values
