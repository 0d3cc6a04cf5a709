"""What a person reads of the status of an output."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from beam_audio.command.status_table import status_table
from beam_audio.output.status import LastEnd, LastFailure, Status, Writer

DONE = Status(
    inputs={"recorded": 3},
    left=0,
    open_units=0,
    unpublished=0,
    half_done=0,
    saved_parts=0,
    failures=0,
    last_failure=None,
    last_end=LastEnd("run-1.json", balances=True, ended_seconds_ago=7300.0, waiting=0),
    writer=None,
    is_written_here=False,
)


def test_a_complete_output_says_so_first() -> None:
    lines = status_table(DONE).splitlines()
    assert lines[0].split() == ["complete", "yes"]
    assert "run-1.json: balances, 2 h ago" in lines[4]


def test_a_dead_writer_is_told_with_the_cure_and_what_is_left() -> None:
    dead = Writer("r", "far-host", is_alive=False, began_seconds_ago=90.0, seen_seconds_ago=61.0)
    text = status_table(replace(DONE, writer=dead, left=7, open_units=2, unpublished=1))
    assert text.startswith("complete    no")
    assert "far-host 1 min ago" in text
    assert "the same command does what is left" in text
    assert "7 inputs" in text


def test_long_recordings_that_are_half_done_are_counted() -> None:
    text = status_table(replace(DONE, left=1, half_done=1, saved_parts=40))
    assert "1 long recordings are half done: 40 parts of them are saved" in text
    assert "half done" not in status_table(DONE)


def test_a_name_with_terminal_codes_is_written_out() -> None:
    when = datetime.now(UTC) - timedelta(seconds=5)
    last = LastFailure(when, "decode", "DecodeError", "a\x1b[31m.wav", "not audio\nsecond line")
    text = status_table(replace(DONE, failures=1, last_failure=last))
    assert "\x1b" not in text
    assert "second line" not in text
    assert "DecodeError while in decode" in text
