"""The account of a stream, interval by interval: what came, and what became of it.

What happens to a message is noted when it happens; an interval is closed over the notes that have
come together, and reads what it states from the rows.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from beam_audio import store
from beam_audio.store.output_names import LEDGERS


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message was read.

    Attributes:
        message_id: The message.
        source_id: The input it told of; None when it told of none.
        place_id: Where that is.
        published_seconds: When it was published, since the epoch.
        arrived_seconds: When it was read.
    """

    message_id: str
    source_id: str | None
    place_id: str
    published_seconds: float
    arrived_seconds: float


@dataclass(frozen=True, slots=True)
class Repeat:
    """An input had rows already, or another unit of this run is at it."""

    source_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """A unit was committed.

    Attributes:
        unit_id: The unit.
        committed_seconds: When, since the epoch.
        clip_seconds: What the recogniser was given.
        padded_seconds: The same, once padded to batches.
    """

    unit_id: str
    committed_seconds: float
    clip_seconds: float
    padded_seconds: float


Note = Arrival | Repeat | Done


@dataclass(frozen=True, slots=True)
class Interval:
    """What became of the messages whose end was seen together.

    Attributes:
        name: Of its ledger, below ``OUTPUT/ledger/``.
        began: When the first of them was read, UTC, ISO 8601.
        messages: How many there were.
        ignored: Those that told of no input.
        repeated: Those whose input had rows already, or came more than once.
        inputs: Distinct inputs.
        missing: Inputs without a row in ``recordings/`` or ``failures/``.
        unbalanced: Recordings whose samples do not add up.
        overdue: Inputs that nothing came of for hours; they may be waiting still.
        waiting: Ids of messages read and not accounted for as yet.
        recordings: New rows of the table.
        segments: New segments by decision.
        failures: New failures by unit, stage and error type.
        seconds: Source seconds by destination.
        decoded_seconds: Source seconds decoded.
        wall_seconds: From the first message read to the last commit.
        lag_seconds: The longest that a message waited from its publication to its commit.
        padding: Share of silence in what the recogniser was given; None when it was given nothing.
        drift: For each measure, how far the new segments are from the reference's.
        alerts: What of that is beyond the threshold, in words.
    """

    name: str
    began: str
    messages: int
    ignored: int
    repeated: int
    inputs: int
    missing: tuple[str, ...]
    unbalanced: tuple[str, ...]
    overdue: tuple[str, ...]
    waiting: tuple[str, ...]
    recordings: int
    segments: dict[str, int]
    failures: dict[str, int]
    seconds: dict[str, float]
    decoded_seconds: float
    wall_seconds: float
    lag_seconds: float
    padding: float | None
    drift: dict[str, dict[str, Any]] = field(default_factory=dict)
    alerts: tuple[str, ...] = ()

    @property
    def balances(self) -> bool:
        """Whether nothing was lost."""
        return not self.missing and not self.unbalanced and not self.overdue

    @property
    def line(self) -> str:
        """All of it on one line of a log."""
        parts = [
            f"{self.messages} messages",
            f"{self.recordings} recordings",
            f"{self.repeated} repeated",
            f"{sum(self.failures.values())} failures",
            f"{self.decoded_seconds:.1f} s of audio",
            f"{self.decoded_seconds / max(self.wall_seconds, 1e-3):.1f}× real time",
            f"lag {self.lag_seconds:.1f} s",
        ]
        if self.padding is not None:
            parts.append(f"padding {self.padding:.0%}")
        if self.ignored:
            parts.append(f"{self.ignored} ignored")
        if self.waiting:
            parts.append(f"{len(self.waiting)} waiting")
        parts += self.alerts
        if not self.balances:
            parts.append(f"DOES NOT BALANCE: see {LEDGERS}/{self.name}.json")
        return " · ".join(parts)

    def write(self, output: str) -> None:
        """Write its ledger, ``OUTPUT/ledger/<name>.json``.

        Raises:
            StoreError: It cannot be written.
        """
        content = asdict(self) | {"balances": self.balances}
        text = json.dumps(content, indent=1, sort_keys=True)
        store.write_whole(output, f"{LEDGERS}/{self.name}.json", text.encode())

    @classmethod
    def read(cls, output: str, name: str) -> Self:
        """Read a ledger.

        Raises:
            InputError: There is none of this name.
        """
        with store.open_to_read(store.join(output, LEDGERS, f"{name}.json")) as file:
            content = json.loads(file.read())
        del content["balances"]
        lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
        return cls(**content | lists)
