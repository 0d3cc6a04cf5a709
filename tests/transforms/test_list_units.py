"""ListUnits: the units of a list, in a graph."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from support.packed_units import check_units
from support.run_outputs import write_byte, write_manifest

from beam_audio.inputs.listed import list_lines
from beam_audio.output.holder import Holder, holder_of
from beam_audio.transforms.list_units import ListUnits
from beam_audio.unit.tasks import Task, Wanted

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.unit.transcribe import Unit

FILES = 150
UNIT_BYTES = 40


def test_every_line_is_in_one_unit_and_the_job_holds_the_output(tmp_path: Path) -> None:
    files = [write_byte(tmp_path, f"{number:03}.wav") for number in range(FILES)]
    lines = [{"audio_filepath": str(file)} for file in files]
    manifest = write_manifest(tmp_path / "m.jsonl", [*lines, lines[0]])
    (wave,) = list_lines(str(manifest)).waves(FILES + 1)
    tasks = list({item.source_id: Task(item) for item in wave}.values())
    output = str(tmp_path / "out")
    holder = Holder.here("r", ends_with_process=True)

    def check(units: list[Unit]) -> None:
        check_units(units, tasks, UNIT_BYTES)

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        units = pipeline | ListUnits(
            partial(list_lines, str(manifest)),
            Wanted({}, run_id="r"),
            output=output,
            unit_bytes=UNIT_BYTES,
            holder=holder,
        )
        assert_that(units, check)
    held = holder_of(output, 0.0)
    assert held is not None
    assert held.holder.run_id == "r"
