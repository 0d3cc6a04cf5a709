"""Lines about one input: repeats count once, contradictions are one failure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from beam_audio.types import AudioRef, Failure
from beam_audio.unit.contradictions import distinct_inputs, distinct_messages, later_contradiction

DAY = datetime(2026, 1, 5, tzinfo=UTC)
ONE = AudioRef(
    "/a.wav", 5, "1", updated=DAY, event_time=DAY, reference_text="x", stated_in="line 1"
)


def test_lines_that_state_the_same_are_one_input() -> None:
    other = replace(ONE, stated_in="line 2")
    assert list(distinct_inputs([other, ONE])) == [ONE]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"reference_text": "y"}, "text"),
        ({"reference_text": None}, "text"),
        ({"language": "de"}, "lang"),
        ({"event_time": datetime(2025, 1, 5, tzinfo=UTC)}, "event_time"),
        ({"manifest_seconds": 2.0}, "duration"),
    ],
)
def test_lines_that_differ_are_one_failure_in_any_order(
    changed: dict[str, object], name: str
) -> None:
    other = replace(ONE, stated_in="line 2", **changed)  # type: ignore[arg-type] # fields of the class
    repeat = replace(other, stated_in="line 10")
    for lines in permutations([ONE, other, repeat]):
        (failure,) = distinct_inputs(lines)
        assert isinstance(failure, Failure)
        assert failure.message.startswith(
            "line 1 and line 2 are about the same input and differ in"
        )
        assert f"differ in {name};" in failure.message
        assert failure.error_type == "ContradictionError"
        assert (failure.source_id, failure.place_id) == (ONE.source_id, ONE.place_id)
        assert failure.event_time == DAY


def test_metadata_that_one_line_adds_is_kept_and_other_values_contradict() -> None:
    one = replace(ONE, metadata=(("speaker", "a"),))
    two = replace(ONE, metadata=(("room", "3"),), stated_in="line 2")
    both = replace(ONE, metadata=(("room", "3"), ("speaker", "a")))
    for lines in permutations([ONE, one, two]):
        (found,) = distinct_inputs(lines)
        assert isinstance(found, AudioRef)
        assert (found.metadata, found.stated_id) == (both.metadata, both.stated_id)
    other = replace(ONE, metadata=(("speaker", "b"),), stated_in="line 3")
    (failure,) = distinct_inputs([ONE, one, other])
    assert isinstance(failure, Failure)
    assert "differ in speaker;" in failure.message


def test_other_parts_and_channels_of_a_file_are_other_inputs() -> None:
    lines = [
        replace(ONE, reference_text="y", offset_seconds=0.0, duration_seconds=1.0),
        replace(ONE, reference_text="z", channel=0),
        replace(ONE, reference_text="w", channel=1),
        ONE,
    ]
    found = list(distinct_inputs(lines))
    assert set(found) == set(lines)


def test_many_contradictions_name_a_few_lines() -> None:
    lines = [replace(ONE, reference_text=str(n), stated_in=f"line {n}") for n in range(1, 10)]
    (failure,) = distinct_inputs(lines)
    assert isinstance(failure, Failure)
    assert "line 5 and 4 more are about" in failure.message


def test_a_failure_that_is_listed_twice_counts_once() -> None:
    missing = Failure("input", "read", "id", "/none.wav", "InputError", "cannot find it")
    assert list(distinct_inputs([missing, missing])) == [missing]


def test_a_message_that_states_nothing_contradicts_none() -> None:
    """A bucket's notification and a message of one's own may be about the same object."""
    notice = replace(ONE, reference_text=None, stated_in="message 1")
    for messages in permutations([notice, ONE, replace(notice, stated_in="message 2")]):
        assert list(distinct_messages(messages)) == [ONE]


def test_a_message_sent_again_may_have_other_metadata() -> None:
    one = replace(ONE, metadata=(("trace", "1"),), stated_in="message 1")
    again = replace(ONE, metadata=(("trace", "2"),), stated_in="message 2")
    for messages in permutations([again, one, again]):
        assert list(distinct_messages(messages)) == [one]


def test_messages_that_differ_are_one_failure() -> None:
    other = replace(ONE, language="de", stated_in="message 2", metadata=(("trace", "2"),))
    for messages in permutations([other, ONE, other]):
        (failure,) = distinct_messages(messages)
        assert isinstance(failure, Failure)
        assert failure.message.startswith("line 1 and message 2 are about the same input")
        assert "differ in lang;" in failure.message
        assert failure.source_id == ONE.source_id


def test_a_later_contradiction_names_both_messages_and_is_the_same_each_time() -> None:
    other = replace(ONE, language="de", stated_in="message 2")
    failure = later_contradiction(other, "message 1")
    assert failure.message.startswith("message 2 states another text, language")
    assert "than message 1, by which the rows" in failure.message
    assert failure.source_id != ONE.source_id
    again = later_contradiction(replace(other, stated_in="message 3"), "message 1")
    assert again.source_id == failure.source_id
