"""Flags that rules may look at, made from rows: a value for every segment of a unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from beam_audio.curate.alike import bools, floats, for_each, listed
from beam_audio.quality.basic_text import knows_numbers
from beam_audio.quality.folding import chinese_script
from beam_audio.quality.languages import has_word_spaces, is_same_language, known_code
from beam_audio.quality.measures import SURE_OF_LANGUAGE
from beam_audio.quality.normalizers import Normalizer
from beam_audio.quality.written_language import is_in_other_language

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from beam_audio.curate.alike import Column
    from beam_audio.curate.joined import JoinedSegments

_SCRIPTS: Final = {"Hans", "Hant"}


def _word_spaces(evidence: JoinedSegments) -> NDArray[np.bool_]:
    return _truths(has_word_spaces, pa.array(evidence.judged_as, pa.string()))


def _unexpected(evidence: JoinedSegments) -> NDArray[np.bool_]:
    chosen = bools(evidence.segments["language_probability"].is_valid())
    heard, _, stated = evidence.languages
    return chosen & _truths(_differ, heard, stated)


def _outvoted(evidence: JoinedSegments) -> NDArray[np.bool_]:
    heard, *_ = evidence.languages
    return _truths(_differ, heard, evidence.segments["voted_language"])


def _mismatch(evidence: JoinedSegments) -> NDArray[np.bool_]:
    sure = (
        np.nan_to_num(floats(evidence.segments["language_probability"]), nan=-1.0)
        >= SURE_OF_LANGUAGE
    )
    heard, recording, stated = evidence.languages
    return _truths(_differ, heard, recording) | (sure & _truths(_differ, heard, stated))


def _differ(heard: str | None, other: str | None) -> bool:
    return heard != other and bool(heard and other) and not is_same_language(heard, other)


def _empty_reference(evidence: JoinedSegments) -> NDArray[np.bool_]:
    return evidence.has_reference & bools(evidence.segments["cer"].is_null())


def _text_without_reference(evidence: JoinedSegments) -> NDArray[np.bool_]:
    has_words = bools(evidence.of_recordings("cer").is_valid())
    has_text = floats(evidence.segments["chars_per_second"]) > 0.0
    return _empty_reference(evidence) & has_words & has_text


def _figures_against_words(evidence: JoinedSegments) -> NDArray[np.bool_]:
    spoken = pa.array(evidence.spoken, pa.string())
    found = evidence.has_reference & ~_truths(knows_numbers, spoken)
    rows = np.flatnonzero(found)
    columns = (evidence.segments[name] for name in ("reference_text", "text", "normalizer_id"))
    texts = (listed(each.take(rows)) for each in columns)
    compared = zip(*texts, evidence.spoken[rows], strict=True)
    found[rows] = [_one_has_figures(*each) for each in compared]
    return found


def _one_has_figures(
    reference: str | None, text: str, normalizer_id: str | None, language: str | None
) -> bool:
    """Whether one of two texts has figures and the other has words and no figures."""
    normalizer = Normalizer(normalizer_id or "none", language)
    wanted, found = (normalizer(each or "") for each in (reference, text))
    have_figures = [any(map(str.isdecimal, each)) for each in (wanted, found)]
    return bool(wanted.split() and found.split()) and have_figures[0] is not have_figures[1]


def _scripts_differ(evidence: JoinedSegments) -> NDArray[np.bool_]:
    spoken = pa.array(evidence.spoken, pa.string())
    found = evidence.has_reference & _truths(_is_chinese, spoken)
    rows = np.flatnonzero(found)
    wholes = listed(evidence.of_recordings("reference_text").take(rows)) if len(rows) else ()
    pairs = zip(wholes, listed(evidence.segments["text"].take(rows)), strict=True)
    found[rows] = [
        {chinese_script(one or ""), chinese_script(other)} == _SCRIPTS for one, other in pairs
    ]
    return found


def _text_in_other_language(evidence: JoinedSegments) -> NDArray[np.bool_]:
    judged_as = pa.array(evidence.judged_as, pa.string())
    return for_each(is_in_other_language, evidence.segments["text"], judged_as)


def _is_chinese(language: str | None) -> bool:
    return known_code(language) in {"zh", "yue"}


def _truths(function: Callable[..., bool], *columns: Column) -> NDArray[np.bool_]:
    return for_each(function, *columns).astype(np.bool_)


FLAGS: Final[dict[str, Callable[[JoinedSegments], NDArray[np.bool_]]]] = {
    "empty_reference": _empty_reference,
    "figures_against_words": _figures_against_words,
    "has_reference": lambda it: it.has_reference,
    "language_mismatch": _mismatch,
    "language_outvoted": _outvoted,
    "language_unexpected": _unexpected,
    "repetition": lambda it: it.words.are_repetitive(),
    "scripts_differ": _scripts_differ,
    "text_in_other_language": _text_in_other_language,
    "text_without_reference": _text_without_reference,
    "word_spaces": _word_spaces,
}
"""How each flag is made that is no column of its own."""
