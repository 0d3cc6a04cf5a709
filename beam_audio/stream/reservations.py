"""Reservations: which unit and run took an input, so that streams process each input once.

A place is where an input is found: its address and cut, whatever its content. Each place has a
small file under ``OUTPUT/_places/`` that names the unit and run of every input seen there. So a
stream looks up an input without reading all commit records. The file is written before the work,
only if nobody else wrote it meanwhile; what became of the input is in the unit's commit record. A
file is valid for 31 days, the longest time that Pub/Sub keeps a message.

A run that was paused or cut off may go on with its work after another one took over its inputs. So
whoever takes over an input first closes the unit it is in: only one of the two can be committed.
"""

from __future__ import annotations

import json
import operator
from dataclasses import astuple, dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal, Self

from beam_audio import store
from beam_audio.errors import StoreError
from beam_audio.output.claims import claim_files
from beam_audio.output.commits import close_unit, commit_files, is_closed, load_commit, read_commit
from beam_audio.store.compare_and_swap import swap
from beam_audio.store.output_names import INDEXED, PLACES
from beam_audio.store.store_clock import present_seconds
from beam_audio.types import Failure
from beam_audio.unit.contradictions import later_contradiction
from beam_audio.unit.tasks import Task, committed_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.unit.tasks import Committed, Input

HORIZON_SECONDS: Final = 31 * 86_400.0
_PATIENCE_SECONDS: Final = 3600.0
"""How long a later run may work on an input before an earlier run takes it over."""
_REMEMBERED: Final = 32
"""Number of a place's latest inputs that are kept: a file may be overwritten again and again."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Who took an input.

    Attributes:
        unit_id: The unit it is in.
        run_id: The run; a later run has a greater name.
        claims_id: Hash of what the message states, see :attr:`AudioRef.claims_id`; empty for
            nothing.
        stated_in: The message, or the run of a batch; empty where it is not known.
    """

    unit_id: str
    run_id: str
    claims_id: str = ""
    stated_in: str = ""

    @classmethod
    def of_commit(cls, commit: Commit, source_id: str) -> Self:
        """The reservation of an input of a committed unit, such as a batch's, which has none."""
        claims_id = commit.sources[source_id].claims_id
        stated_in = "" if claims_id is None else f"the batch {commit.run_id}"
        return cls(commit.unit_id, commit.run_id, claims_id or "", stated_in)

    def of(self, item: Input) -> Self:
        """The reservation of an input."""
        if isinstance(item, Failure):
            return self
        return replace(self, claims_id=item.claims_id or "", stated_in=item.stated_in)

    def is_same_work(self, other: Self | None) -> bool:
        """Whether this is a reservation of the same unit by the same run."""
        return other is not None and (self.unit_id, self.run_id) == (other.unit_id, other.run_id)


@dataclass(frozen=True, slots=True)
class Contradicted:
    """Why an input is not taken: it is repeated, and stated otherwise than in an earlier message.

    Attributes:
        failure: Says so; it is an input of its own.
    """

    failure: Failure


Refusal = Literal["repeated", "elsewhere"] | Contradicted
"""Why an input is not taken. ``repeated``: it has rows, or another unit of this run is working on
it. ``elsewhere``: a later run or a batch is working on it, and may not finish."""


def reserve(root: str, item: Input, mine: Reservation) -> Task | Refusal:
    """Take an input, unless it has rows or another unit is working on it.

    The same reservation gives the same task again, as when a worker died and repeats its work. An
    input that an earlier run did not finish is taken over, and the unit it was in is closed. An
    input of a later run is taken over after an hour only, or two runs would take turns for ever.
    Rows of the place's present content stay, whatever made them; new content is processed.

    Args:
        root: The output folder.
        item: The input.
        mine: Who takes it.

    Returns:
        The task to do, or why there is none.

    Raises:
        StoreError: The place's file cannot be read or written.
    """
    name = _name(item.place_id)
    while True:
        current = _content(store.join(root, name))
        reservations = _reservations(name, current)
        committed = _committed(root, item.place_id, reservations.values())
        is_done = any(each.source_id == item.source_id for each in committed)
        theirs = reservations.pop(item.source_id, None)
        is_mine = mine.is_same_work(theirs)
        if is_done and not is_mine:
            return repeated(item, theirs)
        if theirs is not None and not is_mine and not is_closed(root, theirs.unit_id):
            if theirs.run_id == mine.run_id:
                return repeated(item, theirs)
            if theirs.run_id > mine.run_id and _is_fresh(root, name):
                return "elsewhere"
            if item.source_id in close_unit(root, theirs.unit_id).sources:
                return repeated(item, theirs)  # finished just now
        content = _encoded({item.source_id: mine.of(item), **reservations})
        # A worker that died, perhaps between commit and report, repeats its own reservation.
        if is_mine or swap(root, name, content, partial(operator.eq, current)) == content:
            recorded = [each.state for each in committed if each.state.outcome == "recorded"]
            return Task(item, known=tuple(id_ for state in recorded for id_ in state.recording_ids))


def repeated(item: Input, earlier: Reservation | None) -> Refusal:
    """Why a repeated input is not taken: whether it is stated as it was before."""
    if isinstance(item, Failure) or earlier is None or not earlier.stated_in:
        return "repeated"
    if item.claims_id in {None, earlier.claims_id}:
        return "repeated"
    return Contradicted(later_contradiction(item, earlier.stated_in))


def is_committed(root: str, place_id: str, source_id: str) -> bool:
    """Whether an input found at this place is part of a committed unit."""
    name = _name(place_id)
    reservations = _reservations(name, _content(store.join(root, name)))
    return any(
        each.source_id == source_id for each in _committed(root, place_id, reservations.values())
    )


def reservations_at(root: str, place_ids: Sequence[str]) -> list[dict[str, Reservation]]:
    """Reservations at each of these places, by source id, the latest first."""
    names = [_name(place_id) for place_id in place_ids]
    contents = store.read_each(_content, [store.join(root, name) for name in names])
    return [_reservations(*each) for each in zip(names, contents, strict=True)]


def index_commits(root: str) -> int:
    """Write reservations for units that were committed without, as by a batch run.

    Reads the commit records written since this was done last, and those of the hour before, as
    listings may show them late. From the first time on, batches leave their claims for streams that
    run, see :mod:`beam_audio.stream.sharing`.

    Returns:
        Number of inputs entered.
    """
    before = _content(store.join(root, INDEXED))
    before_seconds = float(before or 0.0)
    if before is None:
        store.write_whole(root, INDEXED, repr(before_seconds).encode())
    oldest = max(present_seconds(root) - HORIZON_SECONDS, before_seconds - _PATIENCE_SECONDS)
    files = [file for file in commit_files(root) if file.last_updated_in_seconds >= oldest]
    entered = 0
    for commit in store.read_each(load_commit, [file.path for file in files]):
        for source_id, state in commit.sources.items():
            holder = Reservation.of_commit(commit, source_id)
            entered += _enter(root, state.place_id, source_id, holder)
    if files:
        latest = max(file.last_updated_in_seconds for file in files)
        store.write_whole(root, INDEXED, repr(latest).encode())
    return entered


def forget_places(root: str) -> int:
    """Delete reservations and claims older than 31 days; returns how many."""
    oldest = present_seconds(root) - HORIZON_SECONDS
    files = [*store.files_under(store.join(root, PLACES)), *claim_files(root)]
    old = [file.path for file in files if file.last_updated_in_seconds < oldest]
    store.delete(*old)
    return len(old)


def _enter(root: str, place_id: str, source_id: str, holder: Reservation) -> bool:
    """Reserve an input for its holder; False if it is reserved already."""
    name = _name(place_id)
    while True:
        current = _content(store.join(root, name))
        reservations = _reservations(name, current)
        if source_id in reservations:
            return False
        content = _encoded({source_id: holder, **reservations})
        if swap(root, name, content, partial(operator.eq, current)) == content:
            return True


def _is_fresh(root: str, name: str) -> bool:
    file = store.stat(store.join(root, name))
    return file.last_updated_in_seconds > present_seconds(root) - _PATIENCE_SECONDS


def _name(place_id: str) -> str:
    return f"{PLACES}/{place_id[:2]}/{place_id}.json"


def _committed(root: str, place_id: str, reservations: Iterable[Reservation]) -> list[Committed]:
    """What became of the inputs of a place whose units are committed."""
    commits = [read_commit(root, unit_id) for unit_id in sorted({c.unit_id for c in reservations})]
    found = committed_sources(commit for commit in commits if commit is not None)
    return [each for place, each in found if place == place_id]


def _content(uri: str) -> bytes | None:
    if not store.exists(uri):
        return None
    with store.open_to_read(uri) as file:
        return file.read()


def _reservations(name: str, content: bytes | None) -> dict[str, Reservation]:
    """Reservations by source id, the latest first."""
    try:
        found = json.loads(content or b"{}")
        return {source_id: Reservation(*each) for source_id, each in found.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{name!r} was not written by this version ({error}); delete it"
        ) from error


def _encoded(reservations: dict[str, Reservation]) -> bytes:
    latest = islice(reservations.items(), _REMEMBERED)
    return json.dumps({name: astuple(each) for name, each in latest}).encode()
