"""Puts the corrections of an output into the rows of a committed unit, without audio.

The rows are made from what is stored as a run makes them, so that a run that finds the same
corrections writes the same rows. Only segments that a correction is about, or was about, change.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.compute as pc

from beam_audio import schema
from beam_audio.curate.corrected_rows import COMPARED, COUNTS, Correcting, corrected
from beam_audio.curate.decided import DECISIONS, Decided, decided
from beam_audio.curate.evidence import Evidence
from beam_audio.curate.judge import judge
from beam_audio.curate.overruled import by_rules, with_verdicts
from beam_audio.curate.recording_texts import judged_texts
from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.curate.unit_rows import UnitRows, table_of
from beam_audio.output.corrections import placed
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from beam_audio.output.commits import Commit, InputState
    from beam_audio.output.corrections import Corrections
    from beam_audio.schema import Table


@dataclass(frozen=True, slots=True)
class Corrected:
    """What became of corrections.

    Attributes:
        counts: ``texts`` and ``verdicts`` that are in force, and segments whose decision ``moved``.
        words: Word errors and reference words of the corrected segments, before and after.
        nowhere: Corrections whose times no segment has: recording, and what stretch.
        unjudged: Segments with another reference that keep their decision, by rules not at hand.
        units: Units by what became of them, see :class:`beam_audio.curate.rewrite.Rewritten`.
    """

    counts: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    nowhere: tuple[str, ...] = ()
    unjudged: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)

    @classmethod
    def total(cls, parts: Iterable[Self]) -> Self:
        """All of these together."""
        found, nowhere = cls(), list[str]()
        for part in parts:
            for name in ("counts", "words", "unjudged", "units"):
                getattr(found, name).update(getattr(part, name))
            nowhere += part.nowhere
        return replace(found, nowhere=tuple(sorted(nowhere)))

    def to_json(self) -> bytes:
        """As JSON."""
        return json.dumps({each.name: getattr(self, each.name) for each in fields(self)}).encode()

    @classmethod
    def of_json(cls, content: bytes) -> Self:
        """What :meth:`to_json` wrote."""
        found = json.loads(content)
        nowhere = tuple(found.pop("nowhere"))
        return cls(nowhere=nowhere, **{name: Counter(each) for name, each in found.items()})


def correct_unit(root: str, commit: Commit, using: Correcting, *, run_id: str) -> Corrected:
    """Give a unit the references and verdicts that its corrections ask for.

    Args:
        root: The output folder.
        commit: The unit's record.
        using: The corrections.
        run_id: Who asks.

    Raises:
        ConfigError: A normaliser cannot be had on this machine.
        StoreError: The rows cannot be read, or the record cannot be written.
        MachineError: The output cannot be written.
    """
    of_sources = {
        name: commit.sources[name].recording_ids for name in commit.sources_that("recorded")
    }
    ids = using.corrections.files.keys() & {each for found in of_sources.values() for each in found}
    sources = {name for name, found in of_sources.items() if not ids.isdisjoint(found)}
    if not sources:
        return Corrected(units=Counter(["unchanged"]))
    before = UnitRows(
        *(_read(root, commit, table, sources) for table in ("segments", "recordings"))
    )
    compared = corrected(root, commit, before, sorted(ids), using)
    after = UnitRows(
        _applied(compared, "segments", before.segments),
        _applied(compared, "recordings", before.recordings),
    )
    changed = _changed(before, after, compared)
    new, unjudged = _judged(after, compared, changed, using)
    texts = _texts(root, commit, after, new, using)
    result = decided(after.segments, after.recordings, new, texts)

    def change(table: Table, rows: pa.RecordBatch) -> pa.RecordBatch:
        return result.change(table, compared.change(table, rows))

    said = [repr(using.corrections.of(each)) for each in sorted(ids)]
    states = _states(commit, after, changed, unjudged)
    name = stable_id("corrections", said, sorted(unjudged))
    done = rewrite_unit(root, commit, change, name=name, run_id=run_id, sources=states)
    found = _counted(before, _applied(result, "segments", after.segments), compared)
    return replace(
        found,
        nowhere=tuple(_nowhere(before, sorted(ids), using.corrections)),
        unjudged=unjudged,
        units=Counter([done.outcome]),
    )


def _read(root: str, commit: Commit, table: Table, sources: Collection[str]) -> pa.Table:
    return table_of(root, commit, table, schema.file_schema(table).names, sources)


def _applied(result: Decided, name: Table, table: pa.Table) -> pa.Table:
    """A table as rows become by a change."""
    batches = [result.change(name, each) for each in table.to_batches()]
    return pa.Table.from_batches(batches, schema=table.schema).combine_chunks()


def _changed(before: UnitRows, after: UnitRows, compared: Decided) -> pa.Array:
    """Ids of segments whose reference or whose score is another one."""
    ids = compared.segments["segment_id"].to_pylist()
    columns = ["segment_id", *COMPARED]
    tables = (each.segments.select(columns).to_pylist() for each in (before, after))
    old, new = ({row["segment_id"]: row for row in table} for table in tables)
    # Rows of earlier versions do not say where a reference is from.
    for row in (*old.values(), *new.values()):
        row["reference_origin"] = row["reference_origin"] == "correction"
    return pa.array([each for each in ids if old[each] != new[each]], pa.string())


def _judged(
    after: UnitRows, compared: Decided, changed: pa.Array, using: Correcting
) -> tuple[pa.Table, Counter[str]]:
    """The decisions of corrected recordings, and how many cannot be judged again by which rules."""
    # A correction may give a recording its first words: its other segments are looked at, too.
    touched = after.segments.filter(
        pc.is_in(
            after.segments["recording_id"], compared.recordings["recording_id"].combine_chunks()
        )
    )
    found, unjudged = [], Counter[str]()
    for rules_id in sorted(set(touched["rules_id"].to_pylist())):
        rows = by_rules(touched.filter(pc.equal(touched["rules_id"], rules_id))).combine_chunks()
        rules = using.rules_of(rules_id)
        if rules is None:
            unjudged[rules_id] += pc.sum(pc.is_in(rows["segment_id"], changed)).as_py()
        else:
            verdicts = judge(Evidence(rows, after.recordings), rules)
            for name, values in (("decision", verdicts.decisions), ("reasons", verdicts.reasons)):
                index = rows.column_names.index(name)
                field = rows.schema.field(name)
                rows = rows.set_column(index, field, values.cast(field.type))
        found.append(rows.select(["segment_id", "decision", "reasons", "rules_id"]))
    if not found:
        return DECISIONS.empty_table(), unjudged
    by = pa.concat_tables(found).combine_chunks()
    return with_verdicts(after.segments, by).select(DECISIONS.names).cast(DECISIONS), +unjudged


def _texts(
    root: str, commit: Commit, after: UnitRows, new: pa.Table, using: Correcting
) -> Mapping[str, str]:
    """The texts of recordings that have corrected segments, without words that nobody said."""
    judged = _applied(Decided(new, DECISIONS.empty_table()), "segments", after.segments)
    own = judged.filter(pc.is_in(judged["segment_id"], new["segment_id"].combine_chunks()))
    texts: dict[str, str] = {}
    for rules_id in sorted(set(own["rules_id"].to_pylist())):
        rules = using.rules_of(rules_id)
        if rules is None:
            continue
        ids = own.filter(pc.equal(own["rules_id"], rules_id))["recording_id"].combine_chunks()
        rows = UnitRows(
            judged.filter(pc.is_in(judged["recording_id"], ids)),
            after.recordings.filter(pc.is_in(after.recordings["recording_id"], ids)),
        )
        texts |= judged_texts(root, commit, rows, rules, rows.segments)
    return texts


def _states(
    commit: Commit, after: UnitRows, changed: pa.Array, unjudged: Mapping[str, int]
) -> dict[str, InputState]:
    """What the record says of the inputs: those that are not judged again are to be, by any run."""
    segments = after.segments.filter(pc.is_in(after.segments["segment_id"], changed))
    pairs = zip(*(segments[each].to_pylist() for each in ("source_id", "rules_id")), strict=True)
    stale = {source_id for source_id, rules_id in pairs if rules_id in unjudged}
    return {
        name: replace(
            state, layers={key: state.layers[key] for key in state.layers.keys() - {"rules"}}
        )
        if name in stale
        else state
        for name, state in commit.sources.items()
    }


def _counted(before: UnitRows, segments: pa.Table, compared: Decided) -> Corrected:
    ids = compared.segments["segment_id"].combine_chunks()
    tables = (before.segments, segments)
    columns = ["segment_id", "decision", "reference_origin", "rules_decision", *COUNTS]
    old, new = (
        each.filter(pc.is_in(each["segment_id"], ids)).select(columns).to_pylist()
        for each in tables
    )
    counts = Counter(
        texts=sum(row["reference_origin"] == "correction" for row in new),
        verdicts=sum(row["rules_decision"] is not None for row in new),
        moved=sum(a["decision"] != b["decision"] for a, b in zip(old, new, strict=True)),
    )
    words: Counter[str] = Counter()
    for when, rows in (("before", old), ("after", new)):
        for row in rows:
            hits, *errors = (row[name] or 0 for name in COUNTS)
            words[f"errors_{when}"] += sum(errors)
            words[f"words_{when}"] += hits + errors[0] + errors[1]
    return Corrected(counts, words)


def _nowhere(rows: UnitRows, ids: Sequence[str], corrections: Corrections) -> Iterator[str]:
    """Corrections that no segment has the times of, in words."""
    by_recording: dict[str, list[tuple[float, float]]] = {each: [] for each in ids}
    columns = ["recording_id", "start_seconds", "end_seconds"]
    for row in rows.segments.select(columns).to_pylist():
        if row["recording_id"] in by_recording:
            by_recording[row["recording_id"]].append((row["start_seconds"], row["end_seconds"]))
    for recording_id, times in by_recording.items():
        for each in placed(corrections.of(recording_id), times).nowhere:
            yield f"{recording_id}, {each.start_seconds:.3f} to {each.end_seconds:.3f} s"
