"""Inputs at forgotten addresses are left out and counted; all others pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from beam_audio.inputs.forgotten import Tombstone
from beam_audio.inputs.tombstones import begin_forgetting, write_tombstones
from beam_audio.transforms.drop_forgotten import DropForgotten
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path

GONE, KEPT = AudioRef("/calls/anna.wav", 1), AudioRef("/calls/bert.wav", 1)
UNREADABLE = Failure("input", "open", "s", GONE.uri, "InputError", "no such file")


def test_inputs_at_forgotten_addresses_are_left_out_and_counted(tmp_path: Path) -> None:
    known = begin_forgetting(str(tmp_path))
    write_tombstones(str(tmp_path), [Tombstone(known.mark("address", GONE.uri))])
    names = [known.listed_name(GONE), known.listed_name(UNREADABLE)]
    with TestPipeline() as pipeline:
        inputs = pipeline | beam.Create([GONE, KEPT, UNREADABLE])
        kept, forgotten = inputs | DropForgotten(str(tmp_path))
        assert_that(kept, equal_to([KEPT]), "kept")
        assert_that(forgotten, equal_to(names), "forgotten")
    assert known.among(names) == set(names)
