"""The total of a graph, in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import pytest

from beam_audio.curate.movement import Movement
from beam_audio.errors import BeamAudioError
from beam_audio.transforms.total import WriteTotal, read_total

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("counts", [[1, 2, 3], []])
def test_the_total_is_read_once(tmp_path: Path, counts: list[int]) -> None:
    uri = str(tmp_path / "deep" / "total.json")
    with beam.Pipeline() as pipeline:
        parts = pipeline | beam.Create([Movement(undecided=each) for each in counts])
        _ = parts | WriteTotal(Movement, uri)
    assert read_total(Movement, uri).undecided == sum(counts)
    with pytest.raises(BeamAudioError, match="without its result"):
        read_total(Movement, uri)
