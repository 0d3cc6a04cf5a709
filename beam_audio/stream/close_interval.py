"""Closing an interval: what came of each message, from the notes there are and the rows written."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

from beam_audio.errors import InputError
from beam_audio.output.commits import read_commit
from beam_audio.output.ledger import read_ledger
from beam_audio.stream.drift import alerts, compare, read_sample
from beam_audio.stream.interval import Arrival, Done, Interval, Repeat
from beam_audio.stream.reservations import is_committed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.stream.drift import Profile
    from beam_audio.stream.interval import Note

OVERDUE_SECONDS: Final = 6 * 3600.0
"""An input that nothing came of for so long is told of, once. A unit takes minutes, but where much
has piled up it may wait for workers."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """What the notes tell of the ends of inputs."""

    committed: list[Commit]
    committed_seconds: dict[str, float]
    done: dict[str, Done]
    repeated: set[str]

    @classmethod
    def of(cls, output: str, notes: Sequence[Note]) -> Self:
        done = {note.unit_id: note for note in notes if isinstance(note, Done)}
        records = (read_commit(output, unit) for unit in sorted(done))
        committed = [each for each in records if each is not None]
        committed_seconds = {
            source_id: done[commit.unit_id].committed_seconds
            for commit in committed
            for source_id in commit.sources
        }
        repeated = {note.source_id for note in notes if isinstance(note, Repeat)}
        return cls(committed, committed_seconds, done, repeated)

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
    committed = ends.committed_seconds
    settled, waiting, overdue = _sort(output, notes, ends, now_seconds)
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


def _sort(
    output: str, notes: Sequence[Note], ends: _Ends, now_seconds: float
) -> tuple[list[Arrival], list[Arrival], list[str]]:
    """Messages of which the end is known, those that wait for theirs, and inputs given up."""
    settled: list[Arrival] = []
    waiting: list[Arrival] = []
    overdue: list[str] = []
    for arrival in (note for note in notes if isinstance(note, Arrival)):
        source_id = arrival.source_id
        if source_id is None or source_id in ends.committed_seconds or source_id in ends.repeated:
            settled.append(arrival)
        elif now_seconds - arrival.arrived_seconds < OVERDUE_SECONDS:
            waiting.append(arrival)
        elif is_committed(output, arrival.place_id, source_id):
            # Notes come in any order: what told of it went with an earlier message's account.
            settled.append(arrival)
            ends.repeated.add(source_id)
        else:
            overdue.append(source_id)
    return settled, waiting, overdue
