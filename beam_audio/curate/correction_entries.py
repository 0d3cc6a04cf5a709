"""Corrections as files state them: exports of Label Studio, or JSON lines of our own.

Whoever wrote the file, what is in it is data: an entry that makes no sense is told with its place,
and costs itself only.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, get_args

from beam_audio.errors import ConfigError
from beam_audio.quality.pii import PiiKind
from beam_audio.types import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CHARACTERS: Final = 20_000
"""A longer text is no transcript of one segment."""
_MOST_NAME_CHARACTERS: Final = 200
_MARK: Final = re.compile("|".join(rf"\[{kind.upper()}\]" for kind in get_args(PiiKind)))
_VERDICTS: Final = get_args(Decision)
_UNREADABLE: Final = (ValueError, TypeError, LookupError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Entry:
    """One correction, before it is known whether there is such a segment.

    Attributes:
        where: Its place in the file, for messages.
        recording_id: The recording; None where only a segment is named.
        segment_id: The segment; None where times are given.
        times: Start and end in the recording in seconds; None where only a segment is named.
        text: What is said; None leaves it open.
        verdict: What is to be done; None leaves it to the rules.
        corrected_by: Who says so.
        corrected_at: When, in UTC.
    """

    where: str
    recording_id: str | None
    segment_id: str | None
    times: tuple[float, float] | None
    text: str | None
    verdict: Decision | None
    corrected_by: str | None
    corrected_at: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that cannot be taken, and why."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A task or an annotation that holds no correction, and why."""

    why: str


Found = Entry | Refused | LeftOut


def read_entries(content: bytes) -> Iterator[Found]:
    """Yield what a file of corrections holds.

    Args:
        content: Label Studio's JSON or JSON-MIN, which are arrays, or one JSON object a line: tasks
            of Label Studio or corrections in our own fields.

    Raises:
        ConfigError: It is an array and no JSON, so that nothing of it can be trusted.
    """
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        for number, value in enumerate(_array(content), 1):
            for found in _entries(value, f"task number {number}"):
                yield from _without_marks(found)
        return
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else _short(error)
            yield Refused(f"line {number}", f"is no JSON: {why}")
        else:
            for found in _entries(value, f"line {number}"):
                yield from _without_marks(found)


def _without_marks(found: Found) -> Iterator[Found]:
    """A correction without a text that stands for other words: they are not known."""
    if not isinstance(found, Entry) or found.text is None or not _MARK.search(found.text):
        yield found
        return
    yield LeftOut("its text has the mark of a redaction, so it is no reference")
    if found.verdict is not None:
        yield replace(found, text=None)


def _array(content: bytes) -> list[Any]:
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ConfigError(
            f"it is no JSON from line {error.lineno}, column {error.colno} on ({error.msg}); "
            "nothing of it is taken: export it again"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"it is no JSON ({_short(error)}); nothing of it is taken") from error
    assert isinstance(found, list)  # noqa: S101 - it begins with a bracket
    return found


def _entries(value: object, where: str) -> Iterator[Found]:
    if not isinstance(value, dict):
        yield Refused(where, "is no JSON object")
    elif "annotations" in value or "data" in value:
        yield from _of_task(value, where)
    elif "annotation_id" in value and value["annotation_id"] is None:
        yield LeftOut("not annotated")
    elif "annotation_id" in value:
        at = value.get("updated_at") or value.get("created_at")
        stated = {"corrected_by": value.get("annotator"), "corrected_at": at}
        yield _entry(value | stated | {"text": _only(value.get("text"))}, _named(value, where))
    else:
        yield _entry(value, where)


def _of_task(task: dict[str, Any], where: str) -> Iterator[Found]:
    """Each annotation of a task of Label Studio; predictions are no corrections."""
    where, data, annotations = _named(task, where), task.get("data"), task.get("annotations")
    if not isinstance(data, dict) or not isinstance(annotations or [], list):
        yield Refused(where, "has no data and annotations as Label Studio writes them")
    elif not annotations:
        yield LeftOut("not annotated")
    else:
        for number, each in enumerate(annotations, 1):
            place = where if len(annotations) == 1 else f"{where}, annotation {number}"
            yield _of_annotation(data, each, place)


def _of_annotation(data: dict[str, Any], annotation: object, where: str) -> Found:
    if not isinstance(annotation, dict):
        return Refused(where, "is no annotation")
    if annotation.get("was_cancelled"):
        return LeftOut("skipped by the annotator")
    try:
        values = {each["from_name"]: each["value"] for each in annotation["result"]}
        text = _only(values["text"]["text"]) if "text" in values else None
        verdict = _only(values["verdict"]["choices"]) if "verdict" in values else None
    except _UNREADABLE:
        return Refused(where, "has no results as Label Studio writes them")
    stated = {
        "text": text,
        "verdict": verdict,
        "corrected_by": annotation.get("completed_by"),
        "corrected_at": annotation.get("updated_at") or annotation.get("created_at"),
    }
    return _entry(data | stated | {"withdrawn": None}, where)


def _named(task: dict[str, Any], where: str) -> str:
    return f"task {task['id']}" if isinstance(task.get("id"), int) else where


def _only(value: object) -> object:
    """One text of a list of them, None of an empty one; what it is if it is no such list."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return " ".join(value) if value else None
    return value


def _entry(fields: dict[str, Any], where: str) -> Found:
    """A correction from its fields; those that it does not know are of no interest."""
    try:
        times = _times(fields.get("start_seconds"), fields.get("end_seconds"))
        entry = Entry(
            where=where,
            recording_id=_name("recording_id", fields),
            segment_id=_name("segment_id", fields),
            times=times,
            text=_text(fields.get("text")),
            verdict=_verdict(fields.get("verdict")),
            corrected_by=_who(fields.get("corrected_by")),
            corrected_at=_when(fields.get("corrected_at")),
        )
        _require_sense(entry, is_withdrawn=fields.get("withdrawn"))
    except _UNREADABLE as error:
        return Refused(where, _short(error))
    return entry


def _require_sense(entry: Entry, *, is_withdrawn: object) -> None:
    if is_withdrawn not in (None, True, False):
        raise ValueError("withdrawn must be true or false")
    says = entry.text is not None or entry.verdict is not None
    if is_withdrawn and says:
        raise ValueError("it withdraws, and has a text or a verdict as well")
    if not is_withdrawn and not says:
        raise ValueError("it has neither a text nor a verdict")
    if entry.segment_id is None and (entry.recording_id is None or entry.times is None):
        raise ValueError(
            "it names no segment: give segment_id, or recording_id, start_seconds and end_seconds"
        )


def _name(field: str, fields: dict[str, Any]) -> str | None:
    value = fields.get(field)
    if value is None or (isinstance(value, str) and 0 < len(value) <= _MOST_NAME_CHARACTERS):
        return value
    raise ValueError(f"{field} is no id")


def _times(start: object, end: object) -> tuple[float, float] | None:
    if start is None and end is None:
        return None
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in (start, end)):
        raise ValueError("start_seconds and end_seconds must be numbers")
    found = float(start), float(end)  # type: ignore[arg-type] # both are numbers
    if not (all(map(math.isfinite, found)) and 0 <= found[0] < found[1]):
        raise ValueError("start_seconds and end_seconds are no stretch of a recording")
    return found


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("text must be a text")  # noqa: TRY004 - told as every other fault
    if len(value) > MOST_CHARACTERS:
        raise ValueError(f"text has {len(value):,} characters; {MOST_CHARACTERS:,} are the most")
    value.encode()  # a lone surrogate cannot be written
    return " ".join(value.split())


def _verdict(value: object) -> Decision | None:
    if value is None or value in _VERDICTS:
        return value  # type: ignore[return-value] # one of them
    raise ValueError(f"verdict is {value!r:.40}; it must be {', '.join(_VERDICTS)}")


def _who(value: object) -> str | None:
    """Who annotated: a name, or what Label Studio gives: a number or a person with an address."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    if value is None:
        return None
    name = str(value)
    name.encode()
    if isinstance(value, str | int) and not isinstance(value, bool):
        return name[:_MOST_NAME_CHARACTERS]
    raise ValueError("corrected_by must be a name")


def _when(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("corrected_at is missing: give a time such as 2026-11-27T09:30:00Z")  # noqa: TRY004
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"corrected_at is {value!r:.40}; give 2026-11-27T09:30:00Z") from None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def _short(error: Exception) -> str:
    return f"{error!s:.200}" or type(error).__name__
