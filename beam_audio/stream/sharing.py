"""How a batch and streams share the inputs of one output: each input gets its rows once.

A stream reserves inputs by their places, a batch claims them by units. Each side first writes its
own file and then reads the other's, so at least one of the two sees the other. The batch goes
first: it closes the units of streams that hold its inputs. A stream leaves an input to a living
batch, and its message comes again. Of a dead batch it takes the input over, and closes the unit.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

from beam_audio.output.claims import (
    Claim,
    close_claimed,
    delete_claims,
    is_settled,
    read_claims,
    write_claim,
)
from beam_audio.output.commits import close_unit, is_closed, read_commit
from beam_audio.output.holder import living_batch, require_held
from beam_audio.stream.reservations import Reservation, repeated, reservations_at
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.stream.reservations import Refusal
    from beam_audio.unit.tasks import Task
    from beam_audio.unit.transcribe import Unit


def open_unit(root: str, unit_id: str) -> str:
    """Name of a unit that can be committed: another one if the first was closed."""
    names = (unit_id if n == 0 else stable_id("unit", unit_id, n) for n in count())
    return next(name for name in names if not is_closed(root, name))


def claim_unit(root: str, unit: Unit, run_id: str) -> Unit | None:
    """Claim the inputs of a batch's unit before its work.

    Units of streams that hold one of them and are not committed are closed.

    Args:
        root: The output folder.
        unit: The unit.
        run_id: The batch, which holds the output.

    Returns:
        The unit without the inputs that streams have committed; None if none is left.

    Raises:
        HeldError: Another batch has taken over.
        StoreError: The output cannot be written.
    """
    places = {task.source_id: task.item.place_id for task in unit.tasks}
    write_claim(root, Claim(unit.unit_id, unit.version + 1, run_id, places))
    require_held(root, run_id)
    reserved = reservations_at(root, list(places.values()))
    tasks = []
    for task, found in zip(unit.tasks, reserved, strict=True):
        others = {each.unit_id for each in found.values()} - {unit.unit_id}
        committed = [close_unit(root, name) for name in sorted(others)]
        left = _left(task, committed)
        if left is not None:
            tasks.append(left)
    return replace(unit, tasks=tuple(tasks)) if tasks else None


def give_way(root: str, tasks: Sequence[Task]) -> Iterator[tuple[Task, Refusal | None]]:
    """Leave to batches what they have claimed; call it after the tasks are reserved.

    Args:
        root: The output folder.
        tasks: What a stream has reserved.

    Yields:
        Each task as it is to be done now, and why it is not to be done.

    Raises:
        StoreError: The output cannot be read or written.
    """
    places = {task.item.place_id for task in tasks}
    claims: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim in read_claims(root):
        for place in places.intersection(claim.places.values()):
            claims[place].append(claim)
    living = living_batch(root) if claims else None
    for task in tasks:
        found = claims[task.item.place_id]
        present = [(claim, read_commit(root, claim.unit_id)) for claim in found]
        if any(not is_settled(*each) and each[0].run_id == living for each in present):
            yield task, "elsewhere"
        else:
            committed = [close_claimed(root, claim) for claim in found]
            left = _left(task, committed)
            yield (task, _repeated(task, committed)) if left is None else (left, None)


def drop_entered(root: str) -> None:
    """Delete the claims whose inputs are all in the reservations, where streams find them, too."""
    for claim in read_claims(root):
        if is_settled(claim, read_commit(root, claim.unit_id)):
            found = reservations_at(root, list(claim.places.values()))
            holders = (at.get(name) for at, name in zip(found, claim.places, strict=True))
            if all(each and each.unit_id == claim.unit_id for each in holders):
                delete_claims(root, [claim])


def _repeated(task: Task, committed: Iterable[Commit]) -> Refusal:
    """Why a message's input is not done: a batch has done it, perhaps with other statements."""
    commit = next(each for each in committed if task.source_id in each.sources)
    return repeated(task.item, Reservation.of_commit(commit, task.source_id))


def _left(task: Task, committed: Iterable[Commit]) -> Task | None:
    """What is left of a task now that other units are committed; None if they have the input."""
    known = list(task.known)
    if task.redo is not None and not task.is_touched:
        return task  # another unit may have a failure of the input
    for commit in committed:
        if task.source_id in commit.sources:
            return None
        if task.redo is None:
            known += _recorded(commit, task.item.place_id)
    return replace(task, known=tuple(dict.fromkeys(known)))


def _recorded(commit: Commit, place_id: str) -> Iterator[str]:
    """Recordings of a unit that were found at a place."""
    for state in commit.sources.values():
        if state.place_id == place_id and state.outcome == "recorded":
            yield from state.recording_ids
