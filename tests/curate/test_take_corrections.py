"""A file of corrections against an output: what is taken, known before, and of somebody else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.unit_runs import levels, ref, segments_in_order, tones, transcribe, write

from beam_audio.curate.take_corrections import take_corrections
from beam_audio.errors import ConfigError
from beam_audio.output.corrections import read_corrections

if TYPE_CHECKING:
    from pathlib import Path

AT = {"corrected_at": "2026-11-27T09:00:00Z"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", tones(levels(2)))))
    return tmp_path / "out"


def file_of(out: Path, *lines: dict[str, Any]) -> str:
    path = out.parent / "corrections.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)))
    return str(path)


def test_a_segment_is_named_by_its_id_or_by_its_times(out: Path) -> None:
    first, second = segments_in_order(out)
    by_id = {"segment_id": first["segment_id"], "text": "one"} | AT
    place = {name: second[name] for name in ("recording_id", "start_seconds", "end_seconds")}
    by_times = place | {"segment_id": "of an earlier cut", "verdict": "drop"} | AT
    both = {"segment_id": first["segment_id"], "recording_id": first["recording_id"]}
    file = file_of(out, by_id, by_times, both | {"text": "one"} | AT)
    taken = take_corrections(str(out), file)
    assert (taken.entries, taken.files, taken.refused) == (3, 1, ())
    found = read_corrections(str(out)).of(first["recording_id"])
    assert [(each.start_seconds, each.end_seconds, each.text, each.verdict) for each in found] == [
        (0.0, 1.0, "one", None),
        (1.0, 2.0, None, "drop"),
    ]
    again = take_corrections(str(out), file)
    assert (again.entries, again.files) == (3, 0)


def test_what_is_of_another_output_is_refused_and_the_rest_is_taken(out: Path) -> None:
    first, second = segments_in_order(out)
    other = "0" * 32
    place = {"start_seconds": 0, "end_seconds": 1, "text": "x"} | AT
    taken = take_corrections(
        str(out),
        file_of(
            out,
            {"recording_id": other} | place,
            {"segment_id": other, "text": "x"} | AT,
            {"segment_id": first["segment_id"], "recording_id": other, "text": "x"} | AT,
            {"recording_id": "../../etc/passwd"} | place,
            {"segment_id": second["segment_id"], "text": "fine"} | AT,
        ),
    )
    assert [(each.where, each.why) for each in taken.refused] == [
        ("line 1", f"no recording {other} is in this output"),
        ("line 2", f"no segment {other} is in this output"),
        ("line 3", f"segment {first['segment_id']} is of another recording"),
        ("line 4", "no recording ../../etc/passwd is in this output"),
    ]
    assert taken.entries == taken.files == 1
    assert list(read_corrections(str(out)).files) == [second["recording_id"]]


def test_a_file_that_is_not_there_or_is_damaged_is_told_by_its_flag(out: Path) -> None:
    with pytest.raises(ConfigError, match=r"--corrections=.*nowhere\.json"):
        take_corrections(str(out), str(out.parent / "nowhere.json"))
    damaged = out.parent / "damaged.json"
    damaged.write_text('[{"id": 1,')
    with pytest.raises(ConfigError, match=r"--corrections=.*no JSON from line 1"):
        take_corrections(str(out), str(damaged))
    assert not read_corrections(str(out)).files
