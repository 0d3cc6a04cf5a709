"""The account of a stream, interval by interval: what came, and what became of it.

What happens to a message is noted when it happens; an interval is closed over the notes that have
come together, and reads what it states from the rows.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from beam_audio import store
from beam_audio.commits import read_commit
from beam_audio.drift import alerts, compare, read_sample
from beam_audio.errors import InputError
from beam_audio.ledger import read_ledger
from beam_audio.places import is_committed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.commits import Commit
    from beam_audio.drift import Profile

FOLDER: Final = "ledger"
OVERDUE_SECONDS: Final = 6 * 3600.0
"""An input that nothing came of for so long is told of, once. A unit takes minutes, but where much
has piled up it may wait for workers."""


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
            parts.append(f"DOES NOT BALANCE: see {FOLDER}/{self.name}.json")
        return " · ".join(parts)

    def write(self, output: str) -> None:
        """Write its ledger, ``OUTPUT/ledger/<name>.json``.

        Raises:
            StoreError: It cannot be written.
        """
        content = asdict(self) | {"balances": self.balances}
        text = json.dumps(content, indent=1, sort_keys=True)
        store.write_whole(output, f"{FOLDER}/{self.name}.json", text.encode())

    @classmethod
    def read(cls, output: str, name: str) -> Self:
        """Read a ledger.

        Raises:
            InputError: There is none of this name.
        """
        with store.open_to_read(store.join(output, FOLDER, f"{name}.json")) as file:
            content = json.loads(file.read())
        del content["balances"]
        lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
        return cls(**content | lists)


@dataclass(frozen=True, slots=True)
class _Ends:
    """What the notes tell of the ends of inputs."""

    committed: list[Commit]
    done: dict[str, Done]
    repeated: set[str]

    @classmethod
    def of(cls, output: str, notes: Sequence[Note]) -> Self:
        done = {note.unit_id: note for note in notes if isinstance(note, Done)}
        records = (read_commit(output, unit) for unit in sorted(done))
        repeated = {note.source_id for note in notes if isinstance(note, Repeat)}
        return cls([each for each in records if each is not None], done, repeated)

    def committed_seconds(self) -> dict[str, float]:
        """When each input was committed."""
        return {
            source_id: self.done[commit.unit_id].committed_seconds
            for commit in self.committed
            for source_id in commit.sources
        }

    def padding(self) -> float | None:
        padded_seconds = sum(each.padded_seconds for each in self.done.values())
        clip_seconds = sum(each.clip_seconds for each in self.done.values())
        return 1 - clip_seconds / padded_seconds if padded_seconds else None


@dataclass(frozen=True, slots=True)
class Watch:
    """What drift is measured by.

    Attributes:
        profile: How things should be.
        threshold: The index beyond which there is an alert.
    """

    profile: Profile
    threshold: float


def close_interval(
    output: str, name: str, notes: Sequence[Note], now_seconds: float, watch: Watch | None = None
) -> tuple[Interval | None, list[Note]]:
    """Account for the messages of which the end is known.

    Args:
        output: The output folder.
        name: Of the ledger.
        notes: All there are.
        now_seconds: The time, since the epoch.
        watch: What the new segments are compared with, if with anything.

    Returns:
        The account, None when there is nothing to account for, and the notes that stay for the
        next one.

    Raises:
        InputError: The rows cannot be read.
    """
    while True:
        ends = _Ends.of(output, notes)
        try:
            return _close(output, name, notes, ends, now_seconds, watch)
        except InputError:
            if _Ends.of(output, notes).committed == ends.committed:
                raise  # no other run or compaction put other files in the place of these


def _close(  # noqa: PLR0913, PLR0917 - what close_interval is given
    output: str,
    name: str,
    notes: Sequence[Note],
    ends: _Ends,
    now_seconds: float,
    watch: Watch | None,
) -> tuple[Interval | None, list[Note]]:
    committed = ends.committed_seconds()
    settled: list[Arrival] = []
    overdue: list[str] = []
    waiting: list[Arrival] = []
    for arrival in (note for note in notes if isinstance(note, Arrival)):
        source_id = arrival.source_id
        if source_id is None or source_id in committed or source_id in ends.repeated:
            settled.append(arrival)
        elif now_seconds - arrival.arrived_seconds < OVERDUE_SECONDS:
            waiting.append(arrival)
        elif is_committed(output, arrival.place_id, source_id):
            # Notes come in any order: what told of it went with an earlier message's account.
            settled.append(arrival)
            ends.repeated.add(source_id)
        else:
            overdue.append(source_id)
    if not settled and not overdue:
        return None, list(notes)
    began_seconds = min((each.arrived_seconds for each in settled), default=now_seconds)
    ended_seconds = max(committed.values(), default=now_seconds)
    began = datetime.fromtimestamp(began_seconds, UTC)
    listed = [each.source_id for each in settled if each.source_id is not None]
    ledger = read_ledger(output, set(listed), committed=ends.committed, repeated=ends.repeated)
    drifts = compare(watch.profile, read_sample(output, ends.committed)) if watch else ()
    interval = Interval(
        name=name,
        began=began.isoformat(timespec="seconds"),
        messages=len(settled) + len(overdue),
        ignored=len(settled) - len(listed),
        repeated=len(listed) - len(committed.keys() & set(listed)),
        inputs=ledger.inputs,
        missing=ledger.missing,
        unbalanced=ledger.unbalanced,
        overdue=tuple(overdue),
        waiting=tuple(each.message_id for each in waiting),
        recordings=ledger.recordings,
        segments=ledger.segments,
        failures={"/".join(key): count for key, count in ledger.failures.items()},
        seconds=ledger.seconds,
        decoded_seconds=sum(commit.decoded_seconds for commit in ends.committed),
        wall_seconds=max(ended_seconds - began_seconds, 0.0),
        lag_seconds=max(
            (
                committed.get(each.source_id or "", now_seconds) - each.published_seconds
                for each in settled
            ),
            default=0.0,
        ),
        padding=ends.padding(),
        drift={each.measure: asdict(each) for each in drifts},
        alerts=alerts(drifts, watch.threshold) if watch else (),
    )
    return interval, list(waiting)
