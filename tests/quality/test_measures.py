"""Every measure and flag that rules may look at."""

from __future__ import annotations

import math

import numpy as np
import pytest

from beam_audio.quality.measures import (
    RULE_FLAGS,
    RULE_MEASURES,
    RULE_TEXTS,
    Judged,
    Languages,
    Value,
    measure_all,
    round_measure,
)
from beam_audio.schema import column_names
from beam_audio.types import Quality, Segment, Transcript

SEGMENT = Segment(
    recording_id="recording",
    segment_id="segment",
    segment_index=0,
    channel=None,
    sample_rate_hz=8_000,
    start_sample=8_000,
    end_sample=40_000,
    core_start_sample=8_000,
    core_end_sample=40_000,
    speech=((8_000, 16_000),),
    samples=np.zeros(0, np.float32),
)
QUALITY = Quality(-20.0, -3.0, 0.0, 0.25, 25.0, 3500.0, -22.0)


def values_of(
    transcript: Transcript | None = None, languages: Languages | None = None
) -> dict[str, Value]:
    recognised = transcript or Transcript("one two three", "en")
    return measure_all(Judged(SEGMENT, QUALITY, recognised, None, languages or Languages("en")))


def test_every_name_that_rules_accept_has_a_value() -> None:
    assert set(values_of()) == {*RULE_MEASURES, *RULE_FLAGS, *RULE_TEXTS}


def test_measures_are_output_columns_unless_derived() -> None:
    derived = {
        "chars_per_speech_second",
        "foreign_letters",
        "speech_seconds",
        "text_chars",
        "unique_word_ratio",
        "words_per_speech_second",
    }
    assert set(RULE_MEASURES) - derived <= column_names("segments")


def test_rates_are_over_the_segment_and_over_its_speech() -> None:
    values = values_of()
    assert (values["duration_seconds"], values["speech_seconds"]) == (4.0, 1.0)
    assert (values["words_per_second"], values["words_per_speech_second"]) == (0.75, 3.0)
    assert (values["chars_per_second"], values["chars_per_speech_second"]) == (2.75, 11.0)


@pytest.mark.parametrize(
    ("found", "recording", "differs"),
    [
        ("en", "en", False),
        ("en", "de", True),
        ("en", "en-GB", False),
        ("en", None, False),
        (None, "de", False),
    ],
)
def test_a_segment_in_another_language_than_its_recording_is_flagged(
    found: str | None,
    recording: str | None,
    differs: bool,  # noqa: FBT001
) -> None:
    languages = Languages(found, recording=recording)
    values = values_of(Transcript("x", found, language_probability=0.3), languages)
    assert (values["language_mismatch"], values["language_unexpected"]) == (differs, False)
    silent = values_of(Transcript("", found, language_probability=0.3), languages)
    assert silent["language_mismatch"] is False


@pytest.mark.parametrize(
    ("probability", "stated", "differs"),
    [(0.79, "de", True), (0.9, "en-US", False), (0.9, None, False), (None, "de", False)],
)
def test_a_detected_language_is_compared_with_the_manifest(
    probability: float | None,
    stated: str | None,
    differs: bool,  # noqa: FBT001
) -> None:
    """A model that was given the language, or knows only one, did not detect it."""
    transcript = Transcript("x", "en", language_probability=probability)
    values = values_of(transcript, Languages("en", recording="en", stated=stated))
    assert (values["language_mismatch"], values["language_unexpected"]) == (False, differs)


@pytest.mark.parametrize(("probability", "differs"), [(0.79, False), (0.8, True), (None, False)])
def test_a_model_that_is_sure_of_another_language_than_stated_is_a_mismatch(
    probability: float | None,
    differs: bool,  # noqa: FBT001
) -> None:
    transcript = Transcript("x", "en", language_probability=probability)
    values = values_of(transcript, Languages("en", recording="en", stated="de"))
    assert values["language_mismatch"] is differs


def test_rounding() -> None:
    assert round_measure(0.123456) == 0.1235
    assert round_measure(None) is None
    assert round_measure(math.nan) is None
    assert round_measure(-math.inf) is None
    assert math.copysign(1, round_measure(-0.00001) or 0.0) == 1


def test_rates_count_figures_as_they_are_spoken() -> None:
    """Case 19_figures_counted_as_characters."""
    figure, word = values_of(Transcript("6", "en")), values_of(Transcript("six", "en"))
    for name in ("chars_per_second", "chars_per_speech_second", "words_per_second"):
        assert figure[name] == word[name]
    year = values_of(Transcript("In 1465,", "en"))
    assert year["words_per_second"] == 1.0  # in fourteen sixty five
