"""Segments of a unit beside their recordings, and what follows from both."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from beam_audio.curate.alike import bools, floats, for_each, listed
from beam_audio.curate.repetition import WordCounts
from beam_audio.unit.scoring import SCORE_FAILED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OF_RECORDING: Final = (
    *("recording_id", "sample_rate_hz", "language", "stated_language", "reference_text"),
    *("reasons", "cer"),
)
"""Columns of ``recordings`` that are looked at."""


class JoinedSegments:
    """The segments of a unit, each with its recording.

    Args:
        segments: Their rows, with the columns that are asked for.
        recordings: The rows of their recordings, with the columns :data:`OF_RECORDING`.
    """

    def __init__(self, segments: pa.Table, recordings: pa.Table) -> None:
        self.segments = segments
        self.recording_rows: pa.Array = pc.index_in(
            segments["recording_id"].combine_chunks(),
            value_set=recordings["recording_id"].combine_chunks(),
        )
        self._recordings = recordings

    def __len__(self) -> int:
        return len(self.segments)

    def of_recordings(self, name: str) -> pa.Array:
        """A column of the recordings, a value for each segment."""
        return self._recordings[name].combine_chunks().take(self.recording_rows)

    @cached_property
    def sample_rates_hz(self) -> NDArray[np.float64]:
        """Sample rate of each segment's recording."""
        return floats(self.of_recordings("sample_rate_hz"))

    @cached_property
    def score_failed(self) -> NDArray[np.bool_]:
        """Whether each segment's recording could not be compared with its reference."""
        reasons = listed(self._recordings["reasons"])
        failed = pa.array([SCORE_FAILED in (each or ()) for each in reasons], pa.bool_())
        return bools(failed.take(self.recording_rows).fill_null(fill_value=False))

    @cached_property
    def has_reference(self) -> NDArray[np.bool_]:
        """Whether each segment was compared with a reference."""
        return bools(self.segments["normalizer_id"].is_valid())

    @cached_property
    def judged_as(self) -> NDArray[np.object_]:
        """Language that the words of each segment are counted in; None where nobody says."""
        return for_each(
            lambda compared, heard, stated: (stated if compared else None) or heard or stated,
            pa.array(self.has_reference),
            self.segments["heard_language"],
            self.of_recordings("stated_language"),
        )

    @cached_property
    def words(self) -> WordCounts:
        """Words of each segment's text."""
        return WordCounts.of(self.segments["text"].combine_chunks(), self.judged_as)

    @property
    def languages(self) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Language of each segment's text (null without text), its recording's, and the stated."""
        return (
            pc.if_else(pc.equal(self.segments["text"], ""), None, self.segments["heard_language"]),
            self.of_recordings("language"),
            self.of_recordings("stated_language"),
        )

    @cached_property
    def spoken(self) -> NDArray[np.object_]:
        """Language that each segment was compared with its reference in."""
        return for_each(
            lambda stated, language: stated or language,
            self.of_recordings("stated_language"),
            self.of_recordings("language"),
        )
