"""The graph finds the pairs that one process finds."""

from __future__ import annotations

import apache_beam as beam
import numpy as np
from apache_beam.testing.util import assert_that, equal_to
from support.unit_runs import speech

from beam_audio.curate.duplicates.pairs import find_pairs
from beam_audio.curate.duplicates.places import Item, Place, Source
from beam_audio.quality.fingerprint import fingerprint
from beam_audio.transforms.compare_rows import CompareRows
from beam_audio.types import stable_id


def item(name: str, samples: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Item:
    stored = fingerprint(samples)
    assert stored is not None
    return Item(Place(stable_id(name), "recordings", Source(stable_id(name), name), "u"), stored)


def test_pairs_of_several_units_are_those_of_one_process() -> None:
    cuts = [item(str(cut), speech()[cut:]) for cut in (0, 1_000, 5_000)]
    other = item("other", np.ascontiguousarray(speech()[::-1]))
    expected = list(find_pairs([*cuts, other], "sound"))
    assert len(expected) == 3
    with beam.Pipeline() as pipeline:
        units = pipeline | beam.Create([{"sound": cuts[:1]}, {"sound": [*cuts[1:], other]}])
        assert_that(units | CompareRows("sound"), equal_to(expected))
