"""Stored segments come out of the samples of their channel, however the samples arrive."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.unit_runs import RATE_HZ, WINDOWS, ref, tones, transcribe, write
from support.unit_runs import settings as unit_settings

from beam_audio.errors import DecodeError
from beam_audio.unit.slicing import Slicer
from beam_audio.unit.stored_rows import StoredRecording, StoredUnit

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLES = tones([0.1, 0.2, 0.3])


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> StoredRecording:
    """Three windows of a second, as a run leaves them."""
    folder = tmp_path_factory.mktemp("slicing")
    source = ref(write(folder / "a.wav", SAMPLES))
    report = transcribe(folder / "out", source, using=unit_settings(segments=WINDOWS))
    with TemporaryFile() as audio:
        unit = StoredUnit(str(folder / "out"), report.commit, {source.source_id}, audio)
        (found,) = unit.recordings(source.source_id, source, "mix")
        return found


@given(cuts=st.lists(st.integers(0, len(SAMPLES)), max_size=8))
@settings(max_examples=30, deadline=None)
def test_segments_are_the_same_in_blocks_of_any_size(
    recording: StoredRecording, cuts: Sequence[int]
) -> None:
    slicer = Slicer(recording)
    found = [each for block in np.split(SAMPLES, sorted(cuts)) for each in slicer.push(block)]
    slicer.require_end()
    assert [segment.start_sample for segment, _ in found] == [0, RATE_HZ, 2 * RATE_HZ]
    for segment, _ in found:
        expected = SAMPLES[segment.start_sample : segment.end_sample]
        np.testing.assert_array_equal(segment.samples, expected)


@pytest.mark.parametrize("stop", [len(SAMPLES) - 1, len(SAMPLES) + 1])
def test_another_length_is_an_error_with_its_cure(recording: StoredRecording, stop: int) -> None:
    slicer = Slicer(recording)
    slicer.push(np.resize(SAMPLES, stop))
    with pytest.raises(DecodeError, match=f"{stop} samples, and to 48000 .*--retry_failures"):
        slicer.require_end()
