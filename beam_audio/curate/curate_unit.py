"""Judges a committed unit again from its rows alone, or puts earlier decisions back."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from beam_audio.curate import decided as decisions_of
from beam_audio.curate import kept as earlier
from beam_audio.curate import said as texts_of
from beam_audio.curate.decided import DECISIONS, Decided, decided
from beam_audio.curate.evidence import OF_RECORDING, Evidence, columns_for
from beam_audio.curate.judge import judge
from beam_audio.curate.movement import SEGMENT_COLUMNS as COUNTED
from beam_audio.curate.movement import Movement, movement
from beam_audio.curate.overruled import by_rules, with_verdicts
from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.output.parts import columns_of, in_columns, rows_of
from beam_audio.types import stable_id
from beam_audio.unit.layers import layer_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from beam_audio.output.commits import Commit, InputState
    from beam_audio.quality.ruleset import Rules
    from beam_audio.schema import Table
    from beam_audio.types import Row

_OF_FAILURE: Final = ("unit", "recording_id", "segment_id", "start_seconds", "end_seconds")


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


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a unit, without those columns that nothing asks for."""

    segments: pa.Table
    recordings: pa.Table


def curate_unit(
    root: str,
    commit: Commit,
    wanted: Wanted,
    *,
    run_id: str,
    source_ids: Collection[str] | None = None,
) -> Movement:
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
    if _differ(rows, result):
        judged = by_rules(rows.segments)
        earlier.keep(root, commit.unit_id, judged, rows.recordings, wanted.rules_id)
    written = rewrite_unit(
        root,
        commit,
        result.change,
        name=stable_id(type(wanted).__name__, wanted.rules_id, sorted(concerned)),
        run_id=run_id,
        sources=_states(commit, concerned, rows.segments, new, wanted),
    )
    return replace(moved, units=Counter([written.outcome]))


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
    found = read_table(root, commit, "segments", wanted, commit.sources)
    recordings = read_table(root, commit, "recordings", set(OF_RECORDING), commit.sources)
    return Evidence(found, recordings)


def _recorded(commit: Commit, source_ids: Collection[str] | None) -> frozenset[str]:
    recorded = commit.sources_that("recorded")
    return recorded if source_ids is None else recorded.intersection(source_ids)


def _read(root: str, commit: Commit, source_ids: Collection[str], wanted: Wanted) -> Rows:
    columns = {*decisions_of.SEGMENT_COLUMNS, *earlier.SEGMENT_COLUMNS, *COUNTED}
    if isinstance(wanted, ByRules):
        columns |= {"text", *columns_for(wanted.rules.columns)}
    of_recordings = {*decisions_of.RECORDING_COLUMNS, *OF_RECORDING, "source_id"}
    return Rows(
        read_table(root, commit, "segments", columns, source_ids),
        read_table(root, commit, "recordings", of_recordings, source_ids),
    )


def read_table(
    root: str, commit: Commit, table: Table, columns: set[str], source_ids: Collection[str]
) -> pa.Table:
    """Columns of a unit's rows, from all its files; null where a file lacks them."""
    wanted = sorted(columns | {"source_id"})
    fields = pa.schema([columns_of(table, table, {}).field(name) for name in wanted])
    batches = [
        in_columns(batch, fields)
        for name in commit.files_of(table)
        for batch in rows_of(root, name, source_ids, wanted)
    ]
    return pa.Table.from_batches(batches, schema=fields).combine_chunks()


def _new(root: str, commit: Commit, rows: Rows, wanted: Wanted) -> pa.Table:
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
    ids = [wanted.rules_id] * len(columns[0])
    names = ("segment_id", "decision", "reasons", "rules_id")
    types = pa.schema([DECISIONS.field(name) for name in names])
    by_these = pa.table([*columns, ids], names=names).cast(types)
    return with_verdicts(segments, by_these).select(DECISIONS.names).cast(DECISIONS)


def _texts(
    root: str, commit: Commit, rows: Rows, wanted: Wanted, new: pa.Table
) -> Mapping[str, str]:
    """The texts of recordings that go with these decisions, by recording id."""
    whole = {
        row["recording_id"]: row["text"] if row["text_all"] is None else row["text_all"]
        for row in rows.recordings.select(["recording_id", "text", "text_all"]).to_pylist()
    }
    if isinstance(wanted, ByKept):
        return _kept_texts(root, commit, rows, wanted, whole)
    return {**whole, **texts_said(root, commit, rows, new, wanted.rules)}


def texts_said(
    root: str, commit: Commit, rows: Rows, new: pa.Table, rules: Rules
) -> Mapping[str, str]:
    """The texts of those recordings that have words which nobody said.

    Args:
        root: The output folder.
        commit: The unit's record.
        rows: Its rows.
        new: ``segment_id`` and the ``reasons`` that they have by these rules.
        rules: The rules.
    """
    unspoken = rules.unspoken_reasons
    reasons = new["reasons"].to_pylist()
    ids = {
        name
        for name, found in zip(new["segment_id"].to_pylist(), reasons, strict=True)
        if not unspoken.isdisjoint(found)
    }
    return _said(root, commit, rows, ids) if ids else {}


def _kept_texts(
    root: str, commit: Commit, rows: Rows, wanted: ByKept, whole: Mapping[str, str]
) -> Mapping[str, str]:
    """Texts of recordings all of whose segments get their earlier decisions back."""
    found = earlier.kept(root, commit.unit_id, wanted.rules_id)
    names = set(found["segment_id"].to_pylist())
    columns = ("segment_id", "recording_id")
    pairs = zip(*(rows.segments[each].to_pylist() for each in columns), strict=True)
    partly = {owner for name, owner in pairs if name not in names}
    columns = ("recording_id", "recording_text")
    pairs = zip(*(found[each].to_pylist() for each in columns), strict=True)
    short = {owner: text for owner, text in pairs if text is not None}
    return {
        name: text for name, text in {**whole, **short}.items() if name in whole.keys() - partly
    }


def _said(root: str, commit: Commit, rows: Rows, unspoken: set[str]) -> dict[str, str]:
    """The texts of recordings with segments whose words nobody said."""
    ids = pa.array(sorted(unspoken))
    owners = rows.segments.filter(pc.is_in(rows.segments["segment_id"], value_set=ids))
    concerned = set(owners["recording_id"].to_pylist())
    recordings = {
        row["recording_id"]: row
        for row in rows.recordings.select(["recording_id", "source_id", *_SAID]).to_pylist()
        if row["recording_id"] in concerned
    }
    sources = {row["source_id"] for row in recordings.values()}
    columns = {*texts_of.SEGMENT_COLUMNS, "recording_id"}
    segments = _by_recording(root, commit, "segments", columns - {"words"}, sources)
    if any(map(texts_of.overlap, segments.values())):
        segments = _by_recording(root, commit, "segments", columns, sources)
    failed = _by_recording(root, commit, "failures", set(_OF_FAILURE), sources)
    return {
        name: texts_of.said(
            row,
            segments[name],
            [each for each in failed.get(name, []) if each["unit"] == "segment"],
            unspoken,
        )
        for name, row in recordings.items()
    }


_SAID: Final = ("sample_rate_hz", "language")


def _by_recording(
    root: str, commit: Commit, table: Table, columns: set[str], source_ids: Collection[str]
) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in read_table(root, commit, table, columns, source_ids).to_pylist():
        found[row["recording_id"]].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row.get("core_start_seconds", 0.0))
    return dict(found)


def _movement(segments: pa.Table, new: pa.Table) -> Movement:
    place = pc.index_in(segments["segment_id"], value_set=new["segment_id"].combine_chunks())
    known = segments.filter(place.is_valid())
    found = new.take(place.drop_null())
    moved = movement(known, found["decision"].combine_chunks(), found["reasons"].combine_chunks())
    return replace(moved, undecided=len(segments) - len(known))


def _differ(rows: Rows, result: Decided) -> bool:
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
