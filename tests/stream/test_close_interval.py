"""Closing an interval: each message is counted once, from the rows, when it is finished."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.unit_runs import levels, ref, run_unit, tones, write

from beam_audio import store
from beam_audio.output.commits import close_unit
from beam_audio.output.compact import compact
from beam_audio.stream.close_interval import OVERDUE_SECONDS, close_interval
from beam_audio.stream.interval import Arrival, Done, Interval, Repeat
from beam_audio.stream.reservations import Reservation, reserve
from beam_audio.unit.tasks import Task
from beam_audio.unit.transcribe import Unit

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from beam_audio.stream.interval import Note
    from beam_audio.types import AudioRef

NOW = 1_700_000_000.0


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    return [ref(write(tmp_path / f"{n}.wav", tones(levels(1 + n)))) for n in range(3)]


def arrived(item: AudioRef | None, ago_seconds: float = 10.0) -> Arrival:
    source_id, place_id = (item.source_id, item.place_id) if item else (None, "")
    message_id = f"of {place_id}"
    return Arrival(message_id, source_id, place_id, NOW - ago_seconds - 1, NOW - ago_seconds)


def finish(out: Path, *items: AudioRef) -> Done:
    report = run_unit(out, Unit.of(map(Task, items)))
    return Done(report.commit.unit_id, NOW - 2, clip_seconds=3.0, padded_seconds=4.0)


def close(out: Path, *notes: Note, name: str = "run-1") -> tuple[Interval | None, list[Note]]:
    return close_interval(str(out), name, notes, NOW)


def test_an_interval_says_what_became_of_each_message(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    done = finish(tmp_path, *inputs[:2])
    again = Repeat(inputs[2].source_id)
    interval, waiting = close(
        tmp_path, *map(arrived, inputs), arrived(inputs[0], 4.0), arrived(None), done, again
    )
    assert interval is not None
    assert (interval.messages, interval.ignored, interval.repeated) == (5, 1, 2)
    assert (interval.ledger.inputs, interval.ledger.recordings) == (3, 2)
    assert interval.waiting == ()
    assert interval.decoded_seconds == pytest.approx(3.0)
    assert interval.wall_seconds == pytest.approx(8.0)
    # The two units' messages were committed 2 s ago; the others brought no commit.
    assert interval.lag_seconds == pytest.approx(11.0)
    assert interval.lag_median_seconds == pytest.approx(9.0)
    assert interval.lag_sum_seconds == pytest.approx(9.0 + 9.0 + 11.0 + 3.0 + 11.0)
    assert (interval.lag_counts["5"], interval.lag_counts["10"]) == (1, 3)
    assert interval.unit_ids == (done.unit_id,)
    assert interval.stage_seconds["decode"] > 0
    assert interval.padding == pytest.approx(0.25)
    assert interval.balances
    assert waiting == []


def test_an_unfinished_message_waits_for_a_later_interval(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    early, late = arrived(inputs[0]), arrived(inputs[1])
    first, waiting = close(tmp_path, early, late, finish(tmp_path, inputs[0]))
    assert first is not None
    assert (first.messages, first.waiting) == (1, (late.message_id,))
    assert waiting == [late]
    assert close(tmp_path, *waiting) == (None, [late])
    second, left = close(tmp_path, *waiting, finish(tmp_path, inputs[1]))
    assert second is not None
    assert (second.messages, second.ledger.recordings, left) == (1, 1, [])


def test_messages_of_a_unit_that_was_closed_wait(tmp_path: Path, inputs: list[AudioRef]) -> None:
    close_unit(str(tmp_path), Unit.of([Task(inputs[0])]).unit_id)
    arrival, done = arrived(inputs[0]), finish(tmp_path, inputs[0])
    assert close(tmp_path, arrival, done) == (None, [arrival, done])


def test_an_input_without_a_result_for_hours_is_reported_once(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    old = arrived(inputs[0], OVERDUE_SECONDS)
    interval, waiting = close(tmp_path, old)
    assert interval is not None
    assert interval.overdue == (inputs[0].source_id,)
    assert not interval.balances
    assert "DOES NOT BALANCE" in interval.line
    assert waiting == []


def test_an_old_message_whose_input_has_rows_is_repeated(
    tmp_path: Path, inputs: list[AudioRef]
) -> None:
    item = inputs[0]
    reserve(str(tmp_path), item, Reservation(Unit.of([Task(item)]).unit_id, "r"))
    finish(tmp_path, item)
    interval, _ = close(tmp_path, arrived(item, OVERDUE_SECONDS))
    assert interval is not None
    assert (interval.repeated, interval.overdue) == (1, ())
    assert interval.balances


def test_an_input_whose_rows_are_gone_is_missing(tmp_path: Path, inputs: list[AudioRef]) -> None:
    done = finish(tmp_path, inputs[0])
    (record,) = (tmp_path / "_units").glob("*.json")
    content = json.loads(record.read_text())
    content["files"] = [name for name in content["files"] if name.startswith("segments")]
    record.write_text(json.dumps(content))
    interval, _ = close(tmp_path, arrived(inputs[0]), done)
    assert interval is not None
    assert interval.ledger.missing == (inputs[0].source_id,)
    assert not interval.balances


def test_files_that_are_merged_while_they_are_read_are_read_again(
    tmp_path: Path, inputs: list[AudioRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = [finish(tmp_path, item) for item in inputs]
    open_to_read = store.open_to_read

    def merge_before(uri: str) -> BinaryIO:
        if uri.endswith(".parquet"):
            monkeypatch.setattr(store, "open_to_read", open_to_read)
            compact(str(tmp_path))
        return open_to_read(uri)

    monkeypatch.setattr(store, "open_to_read", merge_before)
    interval, _ = close(tmp_path, *map(arrived, inputs), *done)
    assert interval is not None
    assert interval.ledger.recordings == len(inputs)
    assert interval.balances
