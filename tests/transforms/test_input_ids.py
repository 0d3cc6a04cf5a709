"""Names that a graph writes and the command reads."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_audio.output.input_ids import read_ids
from beam_audio.transforms.input_ids import WriteNames
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [stable_id("name", number) for number in range(9)]


def write(out: Path, names: list[str], run_id: str) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create(names) | WriteNames(str(out), run_id)


def test_every_name_is_there_as_often_as_it_came_and_its_repeats_are_together(
    tmp_path: Path,
) -> None:
    given = [*NAMES, NAMES[0]]
    write(tmp_path, given, "a")
    parts = list(read_ids(str(tmp_path), "a"))
    assert sorted(chain.from_iterable(parts)) == sorted(given)
    assert sum(map(len, map(set, parts))) == len(NAMES)


def test_no_worker_gathers_all_names(tmp_path: Path) -> None:
    write(tmp_path, [stable_id("name", number) for number in range(500)], "a")
    assert max(map(len, read_ids(str(tmp_path), "a"))) < 50


def test_no_names_differ_from_no_graph(tmp_path: Path) -> None:
    write(tmp_path, [], "a")
    assert list(chain.from_iterable(read_ids(str(tmp_path), "a"))) == []
