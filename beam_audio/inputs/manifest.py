"""Reading one line of a manifest, which may hold anything.

Three sets of keys are known: those of NeMo (``audio_filepath``, ``text``), those of Hugging Face's
AudioFolder (``file_name``, ``transcription``), and ``audio`` with ``transcript``.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from beam_audio.errors import InputError
from beam_audio.inputs.event_times import event_time_of
from beam_audio.inputs.redaction import redacted
from beam_audio.quality.languages import language_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_LINE_BYTES: Final = 1 << 20
PATH_KEYS: Final = ("audio_filepath", "file_name", "audio")
"""Keys that name the file; the first one that a line has counts, the others are metadata."""
UNREADABLE_TIME: Final = "event_time_unreadable"
"""Reason of an input whose stated event time cannot be read."""

_TEXT_KEYS: Final = ("text", "transcription", "transcript")
_KNOWN: Final = frozenset({"duration", "offset", "channel", "lang", "event_time"})
_NUMBER: Final = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?")
_MAX_CHANNEL: Final = 1023


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """The fields of one manifest line.

    ``offset_seconds`` and ``duration_seconds`` cut a part out of the file. ``manifest_seconds`` is
    the length that the line states: of the part, or of the whole file without an ``offset``.
    ``channel`` is the one channel that the line is about, from 0. ``reasons`` name what could not
    be read and costs no more than itself.
    """

    path: str
    reference_text: str | None = None
    language: str | None = None
    offset_seconds: float | None = None
    duration_seconds: float | None = None
    channel: int | None = None
    manifest_seconds: float | None = None
    event_time: datetime | None = None
    metadata: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()

    def at(self, event_time: datetime) -> Self:
        """The same entry with an event time."""
        return replace(self, event_time=event_time)


def parse_line(line: bytes) -> ManifestEntry:
    """Read a manifest line.

    Args:
        line: One JSON object in UTF-8. Keys: one of :data:`PATH_KEYS` (required), ``text`` (or
            ``transcription`` or ``transcript``), ``duration`` and ``offset`` in seconds,
            ``channel`` (from 0), ``lang``, ``event_time`` (see
            :func:`beam_audio.inputs.event_times.event_time_of`). Other keys are kept as metadata,
            unless they are null; values that are not strings are kept as JSON.

    Raises:
        InputError: The line is too long, is not a JSON object, or a field has the wrong type.
    """
    fields = load_object(line)
    path_key = next((key for key in PATH_KEYS if fields.get(key)), PATH_KEYS[0])
    path = _text(fields, path_key)
    if not path:
        raise InputError(f"{path_key} is missing or empty")
    text_key = next((key for key in _TEXT_KEYS if fields.get(key) is not None), _TEXT_KEYS[0])
    offset_seconds = _seconds(fields, "offset")
    duration_seconds = _seconds(fields, "duration")
    cuts = offset_seconds is not None
    if cuts and duration_seconds == 0:
        raise InputError("duration is 0: a cut with an offset needs a length above 0")
    event_time, reasons = event_time_or_reason(fields.get("event_time"))
    return ManifestEntry(
        path=path,
        reference_text=_text(fields, text_key),
        language=stated_language(_text(fields, "lang")),
        offset_seconds=offset_seconds,
        duration_seconds=duration_seconds if cuts else None,
        channel=_channel(fields),
        manifest_seconds=duration_seconds,
        event_time=event_time,
        metadata=_metadata(fields, _KNOWN | {path_key, text_key}),
        reasons=reasons,
    )


def stated_language(name: str | None) -> str | None:
    """Code of a stated language; None for none.

    Raises:
        InputError: There is no such language.
    """
    return language_code(name) if name and not name.isspace() else None


def event_time_or_reason(value: object) -> tuple[datetime | None, tuple[str, ...]]:
    """A stated event time; or None and the reason, as audio without its time is worth reading."""
    try:
        return event_time_of(value), ()
    except InputError:
        return None, (UNREADABLE_TIME,)


def load_object(line: bytes) -> dict[str, Any]:
    """The fields of a line.

    Raises:
        InputError: The line is too long or is not a JSON object.
    """
    if len(line) > MAX_LINE_BYTES:
        raise InputError(f"longer than {MAX_LINE_BYTES} bytes")
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
    value = _number(fields.get(key))
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= sys.float_info.max:
        raise InputError(f"{key} is {value!r:.80}, not a number of seconds of 0 or more")
    return float(value)


def _channel(fields: Mapping[str, Any]) -> int | None:
    value = _number(fields.get("channel"))
    if value is None:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or value not in range(_MAX_CHANNEL + 1):
        raise InputError(
            f"channel is {value!r:.80}, not a whole number from 0; give the key another name if it "
            "is not about a channel of the file"
        )
    return int(value)


def _number(value: Any) -> Any:  # noqa: ANN401 - anything that JSON holds
    """A value with numbers in text read as numbers, as tables hold text only."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    return float(text) if _NUMBER.fullmatch(text) else text or None


def _metadata(fields: Mapping[str, Any], known: frozenset[str]) -> tuple[tuple[str, str], ...]:
    """The other fields as text, without the secrets of addresses; null is no value."""
    others = sorted(fields.keys() - known)
    stated = ((key, fields[key]) for key in others if fields[key] is not None)
    return tuple((key, redacted(_as_text(value))) for key, value in stated)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
