"""Files of corrections: both forms of Label Studio, our own lines, and files that make no sense."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from beam_audio.curate.correction_entries import Entry, LeftOut, Refused, read_entries
from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from beam_audio.curate.correction_entries import Found

DATA = {
    "audio": "/data/local-files/?d=audio/s1.flac",
    "segment_id": "s1",
    "recording_id": "r1",
    "start_seconds": 1.5,
    "end_seconds": 3.0,
    "words": [],
    "reference_text": "old",
    "metadata": "{}",
}
LINE = {"segment_id": "s1", "text": "hello", "corrected_at": "2026-11-27T09:00:00Z"}


def result(name: str, kind: str, **value: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "value": value,
        "id": name * 3,
        "from_name": name,
        "to_name": "audio",
        "type": kind,
        "origin": "prediction-changed",
    }


def annotation(*results: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """An annotation as Label Studio 1.x exports it."""
    return {
        "id": 7,
        "completed_by": 1,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": "2026-11-27T08:00:00.000001Z",
        "updated_at": "2026-11-27T09:00:00.000001Z",
        "draft_created_at": None,
        "lead_time": 4.2,
        "prediction": {},
        "result_count": 2,
        "unique_id": "0b6f7c9e-5c9c-4a7d-9d3e-0a0b0c0d0e0f",
        "task": 12,
        "project": 3,
    } | more


def task(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"id": 12, "annotations": list(annotations), "data": DATA, "meta": {}} | more


TEXT = result("text", "textarea", text=[" Hello\n  there "])
VERDICT = result("verdict", "choices", choices=["keep"])
DONE = annotation(TEXT, VERDICT)


def read(*values: object) -> list[Found]:
    return list(read_entries(json.dumps(values).encode()))


def lines(*values: object) -> list[Found]:
    texts = (each if isinstance(each, str) else json.dumps(each) for each in values)
    return list(read_entries("\n".join(texts).encode(errors="surrogatepass")))


def test_an_annotation_is_a_text_and_a_verdict_at_the_times_of_its_task() -> None:
    expected = Entry(
        where="task 12",
        recording_id="r1",
        segment_id="s1",
        times=(1.5, 3.0),
        text="Hello there",
        verdict="keep",
        corrected_by="1",
        corrected_at=datetime(2026, 11, 27, 9, 0, 0, 1, tzinfo=UTC),
    )
    assert read(task(DONE)) == [expected]
    assert lines(task(DONE)) == [expected]


def test_the_short_form_says_the_same() -> None:
    short = DATA | {
        "id": 12,
        "text": "Hello there",
        "verdict": "keep",
        "annotator": 1,
        "annotation_id": 7,
        "created_at": "2026-11-27T08:00:00.000001Z",
        "updated_at": "2026-11-27T09:00:00.000001Z",
        "lead_time": 4.2,
    }
    assert read(short) == read(task(DONE))
    assert read(short | {"annotation_id": None}) == read(task())


def test_who_annotated_is_an_address_where_the_export_has_one() -> None:
    person = {"id": 1, "email": "anna@example.com", "first_name": "Anna"}
    (found,) = read(task(annotation(TEXT, completed_by=person)))
    assert isinstance(found, Entry)
    assert found.corrected_by == "anna@example.com"


def test_tasks_that_nobody_annotated_or_that_were_skipped_hold_nothing() -> None:
    cancelled = annotation(TEXT, was_cancelled=True)
    found = read(task(), task(cancelled), task(cancelled, DONE))
    assert [type(each) for each in found] == [LeftOut, LeftOut, LeftOut, Entry]


def test_each_annotation_of_a_task_is_one() -> None:
    found = read(task(DONE, annotation(VERDICT), annotation()))
    assert [each.where for each in found if not isinstance(each, LeftOut)] == [
        f"task 12, annotation {number}" for number in (1, 2, 3)
    ]
    assert [getattr(each, "text", "none") for each in found] == ["Hello there", None, "none"]


def test_lines_of_our_own_name_a_segment_or_its_times() -> None:
    place = {"recording_id": "r1", "start_seconds": 0, "end_seconds": 1.25}
    at = {"corrected_at": "2026-11-27T10:00:00+01:00"}
    found = lines(LINE, "", place | at | {"withdrawn": True}, place | at | {"text": ""})
    first, back, empty = (each for each in found if isinstance(each, Entry))
    assert (first.segment_id, first.times, first.where) == ("s1", None, "line 1")
    assert first.corrected_at == back.corrected_at == datetime(2026, 11, 27, 9, tzinfo=UTC)
    assert (back.times, back.text, back.verdict, back.where) == ((0, 1.25), None, None, "line 3")
    assert empty.text == ""


def test_a_text_with_the_mark_of_a_redaction_is_no_reference() -> None:
    marked = LINE | {"text": "call [PHONE] now", "verdict": "keep"}
    left, entry = lines(marked)
    assert isinstance(left, LeftOut)
    assert isinstance(entry, Entry)
    assert (entry.text, entry.verdict) == (None, "keep")
    assert lines(LINE | {"text": "call [PHONE] now"}) == [left]
    assert isinstance(lines(LINE | {"text": "an array [1] of things"})[0], Entry)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "is no JSON"),
        ("\ud800", "is no JSON"),
        ("3", "is no JSON object"),
        ("[" * 100_000, "is no JSON"),
        (LINE | {"text": None}, "neither a text nor a verdict"),
        (LINE | {"text": 3}, "text must be a text"),
        (LINE | {"text": "x" * 20_001}, "20,001 characters"),
        (LINE | {"text": "\ud800"}, "surrogates not allowed"),
        (LINE | {"verdict": "kepp"}, "verdict is 'kepp'"),
        (LINE | {"verdict": ["keep"]}, "verdict is"),
        (LINE | {"withdrawn": True}, "withdraws, and has a text"),
        (LINE | {"withdrawn": {}}, "true or false"),
        (LINE | {"segment_id": None}, "names no segment"),
        (LINE | {"segment_id": "x" * 300}, "segment_id is no id"),
        (LINE | {"segment_id": 3}, "segment_id is no id"),
        (LINE | {"recording_id": "r1", "start_seconds": 1}, "must be numbers"),
        (LINE | {"start_seconds": True, "end_seconds": 3}, "must be numbers"),
        (LINE | {"start_seconds": 3, "end_seconds": 1}, "no stretch"),
        (LINE | {"start_seconds": float("nan"), "end_seconds": 1}, "no stretch"),
        (LINE | {"start_seconds": 10**400, "end_seconds": 10**401}, "int too large"),
        (LINE | {"corrected_at": None}, "corrected_at is missing"),
        (LINE | {"corrected_at": "yesterday"}, "corrected_at is 'yesterday'"),
        (LINE | {"corrected_at": "0001-01-01T00:00:00+20:00"}, "out of range"),
        (LINE | {"corrected_by": [1]}, "must be a name"),
        (task(annotation(), data=None), "no data and annotations"),
        (task(annotations={"a": 1}), "no data and annotations"),
        (task(annotations=[3]), "is no annotation"),
        (task(annotation({"from_name": "text"})), "no results"),
        (task(annotation(result("text", "textarea", text=[{"a": 1}]))), "text must be a text"),
        (task(DONE, data={}), "names no segment"),
    ],
)
def test_an_entry_that_makes_no_sense_costs_itself(line: object, why: str) -> None:
    before, refused, after = lines(LINE, line, LINE)
    assert isinstance(refused, Refused)
    assert why in refused.why
    assert refused.where in {"line 2", "task 12"}
    assert isinstance(before, Entry)
    assert isinstance(after, Entry)


def test_a_damaged_array_is_refused_as_a_whole_with_the_line() -> None:
    content = json.dumps([task(DONE), task(DONE)], indent=1).encode()
    with pytest.raises(ConfigError, match=r"no JSON from line \d\d, column \d+ on"):
        list(read_entries(content[: len(content) // 2]))
    with pytest.raises(ConfigError, match="no JSON"):
        list(read_entries(b"[" * 100_000))
    with pytest.raises(ConfigError, match="no JSON"):
        list(read_entries(b'["\xff"]'))


def test_a_file_of_nothing_holds_nothing() -> None:
    assert list(read_entries(b"")) == list(read_entries(b"\xef\xbb\xbf\n[]\n")) == []
