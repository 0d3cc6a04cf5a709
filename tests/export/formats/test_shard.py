"""What formats share."""

from __future__ import annotations

import json
from datetime import date

from support.export_items import WORDS, clip, item

from beam_audio.export.formats.shard import as_json, by_recording, clip_name, facts_of


def test_recordings_stay_together() -> None:
    items = [item("a"), item("b", start=3.0), item("c", recording_id="0" * 32)]
    assert [len(each) for each in by_recording(items)] == [2, 1]


def test_clips_are_spread_over_folders() -> None:
    one = item()
    assert clip_name(one, clip(one, "opus")) == f"audio/{one.item_id[:2]}/{one.item_id}.ogg"


def test_facts_are_json_whatever_columns_hold() -> None:
    told = json.loads(as_json(facts_of(item(words=WORDS, columns={"day": date(2026, 1, 5)}))))
    assert told["day"] == "2026-01-05"
    assert (told["start_seconds"], told["end_seconds"]) == (1.0, 2.0)
    assert told["words"][1]["start_seconds"] == 0.5
