"""What the command says on stderr: plain lines for a person, or a log with time and level.

A command that somebody waits for says things in plain lines. A stream, or a run with
``--log_format``, writes a log: each line, from any library, has its time and level, and is text
or one JSON object with the names that Cloud Logging understands.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

from beam_audio.errors import BeamAudioError
from beam_audio.inputs.redaction import redacted

if TYPE_CHECKING:
    from types import TracebackType

TEXT: Final = "text"
JSON: Final = "json"

_LOG: Final = logging.getLogger("beam_audio")
_OF_EVERY_RECORD: Final = frozenset(
    {*vars(logging.makeLogRecord({})), "asctime", "message", "taskName", "event"}
)


def begin() -> None:
    """Write plain lines until :func:`write_log` says otherwise."""
    # Google's library asks a metadata server whether this machine is Google's. Elsewhere nobody
    # answers, and asking more than once only takes time.
    os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")
    # Beam logs on import that a client is missing that nobody here uses.
    logging.getLogger().addFilter(_is_news)
    # It logs the traceback of an error before it raises it; ours say all in their message.
    logging.getLogger("apache_beam.runners.common").addFilter(_is_not_ours)
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    _LOG.setLevel(logging.INFO)


def write_log(log_format: str) -> None:
    """Write a log from now on, warnings and the errors that end the process included.

    A program that logs in its own way, and calls this command as a function, keeps its way.

    Args:
        log_format: :data:`TEXT` or :data:`JSON`.
    """
    handlers = _ours()
    if not handlers:
        return
    if isinstance(sys.stderr, io.TextIOWrapper):
        # JSON is UTF-8, whatever a terminal writes. What is no text is written as JSON escapes it.
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    for handler in handlers:
        handler.setFormatter(JsonLines() if log_format == JSON else TextLines())
    logging.captureWarnings(capture=True)
    warnings.formatwarning = _warning
    sys.excepthook = _log_crash


def say(
    message: str,
    event: str,
    *,
    level: int = logging.INFO,
    stream: TextIO | None = None,
    **figures: object,
) -> None:
    """Say something: in the log where there is one, else as a plain line.

    Args:
        message: The line.
        event: What happened, in one word; the same word for the same thing.
        level: Its level in a log.
        stream: Where a plain line goes; stderr by default.
        figures: What the line says, by name.
    """
    if any(isinstance(each.formatter, TextLines | JsonLines) for each in _ours()):
        _LOG.log(level, "%s", message, extra={"event": event, **figures})
    else:
        print(f"beam-audio: {redacted(message)}", file=stream or sys.stderr, flush=True)


class _PlainLines(logging.Formatter):
    """What this package does, as plain lines; warnings with who gives them; no secrets."""

    def format(self, record: logging.LogRecord) -> str:
        is_plain = record.levelno == logging.INFO
        start = "beam-audio" if is_plain else f"{record.levelname} {record.name}"
        return redacted(f"{start}: {super().format(record)}")


class TextLines(logging.Formatter):
    """``2026-01-05T09:00:00Z INFO beam_audio: …``; further lines of a record are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """A record as text, without secrets."""
        said = redacted(super().format(record)).replace("\n", "\n  ")
        return f"{_time(record)} {record.levelname} {record.name}: {said}"


class JsonLines(logging.Formatter):
    """One JSON object a line: time, severity, message, event, logger, and the record's figures.

    A traceback is the field ``stack_trace``, where Google's Error Reporting looks for it.
    """

    def format(self, record: logging.LogRecord) -> str:
        """A record as a JSON object, without secrets."""
        content = {
            "time": _time(record),
            "severity": record.levelname,
            "message": record.getMessage(),
            "event": getattr(record, "event", "log"),
            "logger": record.name,
        }
        content |= {
            name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD
        }
        if record.exc_info:
            content["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(_without_secrets(content), ensure_ascii=False, default=str)


def _ours() -> list[logging.Handler]:
    """The handlers that write what this command says."""
    forms = _PlainLines | TextLines | JsonLines
    return [each for each in logging.getLogger().handlers if isinstance(each.formatter, forms)]


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(int(record.created), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _without_secrets(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {str(name): _without_secrets(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_secrets(each) for each in value]
    return value


def _warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """A warning on one line, without the line of code that gave it."""
    del line
    return f"{category.__name__}: {message} ({filename}:{lineno})"


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    _LOG.critical("%s", error, exc_info=(kind, error, trace), extra={"event": "crashed"})


def _is_news(record: logging.LogRecord) -> bool:
    return "apitools not found" not in record.getMessage()


def _is_not_ours(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], BeamAudioError))
