"""Reading one line of a JSONL manifest, which may hold anything."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from beam_audio.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LINE_BYTES: Final = 1 << 20
_KNOWN: Final = frozenset({"audio_filepath", "text", "duration", "offset", "lang", "event_time"})


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """The fields of one manifest line.

    ``offset_seconds`` and ``duration_seconds`` cut a part out of the file. ``manifest_seconds`` is
    the length that the line states: of the part, or of the whole file without an ``offset``.
    """

    path: str
    reference_text: str | None = None
    language: str | None = None
    offset_seconds: float | None = None
    duration_seconds: float | None = None
    manifest_seconds: float | None = None
    event_time: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    def at(self, event_time: datetime) -> Self:
        """The same entry with an event time."""
        return replace(self, event_time=event_time)


def parse_line(line: bytes) -> ManifestEntry:
    """Read a manifest line.

    Args:
        line: One JSON object in UTF-8. Keys: ``audio_filepath`` (required), ``text``,
            ``duration`` and ``offset`` in seconds, ``lang``, ``event_time`` (ISO 8601, UTC if it
            names no zone, or seconds since the epoch). Other keys are kept as metadata; values
            that are not strings are kept as JSON.

    Raises:
        InputError: The line is too long, is not a JSON object, or a field has the wrong type.
    """
    if len(line) > MAX_LINE_BYTES:
        raise InputError(f"longer than {MAX_LINE_BYTES} bytes")
    fields = _load_object(line)
    path = _text(fields, "audio_filepath")
    if not path:
        raise InputError("audio_filepath is missing or empty")
    offset_seconds = _seconds(fields, "offset")
    duration_seconds = _seconds(fields, "duration")
    cuts = offset_seconds is not None
    if cuts and duration_seconds == 0:
        raise InputError("duration is 0: a cut with an offset needs a length above 0")
    language = _text(fields, "lang")
    return ManifestEntry(
        path=path,
        reference_text=_text(fields, "text"),
        language=primary_language(language) if language else None,
        offset_seconds=offset_seconds,
        duration_seconds=duration_seconds if cuts else None,
        manifest_seconds=duration_seconds,
        event_time=event_time_of(fields.get("event_time")),
        metadata=tuple(
            sorted((key, _as_text(fields[key])) for key in fields.keys() - _KNOWN),
        ),
    )


def primary_language(tag: str) -> str:
    """Language of a tag such as ``en-US``: its first part, in lower case."""
    return tag.replace("_", "-").split("-", 1)[0].strip().lower()


def _load_object(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line.decode("utf-8-sig"))
        json.dumps(fields, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise InputError(f"not valid Unicode: {type(error).__name__}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InputError(f"a JSON {type(fields).__name__} where an object is needed")
    return fields


def _text(fields: Mapping[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is None or isinstance(value, str):
        return value
    raise InputError(f"{key} is {value!r:.80}, not text")


def _seconds(fields: Mapping[str, Any], key: str) -> float | None:
    value = fields.get(key)
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= sys.float_info.max:
        raise InputError(f"{key} is {value!r:.80}, not a number of seconds of 0 or more")
    return float(value)


def event_time_of(value: object) -> datetime | None:
    """A stated event time in UTC, given as ISO 8601 text or seconds since the epoch, or None.

    Raises:
        InputError: The value is something else.
    """
    if value is None:
        return None
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            stated = datetime.fromisoformat(value)
            return stated.replace(tzinfo=stated.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"event_time {value!r:.80} is not a time: {error}") from error
    raise InputError(f"event_time is {value!r:.80}, not ISO 8601 text or epoch seconds")


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
