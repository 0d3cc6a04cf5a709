"""What becomes of every segment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.export_items import RATE_HZ, recording_row, segment_row

from beam_audio.export.choose import Chosen
from beam_audio.export.muting import NOT_REDACTED, UNTIMED
from beam_audio.export.options import ExportOptions
from beam_audio.export.plan import TOO_LONG, TOO_SHORT, Plan, plan, value_of

if TYPE_CHECKING:
    from beam_audio.types import Row

PHONE = "call 415-555-2671 now"


def planned(rows: list[Row], left_out: dict[str, str] | None = None, **options: Any) -> Plan:  # noqa: ANN401
    """The plan for rows of recordings ``a`` and ``b``."""
    segments = {
        name: [row for row in rows if row["recording_id"] == name]
        for name in sorted({row["recording_id"] for row in rows})
    }
    recordings = {name: recording_row(name) for name in segments}
    redacted = options.pop("is_redacted", False)
    chosen = Chosen(recordings, segments, left_out or {})
    return plan(chosen, ExportOptions("nemo", **options), is_redacted=redacted)


def texts(found: Plan) -> list[str]:
    return [item.text for shard in found.shards for item in shard.items]


def test_every_sample_is_exported_or_left_out_for_one_reason() -> None:
    rows = [segment_row("a", index, 2.0 * index, 2.0) for index in range(4)]
    rows[2]["text"] = "  "
    found = planned(rows, {rows[1]["segment_id"]: "decision drop"})
    assert texts(found) == ["text 0", "text 3"]
    assert found.left_out == {
        ("decision drop", RATE_HZ): 2 * RATE_HZ,
        ("no text", RATE_HZ): 2 * RATE_HZ,
    }
    assert sum(found.cores.values()) == 8 * RATE_HZ


def test_packing_joins_texts_and_words_and_tells_what_does_not_fit() -> None:
    word = {"word": " x", "start_seconds": 0.5, "end_seconds": 0.7, "probability": None}
    rows = [
        segment_row("a", 0, 0.0, 3.0, words=[word]),
        segment_row("a", 1, 3.0, 3.0, words=[word]),
        segment_row("b", 0, 0.0, 1.0),
        segment_row("b", 1, 5.0, 9.0),
    ]
    found = planned(rows, pack_seconds=(5.0, 8.0))
    (item,) = found.shards[0].items
    assert (item.text, item.start_seconds, item.duration_seconds) == ("text 0 text 1", 0.0, 6.0)
    assert item.words == (word, word)
    assert found.left_out == {(TOO_SHORT, RATE_HZ): RATE_HZ, (TOO_LONG, RATE_HZ): 9 * RATE_HZ}


def test_equal_values_stay_in_one_split() -> None:
    rows = [
        segment_row(f"r{number}", 0, 0.0, 1.0, metadata=json.dumps({"speaker": f"s{number % 5}"}))
        for number in range(40)
    ]
    found = planned(rows, splits=(("train", 0.5), ("test", 0.5)), split_by="speaker")
    speakers = [{item.speaker for item in shard.items} for shard in found.shards]
    assert len(speakers) == 2
    assert not set.intersection(*speakers)


def test_shards_end_when_they_are_full() -> None:
    rows = [segment_row("a", index, 1.0 * index, 1.0) for index in range(5)]
    found = planned(rows, shard_seconds=2.0)
    assert [len(shard.items) for shard in found.shards] == [2, 2, 1]


def test_columns_are_those_of_rows_or_keys_of_the_metadata() -> None:
    row = segment_row("a", 0, 0.0, 1.0, wer=0.25, metadata='{"room": "R1", "licence": "CC0"}')
    (item,) = planned([row], columns=("wer", "room", "nothing")).shards[0].items
    assert item.columns == {"wer": 0.25, "room": "R1", "nothing": None}
    assert item.licence == "CC0"
    assert value_of(row, "room") == "R1"


def test_who_is_heard_in_several_recordings_is_the_speaker_that_nobody_states() -> None:
    heard = segment_row("a", 0, 0.0, 1.0, corpus_speaker="P1")
    stated = segment_row("b", 0, 0.0, 1.0, corpus_speaker="P1", metadata='{"speaker": "Ada"}')
    assert (value_of(heard, "speaker"), value_of(stated, "speaker")) == ("P1", "Ada")
    shards = planned([heard, stated]).shards
    assert {item.speaker for shard in shards for item in shard.items} == {"P1", "Ada"}


def test_who_is_heard_in_one_recording_is_a_speaker_of_that_recording() -> None:
    turn = {"speaker": "S1", "start_seconds": 0.0, "end_seconds": 1.0}
    more = {"speaker_label": "S1", "speaker_turns": [turn]}
    rows = [segment_row(each * 32, 0, 0.0, 1.0, **more) for each in ("a", "b")]
    items = [item for shard in planned(rows).shards for item in shard.items]
    assert [item.speaker for item in items] == ["aaaaaaaaaaaa_S1", "bbbbbbbbbbbb_S1"]
    assert [item.turns for item in items] == [(turn,), (turn,)]


def test_splits_by_speaker_keep_the_people_of_a_recording_together() -> None:
    rows = [
        segment_row("a", index, float(index), 1.0, speaker_label=f"S{index}") for index in range(40)
    ]
    found = planned(rows, splits=(("train", 0.5), ("test", 0.5)), split_by="speaker")
    assert len(found.shards) == 1


def test_zero_keeps_segments_together_as_any_value_does() -> None:
    rows = [segment_row(f"r{number}", 0, 0.0, 1.0) for number in range(40)]
    found = planned(rows, splits=(("train", 0.5), ("test", 0.5)), split_by="segment_index")
    assert len(found.shards) == 1


def test_another_column_gives_the_text_but_no_words() -> None:
    word = {"word": " x", "start_seconds": 0.5, "end_seconds": 0.7, "probability": None}
    rows = [
        segment_row("a", 0, 0.0, 1.0, reference_text="So.\nIt", words=[word]),
        segment_row("a", 1, 1.0, 1.0, reference_text=None),
    ]
    found = planned(rows, text_column="reference_text")
    (item,) = found.shards[0].items
    assert (item.text, item.words) == ("So. It", None)
    assert found.left_out == {("no reference_text", RATE_HZ): RATE_HZ}


@pytest.mark.parametrize("has_times", [True, False])
def test_what_is_redacted_is_neither_told_nor_heard(has_times: bool) -> None:  # noqa: FBT001
    times = {"start_seconds": 1.0 if has_times else None, "end_seconds": 2.0 if has_times else None}
    words = [
        {"word": word, "start_seconds": 1.0 * n, "end_seconds": 1.0 * n + 1.0, "probability": 0.9}
        for n, word in enumerate(PHONE.split())
    ]
    row = segment_row("a", 0, 0.0, 3.0, text=PHONE, words=words, reference_text=PHONE)
    row["text_redacted"] = "call [PHONE] now"
    row["redactions"] = [{"kind": "phone", "start": 5, "end": 17, **times}]
    newer = segment_row("a", 1, 3.0, 1.0)
    found = planned([row, newer], is_redacted=True)
    assert found.left_out[NOT_REDACTED, RATE_HZ] == RATE_HZ
    if not has_times:
        assert found.left_out[UNTIMED, RATE_HZ] == 3 * RATE_HZ
        assert not found.shards
        return
    (item,) = found.shards[0].items
    assert (item.text, item.muted) == ("call [PHONE] now", ((1.0, 2.0),))
    assert [word["word"] for word in item.words or ()] == ["call", "now"]
    reference = planned([row], text_column="reference_text").shards[0].items[0]
    assert reference.text == "call [PHONE] now"
