"""Tombstones: what tells a forgotten recording when it comes again, and tells nobody what it was.

A tombstone is a hash of an address or of a content, keyed with a random key of the output. Neither
an address nor a content can be read from it; who guesses one and has the key can test the guess.
The stretch and the channel beside it say which part of a file was forgotten.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["address", "content", "input"]

_MARK_DIGITS: Final = 64
_SAME_SHARE: Final = 0.5
"""Two stretches are one recording if so much of the shorter one lies in the other: manifests cut
neighbours with some overlap, which are not the recording."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a file: seconds from its start, and a stated channel; all of it by default."""

    start_seconds: float = 0.0
    end_seconds: float | None = None
    channel: int | None = None

    @classmethod
    def of(cls, ref: AudioRef) -> Stretch:
        """The part of its file that a reference names."""
        start, duration = ref.offset_seconds or 0.0, ref.duration_seconds
        return cls(start, None if duration is None else start + duration, ref.channel)

    def is_same(self, other: Stretch) -> bool:
        """Whether at least half of the shorter one lies in the other, on the same channel."""
        if None not in (self.channel, other.channel) and self.channel != other.channel:
            return False
        pair = (self, other)
        ends = [math.inf if each.end_seconds is None else each.end_seconds for each in pair]
        starts = [each.start_seconds for each in pair]
        shared = min(ends) - max(starts)
        shorter = min(end - start for start, end in zip(starts, ends, strict=True))
        return shared == math.inf or shared >= _SAME_SHARE * shorter > 0


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A keyed hash, and the stretch that was forgotten."""

    mark: str
    stretch: Stretch = field(default_factory=Stretch)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """All tombstones of an output.

    Attributes:
        key: What the hashes are keyed with; empty for an output that has forgotten nothing.
        stretches: The forgotten stretches by hash.
    """

    key: bytes = b""
    stretches: Mapping[str, tuple[Stretch, ...]] = field(default_factory=dict)

    def mark(self, kind: Kind, value: str) -> str:
        """The keyed hash of a value."""
        text = f"{kind}\0{value}".encode("utf-8", "backslashreplace")
        return hmac.new(self.key, text, hashlib.sha256).hexdigest()

    def has_address(self, item: AudioRef | Failure) -> bool:
        """Whether an input is where a forgotten recording was."""
        stretch = Stretch.of(item) if isinstance(item, AudioRef) else Stretch()
        return self._has("address", item.uri, stretch)

    def has_content(self, ref: AudioRef, content_sha256: str) -> bool:
        """Whether an input has the bytes of a forgotten recording, under whatever name."""
        return self._has("content", content_sha256, Stretch.of(ref))

    def among(self, source_ids: Iterable[str]) -> frozenset[str]:
        """Those inputs that are forgotten, by their ids or by :meth:`listed_name`."""
        return frozenset(
            name
            for name in source_ids
            if self.key and (len(name) == _MARK_DIGITS or self._has("input", name, Stretch()))
        )

    def listed_name(self, item: AudioRef | Failure) -> str:
        """What stands for a forgotten input in the list of a run's inputs, in place of its id."""
        return self.mark("input", item.source_id)

    def tombstones_of(self, ref: AudioRef) -> tuple[Tombstone, ...]:
        """Tombstones of an input whose content is forgotten, and whose address was not known."""
        return (
            Tombstone(self.mark("address", ref.uri), Stretch.of(ref)),
            Tombstone(self.mark("input", ref.source_id)),
        )

    def _has(self, kind: Kind, value: str, stretch: Stretch) -> bool:
        if not self.stretches:
            return False
        return any(map(stretch.is_same, self.stretches.get(self.mark(kind, value), ())))
