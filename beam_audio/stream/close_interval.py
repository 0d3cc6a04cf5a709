"""Closing an interval: gathering what became of each message, from its notes and the rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Final, Self

from beam_audio.errors import InputError
from beam_audio.output.commits import read_commit
from beam_audio.output.counted import Counted
from beam_audio.output.ledger import read_ledger
from beam_audio.stream.drift import alerts, compare, read_sample
from beam_audio.stream.interval import Arrival, Done, Interval, Repeat
from beam_audio.stream.lags import counts_by_bound
from beam_audio.stream.reservations import is_committed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.stream.drift import Profile
    from beam_audio.stream.interval import Note

OVERDUE_SECONDS: Final = 6 * 3600.0
"""An input without a result for so long is reported, once. A unit takes minutes, but when many wait
it may take long until a worker is free."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What new segments are compared with to find drift.

    Attributes:
        profile: What segments normally look like.
        threshold: The stability index above which an alert is raised.
    """

    profile: Profile
    threshold: float


def close_interval(
    output: str, name: str, notes: Sequence[Note], now_seconds: float, watch: Watch | None = None
) -> tuple[Interval | None, list[Note]]:
    """Close an interval over the messages that are finished.

    Args:
        output: The output folder.
        name: Name of the interval's ledger.
        notes: All notes since the last interval, and those it left.
        now_seconds: The time, since the epoch.
        watch: What the new segments are compared with; None for nothing.

    Returns:
        The interval, None if no message is finished, and the notes for the next one.

    Raises:
        InputError: The rows cannot be read.
    """
    while True:
        ends = _Ends.of(output, notes)
        try:
            messages = _sort(output, notes, ends, now_seconds)
            if not messages.finished and not messages.overdue:
                return None, list(notes)
            return _interval(output, name, ends, messages, watch), list(messages.waiting)
        except InputError:
            # Another run or a compaction may have replaced the part files: then read the new ones.
            if _Ends.of(output, notes).committed == ends.committed:
                raise


@dataclass(frozen=True, slots=True)
class _Ends:
    """What the notes say about the ends of inputs.

    Attributes:
        committed: Commit records of finished units.
        committed_seconds: When each of their inputs was committed, since the epoch.
        repeated: Inputs that have rows in other units.
        padding: Share of silence in the recogniser's batches; None if it heard nothing.
    """

    committed: list[Commit]
    committed_seconds: dict[str, float]
    repeated: frozenset[str]
    padding: float | None

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
        repeated = frozenset(note.source_id for note in notes if isinstance(note, Repeat))
        padded_seconds = sum(each.padded_seconds for each in done.values())
        clip_seconds = sum(each.clip_seconds for each in done.values())
        padding = 1 - clip_seconds / padded_seconds if padded_seconds else None
        return cls(committed, committed_seconds, repeated, padding)


@dataclass(frozen=True, slots=True)
class _Messages:
    """Messages by how far they are.

    Attributes:
        finished: Messages whose input has rows, or that ask for none.
        waiting: Messages whose input has no result yet.
        overdue: Inputs that are given up.
        repeated: Finished inputs that have rows in other units.
        now_seconds: When this was found out, since the epoch.
    """

    finished: list[Arrival]
    waiting: list[Arrival]
    overdue: list[str]
    repeated: set[str]
    now_seconds: float


def _sort(output: str, notes: Sequence[Note], ends: _Ends, now_seconds: float) -> _Messages:
    """Sort messages by how far they are."""
    found = _Messages([], [], [], set(ends.repeated), now_seconds)
    for arrival in (note for note in notes if isinstance(note, Arrival)):
        source_id = arrival.source_id
        if source_id is None or source_id in ends.committed_seconds or source_id in found.repeated:
            found.finished.append(arrival)
        elif now_seconds - arrival.arrived_seconds < OVERDUE_SECONDS:
            found.waiting.append(arrival)
        elif is_committed(output, arrival.place_id, source_id):
            # Notes come in any order: an earlier interval took the note of this input's end.
            found.finished.append(arrival)
            found.repeated.add(source_id)
        else:
            found.overdue.append(source_id)
    return found


def _interval(
    output: str, name: str, ends: _Ends, messages: _Messages, watch: Watch | None
) -> Interval:
    """The interval of messages that are finished or overdue, with figures read from the rows."""
    finished, committed = messages.finished, ends.committed_seconds
    listed = [each.source_id for each in finished if each.source_id is not None]
    counted = Counted.of(ends.committed)
    ledger = read_ledger(output, listed, counted=counted, repeated=messages.repeated)
    drifts = compare(watch.profile, read_sample(output, ends.committed)) if watch else ()
    lags_seconds = _lags_seconds(messages, committed)
    began_seconds = min((each.arrived_seconds for each in finished), default=messages.now_seconds)
    ended_seconds = max(committed.values(), default=messages.now_seconds)
    return Interval(
        name=name,
        began=datetime.fromtimestamp(began_seconds, UTC).isoformat(timespec="seconds"),
        messages=len(finished) + len(messages.overdue),
        ignored=len(finished) - len(listed),
        repeated=len(listed) - len(committed.keys() & set(listed)),
        ledger=ledger,
        overdue=tuple(messages.overdue),
        waiting=tuple(each.message_id for each in messages.waiting),
        decoded_seconds=sum(commit.decoded_seconds for commit in ends.committed),
        wall_seconds=max(ended_seconds - began_seconds, 0.0),
        lag_seconds=max(lags_seconds, default=0.0),
        lag_median_seconds=median(lags_seconds) if lags_seconds else None,
        lag_sum_seconds=sum(lags_seconds),
        lag_counts=counts_by_bound(lags_seconds),
        padding=ends.padding,
        drift={each.measure: asdict(each) for each in drifts},
        alerts=alerts(drifts, watch.threshold) if watch else (),
        unit_ids=tuple(commit.unit_id for commit in ends.committed),
        stage_seconds=_stage_seconds(ends.committed),
    )


def _lags_seconds(messages: _Messages, committed_seconds: dict[str, float]) -> list[float]:
    """Times from publication to commit; to now where a message brought no commit."""
    return [
        committed_seconds.get(each.source_id or "", messages.now_seconds) - each.published_seconds
        for each in messages.finished
    ]


def _stage_seconds(committed: Sequence[Commit]) -> dict[str, float]:
    """Seconds by stage, those of all units added up."""
    seconds: Counter[str] = Counter()
    for commit in committed:
        seconds.update(commit.stage_seconds)
    return {stage: round(took, 6) for stage, took in seconds.items()}
