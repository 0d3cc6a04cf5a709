"""The ledgers of a stream: one for each interval, of what came and what became of it.

Each step of a message leaves a note. Closing an interval gathers the notes there are, and reads the
figures from the rows written.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from typing import Any, Final, Self, get_args

from beam_audio import store
from beam_audio.output.ledger import Ledger
from beam_audio.store.output_names import LEDGERS
from beam_audio.types import Decision

_FIGURES: Final = (
    *("messages", "repeated", "ignored", "decoded_seconds", "wall_seconds"),
    *("lag_seconds", "lag_median_seconds", "padding", "alerts"),
)
"""Fields that a log shows as they are."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message was read.

    Attributes:
        message_id: The message.
        source_id: The input it asks for; None if it asks for none.
        place_id: Where that is; empty if it asks for none.
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
    """An input has rows already, or another unit of this run is working on it."""

    source_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """A unit was committed.

    Attributes:
        unit_id: The unit.
        committed_seconds: When, since the epoch.
        clip_seconds: Audio that the recogniser heard.
        padded_seconds: The same with the silence that fills up batches.
    """

    unit_id: str
    committed_seconds: float
    clip_seconds: float
    padded_seconds: float


Note = Arrival | Repeat | Done


@dataclass(frozen=True, slots=True)
class Interval:
    """What became of the messages that were finished in an interval.

    Attributes:
        name: Name of its file below ``OUTPUT/ledger/``, without ``.json``.
        began: When the first message was read, UTC, ISO 8601.
        messages: Number of messages.
        ignored: Messages that ask for no input.
        repeated: Messages whose input has rows already, or came more than once.
        ledger: Inputs of the messages and the new rows; word errors are not read back from files.
        overdue: Inputs without a result after hours; they may still get one.
        waiting: Ids of messages that were read and are not finished.
        decoded_seconds: Source seconds decoded.
        wall_seconds: From the first message read to the last commit.
        lag_seconds: Longest time from a message's publication to its commit.
        padding: Share of silence in the recogniser's batches; None if it heard nothing.
        drift: By measure, how far the new segments are from the reference's.
        alerts: A sentence for each measure beyond the threshold.
        unit_ids: The units that were committed; ledgers written earlier name none.
        stage_seconds: Their seconds by stage, as in their commit records.
        lag_median_seconds: Median time from a message's publication to its commit; None in ledgers
            written earlier.
        lag_sum_seconds: Sum of these times.
        lag_counts: For each of :data:`lags.BOUNDS`, the messages whose lag is at most that long.
    """

    name: str
    began: str
    messages: int
    ignored: int
    repeated: int
    ledger: Ledger
    overdue: tuple[str, ...]
    waiting: tuple[str, ...]
    decoded_seconds: float
    wall_seconds: float
    lag_seconds: float
    padding: float | None
    drift: dict[str, dict[str, Any]] = field(default_factory=dict)
    alerts: tuple[str, ...] = ()
    unit_ids: tuple[str, ...] = ()
    stage_seconds: dict[str, float] = field(default_factory=dict)
    lag_median_seconds: float | None = None
    lag_sum_seconds: float = 0.0
    lag_counts: dict[str, int] = field(default_factory=dict)

    @property
    def balances(self) -> bool:
        """Whether nothing is lost or overdue."""
        return self.ledger.balances and not self.overdue

    @property
    def line(self) -> str:
        """A summary of one line, for a log."""
        segments = self.ledger.segments
        parts = [
            f"{self.messages} messages",
            f"{self.ledger.recordings} recordings",
            ", ".join(f"{segments.get(name, 0)} {name}" for name in get_args(Decision)),
            f"{self.repeated} repeated",
            f"{sum(self.ledger.failures.values())} failures",
            f"{self.decoded_seconds:.1f} s of audio",
            f"{self.decoded_seconds / max(self.wall_seconds, 1e-3):.1f}× real time",
            f"lag {self.lag_seconds:.1f} s",
        ]
        if self.lag_median_seconds is not None:
            parts[-1] += f" at most, {self.lag_median_seconds:.1f} s median"
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

    @property
    def figures(self) -> dict[str, Any]:
        """What the line says, by name, for logs that programs read."""
        ledger = self.ledger
        values = {name: getattr(self, name) for name in _FIGURES}
        rounded = {
            name: round(value, 3) if isinstance(value, float) else value
            for name, value in values.items()
        }
        return {
            "run_id": self.name.rpartition("-")[0],
            "interval": self.name,
            "unit_ids": self.unit_ids,
            **rounded,
            "recordings": ledger.recordings,
            "segments": ledger.segments,
            "failures": {"/".join(key): count for key, count in ledger.failures.items()},
            "waiting": len(self.waiting),
            "balances": self.balances,
        }

    def write(self, output: str) -> None:
        """Write it to ``OUTPUT/ledger/<name>.json``.

        Raises:
            StoreError: It cannot be written.
        """
        content = {each.name: getattr(self, each.name) for each in fields(self)}
        content |= {**content.pop("ledger").figures, "balances": self.balances}
        text = json.dumps(content, indent=1, sort_keys=True)
        store.write_whole(output, f"{LEDGERS}/{self.name}.json", text.encode())

    @classmethod
    def read(cls, output: str, name: str) -> Self:
        """Read the file of an interval.

        Raises:
            InputError: There is no file of this name.
        """
        with store.open_to_read(store.join(output, LEDGERS, f"{name}.json")) as file:
            content = json.loads(file.read())
        own = {each.name: content[each.name] for each in fields(cls) if each.name in content}
        lists = {key: tuple(value) for key, value in own.items() if isinstance(value, list)}
        return cls(**own | lists, ledger=Ledger.of_figures(content))
