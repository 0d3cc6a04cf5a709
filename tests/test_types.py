from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beam_audio.types import Audio, AudioRef, Segment, stable_id

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
REF = AudioRef(uri="gs://bucket/a.flac", size_bytes=1234, version="17")


def test_ids_are_the_same_on_every_machine() -> None:
    # Stored ids must survive a new release: these literals change only with the schema version.
    assert stable_id() == "4f53cda18c2baa0c0354bb5f9a3ecbe5"
    assert (
        stable_id("source", "gs://bucket/ä.flac", 1, 0.5, None)
        == "df0f504b66c89124732f153822c1e80c"
    )


@given(st.lists(SCALARS))
def test_id_is_32_hex_digits(parts: list[object]) -> None:
    assert re.fullmatch("[0-9a-f]{32}", stable_id(*parts))


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_texts_have_different_ids(one: list[str], other: list[str]) -> None:
    assert (stable_id(*one) == stable_id(*other)) == (one == other)


@given(st.dictionaries(st.text(), SCALARS))
def test_order_of_keys_does_not_matter(settings: dict[str, object]) -> None:
    turned = dict(reversed(settings.items()))
    assert stable_id(settings) == stable_id(turned)


def test_values_that_are_not_json_are_refused() -> None:
    with pytest.raises(TypeError):
        stable_id(object())


@pytest.mark.parametrize(
    "change",
    [
        {"uri": "gs://bucket/b.flac"},
        {"size_bytes": 1235},
        {"version": "18"},
        {"offset_seconds": 0.0},
        {"duration_seconds": 2.5},
    ],
)
def test_another_object_or_cut_is_another_source(change: dict[str, Any]) -> None:
    assert dataclasses.replace(REF, **change).source_id != REF.source_id


@pytest.mark.parametrize(
    "stated",
    [
        {"updated": datetime(2026, 1, 5, tzinfo=UTC)},
        {"event_time": datetime(2026, 1, 5, tzinfo=UTC)},
        {"manifest_seconds": 3.0},
        {"reference_text": "hello"},
        {"language": "en"},
        {"metadata": (("speaker", "7"),)},
    ],
)
def test_statements_about_a_source_are_not_its_identity(stated: dict[str, Any]) -> None:
    assert dataclasses.replace(REF, **stated).source_id == REF.source_id


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_cuts_of_one_object_differ(one_seconds: float, other_seconds: float) -> None:
    assume(one_seconds != other_seconds)
    one = dataclasses.replace(REF, offset_seconds=one_seconds)
    other = dataclasses.replace(REF, offset_seconds=other_seconds)
    assert one.source_id != other.source_id


def test_inline_bytes_stay_out_of_logs() -> None:
    assert "secret" not in repr(dataclasses.replace(REF, inline=b"secret"))


def test_seconds_follow_the_source_rate() -> None:
    assert Audio(np.zeros(4_000, np.float32), sample_rate_hz=8_000).duration_seconds == 0.5
    segment = Segment(
        recording_id="r",
        segment_id="s",
        segment_index=0,
        channel=None,
        sample_rate_hz=8_000,
        start_sample=4_000,
        end_sample=12_000,
        core_start_sample=4_800,
        core_end_sample=11_200,
        speech=((4_800, 6_400), (9_600, 11_200)),
        samples=np.zeros(8_000, np.float32),
    )
    assert (segment.start_seconds, segment.end_seconds) == (0.5, 1.5)
    assert segment.duration_seconds == 1.0
    assert segment.speech_seconds == pytest.approx(0.4)
