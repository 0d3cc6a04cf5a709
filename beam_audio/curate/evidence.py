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
from beam_audio.curate.alike import floats, for_each, listed
from beam_audio.curate.flags import FLAGS
from beam_audio.curate.joined import JoinedSegments
from beam_audio.quality.measures import (
    MEASURE_DECIMALS,
    METADATA,
    round_measure,
)
from beam_audio.quality.scripts import foreign_letters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from beam_audio.quality.measures import Value


_COUNTED: Final = ("speech", "words_per_second", "chars_per_second", "duration_seconds")
_HEARD: Final = ("text", "heard_language", "normalizer_id")
_COMPARED: Final = (*_HEARD, "reference_text")
_NEAR_HALF: Final = 1e-3
"""Further from a half than this, in the last decimal, scaling a value rounds it as it should be."""
_EXACT: Final = 1e9
"""Scaled values above have too few digits left for that."""


class Evidence(JoinedSegments):
    """What is known of the segments of a unit, by the names that rules call it."""

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A measure of every segment, rounded; NaN where it is missing."""
        if (found := self._found.get(name)) is None:
            make = _MEASURES.get(name)
            found = make(self) if make else floats(self.segments[name])
            self._found[name] = found
        return found

    def flags(self, name: str) -> NDArray[np.float64]:
        """A flag of every segment, 1 or 0; NaN where it is missing."""
        if (found := self._found.get(name)) is None:
            make = FLAGS.get(name)
            found = make(self).astype(np.float64) if make else floats(self.segments[name])
            self._found[name] = found
        return found

    def texts(self, name: str, rows: NDArray[np.intp]) -> Sequence[Value]:
        """A text of some segments, by their numbers; None where it is missing."""
        if name.startswith(METADATA):
            key = name.removeprefix(METADATA)
            return [self._metadata[row].get(key) for row in rows]
        if name == "stated_language":
            return listed(self.of_recordings("stated_language").take(rows))
        column = "text_language" if name == "language" else name
        return listed(self.segments[column].take(rows))

    @cached_property
    def _found(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _metadata(self) -> list[dict[str, str]]:
        encoded = self.segments["metadata"].combine_chunks().dictionary_encode()
        values = [json.loads(each) for each in encoded.dictionary.to_pylist()]
        return [values[index] for index in encoded.indices.to_pylist()]


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
    starts, ends = (floats(flat.field(edge)) for edge in (0, 1))
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
    counts = np.rint(floats(evidence.segments[rate]) * _seconds(evidence))
    with np.errstate(divide="ignore", invalid="ignore"):
        return _rounded(np.where(seconds > 0, counts / seconds, np.nan))


def _seconds(evidence: Evidence) -> NDArray[np.float64]:
    return floats(evidence.segments["duration_seconds"])


def _foreign_letters(evidence: Evidence) -> NDArray[np.float64]:
    judged_as = pa.array(evidence.judged_as, pa.string())
    shares = for_each(foreign_letters, evidence.segments["text"], judged_as)
    return _rounded(shares.astype(np.float64))


def _unique_word_ratio(evidence: Evidence) -> NDArray[np.float64]:
    return _rounded(evidence.words.unique_word_ratios())


_MEASURES: Final[dict[str, Callable[[Evidence], NDArray[np.float64]]]] = {
    "chars_per_speech_second": lambda it: _per_speech_second(it, "chars_per_second"),
    "duration_seconds": lambda it: _rounded(_seconds(it)),
    "foreign_letters": _foreign_letters,
    "speech_seconds": lambda it: _rounded(_speech_seconds(it)),
    "text_chars": lambda it: floats(pc.utf8_length(it.segments["text"])),
    "unique_word_ratio": _unique_word_ratio,
    "words_per_speech_second": lambda it: _per_speech_second(it, "words_per_second"),
}
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "chars_per_speech_second": _COUNTED,
    "empty_reference": ("cer", "normalizer_id"),
    "figures_against_words": _COMPARED,
    "foreign_letters": _HEARD,
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
    "text_in_other_language": _HEARD,
    "text_without_reference": ("cer", "normalizer_id", "chars_per_second"),
    "unique_word_ratio": _HEARD,
    "word_spaces": _HEARD,
    "words_per_speech_second": _COUNTED,
}


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded as :func:`round_measure` rounds: to the nearest decimal number of the exact value.

    numpy scales a value first and rounds what comes out, which may lie on the other side of a half.
    """
    scale = 10.0**MEASURE_DECIMALS
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = values * scale
        found = np.rint(scaled) / scale + 0.0
        near_half = np.abs(scaled - np.floor(scaled) - 0.5) < _NEAR_HALF
    rows = np.flatnonzero(near_half | (np.abs(scaled) >= _EXACT))
    found[rows] = [
        np.nan if each is None else each for each in map(round_measure, values[rows].tolist())
    ]
    return found
