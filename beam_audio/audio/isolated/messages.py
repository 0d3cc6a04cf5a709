"""What a decoding child says about a recording: its head, parts, its end, or an error, as JSON.

A message can hold nothing that runs: a child reads what strangers have recorded.
"""

from __future__ import annotations

import builtins
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Self

from beam_audio import errors
from beam_audio.errors import BeamAudioError, DecodeError
from beam_audio.types import AudioFormat

if TYPE_CHECKING:
    from beam_audio.audio.decoders.stream import AudioStream


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a stream before its first block; see :class:`AudioStream`."""

    format: AudioFormat
    decoder: str
    track_count: int
    credible_seconds: float | None

    @classmethod
    def of(cls, stream: AudioStream) -> Self:
        """That of a stream that is open."""
        return cls(stream.format, stream.decoder, stream.track_count, stream.credible_seconds)

    def to_json(self) -> bytes:
        """A message."""
        return json.dumps({"head": asdict(self)}).encode()

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what is under ``head`` in a message."""
        return cls(**(value | {"format": AudioFormat(**value["format"])}))


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A piece of what a child makes of a stream.

    Attributes:
        content: Values for JSON.
        data: Bytes that belong to them, such as samples.
    """

    content: dict[str, Any]
    data: bytes = field(repr=False)

    def to_json(self) -> bytes:
        """A message without the bytes, which are a message of their own behind it."""
        return json.dumps({"part": self.content}).encode()


@dataclass(frozen=True, slots=True)
class End:
    """What is known of a stream after its last block."""

    decoder: str
    truncation: BeamAudioError | None
    reasons: frozenset[str]
    concealed_seconds: float

    @classmethod
    def of(cls, stream: AudioStream) -> Self:
        """That of a stream whose blocks are exhausted."""
        reasons = frozenset(stream.reasons)
        return cls(stream.decoder, stream.truncation, reasons, stream.concealed_seconds)

    def to_json(self) -> bytes:
        """A message."""
        truncation = None if self.truncation is None else _error_to_json(self.truncation)
        value = {
            "decoder": self.decoder,
            "truncation": truncation,
            "reasons": sorted(self.reasons),
            "concealed_seconds": self.concealed_seconds,
        }
        return json.dumps({"end": value}).encode()

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what is under ``end`` in a message."""
        truncation = value["truncation"]
        error = None if truncation is None else error_from_json(truncation)
        known = error if error is None or isinstance(error, BeamAudioError) else None
        return cls(value["decoder"], known, frozenset(value["reasons"]), value["concealed_seconds"])


def error_message(error: Exception, *, own_limit: bool = False) -> bytes:
    """A message that reports an error.

    ``own_limit`` says of a MemoryError that the child's own limit refused memory.
    """
    return json.dumps({"error": _error_to_json(error), "own_limit": own_limit}).encode()


def _error_to_json(error: Exception) -> dict[str, Any]:
    plain = all(isinstance(each, str | int | float | None) for each in error.args)
    arguments = [*error.args] if plain else [str(error)]
    return {"type": type(error).__name__, "arguments": arguments}


def error_from_json(value: dict[str, Any]) -> Exception:
    """The same error: one of ours or of Python's; any other is a :class:`DecodeError`."""
    name, arguments = value["type"], value["arguments"]
    kind = getattr(errors, name, None) or getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(*arguments)
        except TypeError:  # such as UnicodeDecodeError, whose arguments are not plain
            pass
    return DecodeError(f"{name}: {', '.join(map(str, arguments))}")
