"""The list of a run's inputs, for the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from unit_runs import levels, ref, tones, write

from beam_audio.errors import BeamAudioError
from beam_audio.transforms.list_inputs import ListInputs, read_listing

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import AudioRef


def write_list(out: Path, inputs: list[AudioRef], run_id: str) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create(inputs) | ListInputs(str(out), run_id)


def test_every_input_is_listed_as_often_as_it_came(tmp_path: Path) -> None:
    inputs = [ref(write(tmp_path / f"{n}.wav", tones(levels(1)))) for n in range(9)]
    out = tmp_path / "out"
    write_list(out, [*inputs, inputs[0]], "a")
    write_list(out, inputs[:1], "b")
    expected = sorted(each.source_id for each in [*inputs, inputs[0]])
    assert sorted(read_listing(str(out), "a")) == expected
    assert read_listing(str(out), "b") == [inputs[0].source_id]
    assert not [path for path in out.rglob("*") if path.is_file()]


def test_no_input_is_a_list_too_and_no_list_an_error(tmp_path: Path) -> None:
    write_list(tmp_path, [], "a")
    assert read_listing(str(tmp_path), "a") == []
    with pytest.raises(BeamAudioError, match="run it again"):
        read_listing(str(tmp_path), "a")
