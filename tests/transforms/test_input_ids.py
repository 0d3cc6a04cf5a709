"""Names that a graph writes and the command reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from beam_audio.errors import BeamAudioError
from beam_audio.transforms.input_ids import WriteNames, read_names
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [stable_id("name", number) for number in range(9)]


def write(out: Path, names: list[str], run_id: str) -> None:
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        _ = pipeline | beam.Create(names) | WriteNames(str(out), run_id)


def test_every_name_is_there_as_often_as_it_came(tmp_path: Path) -> None:
    write(tmp_path, [*NAMES, NAMES[0]], "a")
    write(tmp_path, NAMES[:1], "b")
    assert sorted(read_names(str(tmp_path), "a")) == sorted([*NAMES, NAMES[0]])
    assert read_names(str(tmp_path), "b") == NAMES[:1]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_names_differ_from_no_graph(tmp_path: Path) -> None:
    write(tmp_path, [], "a")
    assert read_names(str(tmp_path), "a") == []
    with pytest.raises(BeamAudioError, match="run it again"):
        read_names(str(tmp_path), "a")
