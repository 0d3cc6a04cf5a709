"""Forgetting recordings: their rows, audio, payloads, records and decisions, for ever.

Tombstones are written first, so that nothing comes back meanwhile. The rows go last: whoever is
stopped in between still finds by them what is left to do.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from beam_audio import store
from beam_audio.curate.chosen import choose
from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.curate.traces import Needles, erase_traces, remaining_traces
from beam_audio.errors import StoreError
from beam_audio.inputs.tombstones import begin_forgetting, write_tombstones
from beam_audio.output.commits import (
    delete_uncommitted,
    is_shared,
    read_commits,
)
from beam_audio.output.compact import rewrite_stale
from beam_audio.output.counted import Counted
from beam_audio.output.expire import superseded_parts
from beam_audio.output.folder import in_use
from beam_audio.output.holder import Holder, held
from beam_audio.output.index_place import delete_index
from beam_audio.output.ledger import read_ledger
from beam_audio.output.registrations import is_registered
from beam_audio.output.valid_rows import valid_rows
from beam_audio.store.output_names import SAVED_WORK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beam_audio.curate.chosen import Chosen, Selector
    from beam_audio.curate.traces import Done
    from beam_audio.output.ledger import Ledger
    from beam_audio.schema import Table

_JUDGED: Final[tuple[Table, ...]] = ("segments", "recordings")
_LIKE: Final = ("duplicate_of", "test_overlap_of")
"""Columns that name another recording or segment."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was forgotten, and what shows that nothing is left.

    Attributes:
        inputs: Inputs forgotten.
        recordings: Their recordings.
        segments: Their segments.
        seconds: Their source seconds.
        units: Units that were written again.
        files: What became of files beside the rows.
        tombstones: Hashes by which the inputs are recognised.
        before: The ledger of all rows before.
        after: The same afterwards.
        searched_files: Files searched afterwards, of all kinds.
        searched_bytes: Their size.
        remaining: Files that still tell of the recordings; none if all went well.
    """

    inputs: int
    recordings: int
    segments: int
    seconds: float
    units: int
    files: dict[str, Done]
    tombstones: int
    before: Ledger
    after: Ledger
    searched_files: int
    searched_bytes: int
    remaining: tuple[str, ...]

    @property
    def balances(self) -> bool:
        """Whether the recordings and inputs before are those that are left and those forgotten."""
        recordings = self.before.recordings == self.after.recordings + self.recordings
        inputs = self.before.inputs == self.after.inputs + self.inputs
        return self.after.balances and recordings and inputs

    @property
    def holds(self) -> bool:
        """Whether the ledger balances and nothing is left."""
        return self.balances and not self.remaining


def _no_tables() -> None:
    """What an output has that is not registered."""


def forget(root: str, selector: Selector, release: Callable[[], None] = _no_tables) -> Proof | None:
    """Forget recordings, with all inputs of the same content; None if none is found.

    Left-overs of a call that was stopped are swept in any case.

    Args:
        root: The output folder.
        selector: What is meant.
        release: Needed for a registered output, and called once the rows are gone. From then on
            tables elsewhere, and their history, name no file but those that count.

    Raises:
        HeldError: A living batch holds the output.
        StoreError: A file cannot be read or written.
    """
    holder = Holder.here(f"forget-{uuid.uuid4().hex[:8]}", ends_with_process=True)
    with held(root, holder), in_use(root, lambda: delete_uncommitted(root)):
        rewrite_stale(root)
        counted = Counted.of(read_commits(root))
        known = begin_forgetting(root)
        chosen = choose(root, counted, selector, known)
        if not chosen.sources:
            write_tombstones(root, chosen.tombstones)
            _delete_superseded(root, release)
            return None
        before = read_ledger(root, _sources(root), counted=counted)
        write_tombstones(root, chosen.tombstones)
        needles = Needles(frozenset(chosen.tokens), frozenset(chosen.addresses | chosen.texts))
        # Both hold texts, and only spare later work.
        store.delete_folder(store.join(root, SAVED_WORK))
        delete_index(root)
        files = erase_traces(root, needles, frozenset(chosen.payloads))
        units = _erase_rows(root, counted, chosen, holder.run_id)
        _delete_superseded(root, release)
        delete_index(root)  # a search may have made it again meanwhile
        remaining, searched, size_bytes = remaining_traces(root, needles)
        return Proof(
            inputs=len(chosen.sources),
            recordings=len(chosen.recordings),
            segments=chosen.segments,
            seconds=chosen.decoded_seconds,
            units=units,
            files=files,
            tombstones=len(chosen.tombstones),
            before=before,
            after=read_ledger(root, _sources(root)),
            searched_files=searched,
            searched_bytes=size_bytes,
            remaining=tuple(remaining),
        )


def _sources(root: str) -> Iterator[str]:
    return (source_id for commit in read_commits(root) for source_id in commit.sources)


def _erase_rows(root: str, counted: Counted, chosen: Chosen, run_id: str) -> int:
    """Write the units again without what is forgotten; returns how many.

    Raises:
        StoreError: A stream wrote a unit meanwhile.
    """
    concerned = chosen.sources | _sources_like(root, counted, chosen.tokens)
    tokens = pa.array(sorted(chosen.tokens), pa.string())

    def change(_table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
        return _without_mentions(rows, tokens)

    units, shared = 0, set[str]()
    for commit in read_commits(root):
        if concerned.isdisjoint(commit.sources):
            continue
        kept = {name: each for name, each in commit.sources.items() if name not in chosen.sources}
        done = rewrite_unit(root, commit, change, name="forget", run_id=run_id, sources=kept)
        if done.outcome == "lost":
            raise StoreError(
                f"a run wrote the unit {commit.unit_id} meanwhile; forget again once it has ended"
            )
        units += 1
        shared.update(filter(is_shared, commit.files))
    _sweep_shared(root, shared)
    return units


def _sweep_shared(root: str, names: set[str]) -> None:
    """Take forgotten rows out of files that other units share, and delete those nobody names."""
    if not is_registered(root):
        named = set(Counted.of(read_commits(root)).files)
        store.delete(*[store.join(root, name) for name in sorted(names) if name not in named])
    rewrite_stale(root)


def _delete_superseded(root: str, release: Callable[[], None]) -> None:
    """Delete the part files that a registered output keeps for its tables.

    Any of them may hold what is forgotten: earlier compactions left rows of one unit in many.
    """
    if is_registered(root):
        release()
        store.delete(*[store.join(root, name) for name in superseded_parts(root)])


def _sources_like(root: str, counted: Counted, tokens: set[str]) -> set[str]:
    """Inputs with rows that are marked as like one of those forgotten."""
    return {
        row["source_id"]
        for table in _JUDGED
        for row in valid_rows(root, counted, table, ["source_id", *_LIKE])
        if not tokens.isdisjoint(row.get(name) for name in _LIKE)
    }


def _without_mentions(rows: pa.RecordBatch, tokens: pa.Array) -> pa.RecordBatch:
    """Rows in which nothing is said to be like a forgotten recording."""
    for name in _LIKE:
        if name not in rows.schema.names:
            continue
        mask = pc.is_in(rows.column(name), tokens)
        for column in rows.schema.names:
            if column.startswith(name.removesuffix("of")):
                index = rows.schema.get_field_index(column)
                field = rows.schema.field(index)
                values = pc.if_else(mask, pa.nulls(rows.num_rows, field.type), rows.column(index))
                rows = rows.set_column(index, field, values)
    return rows
