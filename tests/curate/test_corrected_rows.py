"""What corrections make of rows; that a run makes the same is in test_correct_unit.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.corrected_outputs import correction, keep
from support.unit_runs import (
    Scripted,
    levels,
    ref,
    segments_in_order,
    settings,
    texts_by_loudness,
    tones,
    transcribe,
    write,
)

from beam_audio import schema
from beam_audio.curate.corrected_rows import Correcting, corrected
from beam_audio.curate.unit_rows import UnitRows, table_of
from beam_audio.errors import ConfigError
from beam_audio.output.commits import read_commits
from beam_audio.output.corrections import read_corrections

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.curate.decided import Decided


@pytest.fixture
def out(tmp_path: Path) -> Path:
    source = ref(write(tmp_path / "a.wav", tones(levels(2))))
    hear = texts_by_loudness("the colour", "of miles")
    transcribe(tmp_path / "out", source, recognizer=Scripted(hear), using=settings())
    return tmp_path / "out"


def made(out: Path, normalizers: dict[str, str]) -> Decided:
    root = str(out)
    (commit,) = read_commits(root)
    (source,) = commit.sources
    tables = [
        table_of(root, commit, table, schema.file_schema(table).names, {source})
        for table in ("segments", "recordings")
    ]
    using = Correcting(read_corrections(root), lambda _: None, normalizers)
    ids = commit.sources[source].recording_ids
    return corrected(root, commit, UnitRows(*tables), ids, using)


def test_rows_are_made_for_what_is_corrected_and_its_recording_alone(out: Path) -> None:
    first, second = segments_in_order(out)
    assert len(made(out, {}).segments) == len(made(out, {}).recordings) == 0
    keep(out, [correction(second, verdict="drop"), correction(first | {"start_seconds": 0.5})])
    found = made(out, {})
    (row,) = found.segments.to_pylist()
    assert (row["segment_id"], row["decision"]) == (second["segment_id"], "drop")
    assert (row["rules_decision"], row["rules_reasons"]) == (
        second["decision"],
        second["reasons"],
    )
    assert len(found.recordings) == 1


def test_a_first_reference_is_normalised_as_the_run_was_told(out: Path) -> None:
    (commit,) = read_commits(str(out))
    (state,) = commit.sources.values()
    first, _ = segments_in_order(out)
    keep(out, [correction(first, text="The color")])
    layer = state.layers["metrics"]
    ids = [
        each["normalizer_id"]
        for known in ({}, {layer: "none"}, {"other": "none"})
        for each in made(out, known).segments.to_pylist()
    ]
    assert ids == ["whisper-en-2", "none", "whisper-en-2"]
    with pytest.raises(ConfigError, match="nobody"):
        made(out, {layer: "nobody:has_it"})
