from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
import soundfile
from support.run_outputs import read_rows, run, write_speech

from beam_audio.errors import ConfigError, InputError
from beam_audio.output.compact import compact
from beam_audio.report.explain import explain, find_segment, flac_of
from beam_audio.report.tables import opened_tables

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.report.tables import Tables


def test_a_segment_is_explained_by_its_first_digits(tables: Tables, output: Path) -> None:
    row = read_rows(output, "segments")[0]
    found = explain(tables, find_segment(tables, row["segment_id"][:10]))
    assert found["segment_id"] == row["segment_id"]
    assert found["audio"]["uri"] == row["uri"]
    assert found["audio"]["is_stored"]
    assert found["audio"]["is_there"]
    assert found["model"]["model_id"] == "placeholder/none"
    assert (output / found["model"]["run_file"]).is_file()
    assert found["rules_known"]


def test_neighbours_are_those_of_the_recording(tmp_path: Path) -> None:
    write_speech(tmp_path / "long.wav", seconds=9.0)
    output = tmp_path / "out"
    run(input=tmp_path / "long.wav", output=output, segmenter="fixed", window_seconds=3)
    rows = sorted(read_rows(output, "segments"), key=lambda row: row["start_seconds"])
    with opened_tables(str(output)) as tables:
        found = explain(tables, find_segment(tables, rows[1]["segment_id"]))
        assert [each["segment_id"] for each in found["neighbours"]] == [
            rows[0]["segment_id"],
            rows[2]["segment_id"],
        ]
        (tmp_path / "long.wav").unlink()
        with pytest.raises(InputError, match="cannot be played: its file cannot be read"):
            flac_of(tables, find_segment(tables, rows[1]["segment_id"]))


def test_in_a_file_of_several_units_a_segment_has_the_run_of_its_own(tmp_path: Path) -> None:
    output = tmp_path / "out"
    ran = {}
    for number in range(3):
        path = write_speech(tmp_path / f"{number}.wav", start_seconds=number)
        ran[str(path)] = f"run-{run(input=path, output=output).run_id}.json"
    compact(str(output))
    with opened_tables(str(output)) as tables:
        for row in read_rows(output, "segments"):
            found = explain(tables, find_segment(tables, row["segment_id"]))
            assert found["model"]["run_file"] == ran[row["uri"]]


def test_what_is_played_is_the_segment(tables: Tables, output: Path) -> None:
    row = read_rows(output, "segments")[0]
    samples, rate_hz = soundfile.read(
        io.BytesIO(flac_of(tables, row | find_segment(tables, row["segment_id"])))
    )
    assert len(samples) / rate_hz == pytest.approx(row["duration_seconds"])
    whole, _ = soundfile.read(row["uri"])
    start = round(row["start_seconds"] * rate_hz)
    assert samples == pytest.approx(whole[start : start + len(samples)], abs=1e-4)


@pytest.mark.parametrize("name", ["abc", "zzzzzzzz", "' OR 1=1 --", ""])
def test_an_unknown_segment_is_refused(tables: Tables, name: str) -> None:
    with pytest.raises(ConfigError, match=r"is no id|no segment has the id"):
        find_segment(tables, name)
