"""What is asked of a decoder: which one, which stretch of the recording, within which limits."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

from beam_audio.audio.limits import DecodeLimits
from beam_audio.errors import InputError

Decoder = Literal["auto", "soundfile", "av", "tfio"]

_MAX_CUT_SECONDS = 1e9
"""Thirty years: no recording is longer, and sample numbers up to it are exact."""

NO_END = 2**62
"""The sample after the last one of a cut that ends with its recording."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A stretch of a recording in seconds; None at either side leaves that side open.

    ``track`` is the number of the audio track, from 0; None takes the file's default.
    """

    offset_seconds: float | None = None
    duration_seconds: float | None = None
    track: int | None = None

    def __post_init__(self) -> None:
        offset, duration = self.offset_seconds, self.duration_seconds
        if offset is not None and not 0 <= offset <= _MAX_CUT_SECONDS:
            raise InputError(f"the cut starts at {offset} s; give 0 or a positive number")
        if duration is not None and not 0 < duration <= _MAX_CUT_SECONDS:
            raise InputError(f"the cut lasts {duration} s; give a positive number")

    def samples(self, sample_rate_hz: int) -> tuple[int, int]:
        """First sample of the cut, and the one after its last; the cut has at least one sample."""
        start = round((self.offset_seconds or 0.0) * sample_rate_hz)
        if self.duration_seconds is None:
            return start, NO_END
        return start, start + max(1, round(self.duration_seconds * sample_rate_hz))


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """How a file is to be decoded.

    Attributes:
        decoder: ``auto`` tries soundfile and PyAV; any other name tries only that decoder.
        limits: What is refused or cut off.
        cut: What is wanted of the recording.
        block_seconds: Longest block.
        rare_containers: Rare containers that may be read, too, by libsndfile's names for them in
            lower case; see :data:`~beam_audio.audio.decoders.containers.RARE_CONTAINERS`.
    """

    decoder: Decoder = "auto"
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    cut: Cut = field(default_factory=Cut)
    block_seconds: float = 1.0
    rare_containers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A value for JSON; :meth:`from_json` reads it."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` made."""
        given = {
            "limits": DecodeLimits(**value["limits"]),
            "cut": Cut(**value["cut"]),
            "rare_containers": tuple(value["rare_containers"]),
        }
        return cls(**(value | given))
