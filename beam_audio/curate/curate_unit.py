"""Judges a committed unit again from its rows alone, or puts earlier decisions back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from beam_audio.curate import decided as decisions_of
from beam_audio.curate import kept as earlier
from beam_audio.curate.decided import DECISIONS, Decided, decided
from beam_audio.curate.evidence import Evidence, columns_for
from beam_audio.curate.joined import OF_RECORDING
from beam_audio.curate.judge import judge
from beam_audio.curate.movement import SEGMENT_COLUMNS as COUNTED
from beam_audio.curate.movement import Movement, movement
from beam_audio.curate.overruled import by_rules, with_verdicts
from beam_audio.curate.recording_texts import SEGMENT_COLUMNS as JUDGED_TEXTS
from beam_audio.curate.recording_texts import judged_texts, kept_texts
from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.curate.unit_rows import UnitRows, table_of
from beam_audio.types import stable_id
from beam_audio.unit.layers import layer_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from beam_audio.curate.rewrite import Rewritten
    from beam_audio.output.commits import Commit, InputState
    from beam_audio.quality.ruleset import Rules
    from beam_audio.schema import Table


@dataclass(frozen=True, slots=True)
class ByRules:
    """Judge by rules.

    Attributes:
        rules: The rules; fences of a corpus are resolved.
    """

    rules: Rules

    @property
    def rules_id(self) -> str:
        """The rules that rows are judged by afterwards."""
        return self.rules.rules_id


@dataclass(frozen=True, slots=True)
class ByKept:
    """Put back what earlier rules decided.

    Attributes:
        rules_id: Those rules.
    """

    rules_id: str


Wanted = ByRules | ByKept

_OF_RULES: Final = ("segment_id", "decision", "reasons", "rules_id")
"""The decisions of rules, before those of people are put in their place."""


@dataclass(frozen=True, slots=True)
class CuratedUnit:
    """A unit that has been given decisions.

    Attributes:
        movement: What moved.
        rewritten: What became of its rows and its record.
    """

    movement: Movement
    rewritten: Rewritten


def curate_unit(
    root: str,
    commit: Commit,
    wanted: Wanted,
    *,
    run_id: str,
    source_ids: Collection[str] | None = None,
) -> CuratedUnit:
    """Give a unit the decisions that are wanted; those it has are kept beside it first.

    Args:
        root: The output folder.
        commit: The unit's record.
        wanted: Whose decisions.
        run_id: Who asks.
        source_ids: The inputs concerned; all by default.

    Raises:
        StoreError: The rows cannot be read, or the record cannot be written.
        MachineError: The output cannot be written.
    """
    concerned = _recorded(commit, source_ids)
    rows = _read(root, commit, concerned, wanted)
    new = _new(root, commit, rows, wanted)
    result = decided(rows.segments, rows.recordings, new, _texts(root, commit, rows, wanted, new))
    moved = _movement(rows.segments, new)
    differs = _differ(rows, result)
    if differs:
        judged = by_rules(rows.segments)
        earlier.keep(root, commit.unit_id, judged, rows.recordings, wanted.rules_id)
    rewritten = rewrite_unit(
        root,
        commit,
        result.change,
        name=stable_id(type(wanted).__name__, wanted.rules_id, sorted(concerned)),
        run_id=run_id,
        sources=_states(commit, concerned, rows.segments, new, wanted),
        differs=differs,
    )
    return CuratedUnit(replace(moved, units=Counter([rewritten.outcome])), rewritten)


def compare_unit(root: str, commit: Commit, wanted: Wanted, *, backwards: bool) -> Movement:
    """What would move if a unit was given these decisions; nothing is written.

    Args:
        root: The output folder.
        commit: The unit's record.
        wanted: Whose decisions.
        backwards: Whether those are what was before, and those of the rows what is now.

    Raises:
        StoreError: The rows cannot be read.
    """
    rows = _read(root, commit, _recorded(commit, None), wanted)
    new = _new(root, commit, rows, wanted)
    if not backwards:
        return _movement(rows.segments, new)
    known = pc.is_in(rows.segments["segment_id"], value_set=new["segment_id"].combine_chunks())
    present = rows.segments.filter(known)
    before = new.take(pc.index_in(present["segment_id"], value_set=new["segment_id"]))
    for name in ("decision", "reasons"):
        index = present.column_names.index(name)
        present, before = (
            present.set_column(index, name, before[name]),
            before.set_column(before.column_names.index(name), name, present[name]),
        )
    undecided = len(rows.segments) - len(present)
    return replace(_movement(present, before), undecided=undecided)


def read_evidence(root: str, commit: Commit, columns: frozenset[str]) -> Evidence:
    """What is known of the segments of a unit, for rules that look at these columns."""
    wanted = {"recording_id", *columns_for(columns)}
    found = table_of(root, commit, "segments", wanted, commit.sources)
    recordings = table_of(root, commit, "recordings", set(OF_RECORDING), commit.sources)
    return Evidence(found, recordings)


def _recorded(commit: Commit, source_ids: Collection[str] | None) -> frozenset[str]:
    recorded = commit.sources_that("recorded")
    return recorded if source_ids is None else recorded.intersection(source_ids)


def _read(root: str, commit: Commit, source_ids: Collection[str], wanted: Wanted) -> UnitRows:
    columns = {*decisions_of.SEGMENT_COLUMNS, *earlier.SEGMENT_COLUMNS, *COUNTED}
    if isinstance(wanted, ByRules):
        columns |= {*JUDGED_TEXTS, *columns_for(wanted.rules.columns)}
    of_recordings = {*decisions_of.RECORDING_COLUMNS, *OF_RECORDING, "source_id"}
    return UnitRows(
        table_of(root, commit, "segments", columns, source_ids),
        table_of(root, commit, "recordings", of_recordings, source_ids),
    )


def _new(root: str, commit: Commit, rows: UnitRows, wanted: Wanted) -> pa.Table:
    """The decisions of a unit as they are wanted, in the columns :data:`DECISIONS`."""
    segments = rows.segments
    if isinstance(wanted, ByRules):
        verdicts = judge(Evidence(segments, rows.recordings), wanted.rules)
        columns = [segments["segment_id"], verdicts.decisions, verdicts.reasons]
    else:
        found = earlier.kept(root, commit.unit_id, wanted.rules_id)
        place = pc.index_in(found["segment_id"], value_set=segments["segment_id"].combine_chunks())
        config = segments["config_id"].take(place.combine_chunks())
        same = pc.equal(config, found["config_id"])
        found = found.filter(pc.fill_null(same, fill_value=False))
        columns = [found[name] for name in ("segment_id", "decision", "reasons")]
    ids = pa.repeat(wanted.rules_id, len(columns[0]))
    types = pa.schema([DECISIONS.field(name) for name in _OF_RULES])
    by_these = pa.table([*columns, ids], names=_OF_RULES).cast(types)
    return with_verdicts(segments, by_these).select(DECISIONS.names).cast(DECISIONS)


def _texts(
    root: str, commit: Commit, rows: UnitRows, wanted: Wanted, new: pa.Table
) -> Mapping[str, str]:
    """The texts of recordings that go with these decisions, by recording id."""
    if isinstance(wanted, ByRules):
        return judged_texts(root, commit, rows, wanted.rules, new)
    return kept_texts(rows, earlier.kept(root, commit.unit_id, wanted.rules_id))


def _movement(segments: pa.Table, new: pa.Table) -> Movement:
    place = pc.index_in(segments["segment_id"], value_set=new["segment_id"].combine_chunks())
    known = segments.filter(place.is_valid())
    found = new.take(place.drop_null())
    moved = movement(known, found["decision"].combine_chunks(), found["reasons"].combine_chunks())
    return replace(moved, undecided=len(segments) - len(known))


def _differ(rows: UnitRows, result: Decided) -> bool:
    """Whether any row would change."""
    tables: Sequence[tuple[Table, pa.Table]] = (
        ("segments", rows.segments),
        ("recordings", rows.recordings),
    )
    return any(
        not result.change(name, batch).equals(batch)
        for name, table in tables
        for batch in table.to_batches()
    )


def _states(
    commit: Commit,
    concerned: Collection[str],
    segments: pa.Table,
    new: pa.Table,
    wanted: Wanted,
) -> dict[str, InputState]:
    """What the record says of the inputs: those decided as a whole are up to date."""
    if isinstance(wanted, ByKept) and not len(new):
        return dict(commit.sources)
    known = pc.is_in(segments["segment_id"], value_set=new["segment_id"].combine_chunks())
    partly = set(segments.filter(pc.invert(known))["source_id"].to_pylist())
    layer = layer_hash("rules", wanted.rules_id)
    return {
        name: replace(state, layers={**state.layers, "rules": layer})
        if name in concerned and name not in partly
        else state
        for name, state in commit.sources.items()
    }
