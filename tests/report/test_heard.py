from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.small_classifiers import write_yamnet
from support.unit_runs import LAYERS, VAD, read_all, ref, settings, tones, transcribe, write

from beam_audio.classifiers.load import classifier_id
from beam_audio.classifiers.sounds import sort_of
from beam_audio.report.heard import heard_of
from beam_audio.report.tables import opened_tables
from beam_audio.speakers.networks import find_model

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.report.content import Report
    from beam_audio.types import Row


def heard_in(out: Path) -> Row:
    with opened_tables(str(out)) as tables:
        return heard_of(tables)


def test_nothing_is_told_of_what_nobody_listened_for(report: Report) -> None:
    assert report.content["heard"] == {"sounds": [], "events": [], "people": [], "overlap": None}


def test_sounds_are_sorted_as_clips_are_and_events_added_up(tmp_path: Path) -> None:
    wanted = classifier_id(str(write_yamnet(tmp_path / "model")))
    using = settings(layers=LAYERS | {"events": wanted.sha256}, classifier=wanted)
    transcribe(
        tmp_path / "out", ref(write(tmp_path / "a.wav", tones([0.06, 0.2, 0.2]))), using=using
    )
    heard, rows = heard_in(tmp_path / "out"), read_all(tmp_path / "out")["segments"]
    sorts = Counter(sort_of(row["speech_score"], row["music_score"]) for row in rows)
    assert sorts == {"speech": 2, "music": 1}
    assert {each["sort"]: each["segments"] for each in heard["sounds"]} == sorts
    assert [each["hours"] * 3600 for each in heard["sounds"]] == pytest.approx([2.0, 1.0])
    (event,) = heard["events"]
    assert (event["label"], event["segments"]) == ("Music", 3)
    assert event["hours"] * 3600 == pytest.approx(3 * 0.975)
    assert (heard["people"], heard["overlap"]) == ([], None)


@pytest.mark.shared
def test_people_are_counted_by_recording(
    shared_data: Path, shared_models: Path, tmp_path: Path
) -> None:
    networks = find_model(str(shared_models))
    using = settings(segments=VAD, layers=LAYERS | {"speakers": "a"}, speakers=networks)
    three = ref(shared_data / "diarization" / "pv_falcon.wav")
    nobody = ref(write(tmp_path / "tone.wav", tones([0.1])))
    transcribe(tmp_path / "out", three, nobody, using=using)
    heard, rows = heard_in(tmp_path / "out"), read_all(tmp_path / "out")["segments"]
    assert rows
    (people,) = heard["people"]
    seconds = sum(row["core_end_seconds"] - row["core_start_seconds"] for row in rows)
    assert (people["people"], people["recordings"]) == (3, 1)
    assert people["hours"] * 3600 == pytest.approx(seconds)
    overlaps = [row["speaker_overlap_seconds"] for row in rows]
    assert heard["overlap"] == {
        "segments": sum(each > 0 for each in overlaps),
        "seconds": pytest.approx(sum(overlaps)),
        "persons": None,
    }
