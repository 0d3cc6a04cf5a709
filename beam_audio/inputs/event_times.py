"""When something was recorded, as manifests and messages write it."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from beam_audio.errors import InputError

_DIGITS: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""Texts of digits only that are dates, by their length."""
_YEARS: Final = range(1900, 2101)
_NUMBER: Final = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?([eE][+-]?\d{1,3})?")
_YEAR: Final = re.compile(r"(19|20)\d\d")
_UTC_NAME: Final = re.compile(r"\s*(UTC|GMT|Z)$", re.IGNORECASE)
_SPACED_OFFSET: Final = re.compile(r"\s+([+-]\d\d:?(\d\d)?)$")
_MIDNIGHT: Final = re.compile(r"(?<=[T\s])24(?=(:?00){0,2}([.,]0+)?([+-]|$))", re.IGNORECASE)
_LEAP_SECOND: Final = re.compile(r"(?<=[T\s])(\d\d:?\d\d:?)60(?=[.,+-]|$)", re.IGNORECASE)
_UNKNOWN_ZONE: Final = re.compile(r"\s(?!(?:GMT|UTC|UT|Z|[ECMP][SD]T)$)[A-Za-z]+$")
"""A zone that RFC 822 does not know. Python's reader of mail dates takes it for UTC."""
_MAX_CHARS: Final = 80
# Epochs of today have 10, 13, 16 or 19 digits. Seconds above the first bound are after year 5000.
_UNITS: Final = ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))
"""Bounds below which an epoch counts seconds, milliseconds, microseconds or nanoseconds."""


def event_time_of(value: object) -> datetime | None:
    """A stated event time in UTC; None for null and for an empty text.

    Args:
        value: ISO 8601 with or without separators, a date of mail (RFC 822), or the time since the
            epoch in seconds, milliseconds, microseconds or nanoseconds, as a number or a text.
            Times without a zone are UTC. ``24:00`` is the next midnight, and a leap second is the
            second after it. Digits that may be a date or a number are a date.

    Raises:
        InputError: The value is something else.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    is_time = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_time and not (isinstance(value, str) and len(value) <= _MAX_CHARS):
        raise InputError(f"event_time is {value!r:.80}, not ISO 8601 text or epoch seconds")
    try:
        text = str(value).strip()
        return _of_number(text) if _NUMBER.fullmatch(text) else _of_text(text)
    except (ValueError, OverflowError, OSError, TypeError) as error:
        raise InputError(f"event_time {value!r:.80} is not a time: {error}") from error


def _of_number(text: str) -> datetime:
    """A date without separators, or the time since the epoch."""
    if _YEAR.fullmatch(text):
        raise ValueError("a year alone names no day")
    if form := _DIGITS.get(len(text)) if text.isdecimal() else None:
        with suppress(ValueError):
            date = datetime.strptime(text, form).replace(tzinfo=UTC)
            if date.year in _YEARS:
                return date
    epoch = float(text)
    per_second = next((unit for bound, unit in _UNITS if abs(epoch) < bound), None)
    if per_second is None:
        raise ValueError("the number is too large")
    return datetime.fromtimestamp(epoch / per_second, UTC)


def _of_text(text: str) -> datetime:
    """ISO 8601, else a date of mail."""
    iso = _SPACED_OFFSET.sub(r"\1", _UTC_NAME.sub("+00:00", text))
    later = timedelta(days=len(_MIDNIGHT.findall(iso)), seconds=len(_LEAP_SECOND.findall(iso)))
    iso = _LEAP_SECOND.sub(r"\g<1>59", _MIDNIGHT.sub("00", iso))
    try:
        stated = datetime.fromisoformat(iso)
    except ValueError:
        if _UNKNOWN_ZONE.search(text):
            raise
        stated, later = parsedate_to_datetime(text), timedelta()
    return stated.replace(tzinfo=stated.tzinfo or UTC).astimezone(UTC) + later
