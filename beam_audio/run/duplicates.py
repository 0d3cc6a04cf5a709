"""The graph of ``curate --duplicates`` and ``--against``: rows compared, marks written."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.metrics import MetricsFilter

from beam_audio.curate.duplicates.columns import Kind, WithMarks, mark_of
from beam_audio.curate.duplicates.items import items_of
from beam_audio.curate.duplicates.manifest_entries import items_of_entry
from beam_audio.curate.duplicates.places import LEVELS, Level, Pair
from beam_audio.curate.duplicates.survivors import Marked, marks_of
from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.errors import ConfigError, StoreError
from beam_audio.output.commits import (
    commit_files,
    read_commit,
    read_commits,
)
from beam_audio.output.counted import Counted
from beam_audio.output.valid_rows import valid_rows
from beam_audio.run.rewriting import options_for, rewriting
from beam_audio.run.runners import choose_runner
from beam_audio.transforms.compare_rows import CROWDED_KEYS, CompareRows
from beam_audio.transforms.read import ReadAudio
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from apache_beam.runners.runner import PipelineResult

    from beam_audio.transforms.compare_rows import Items
    from beam_audio.types import Failure

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes:
        rows: Number of marked segments by kind and by what they are alike in.
        seconds: Their seconds.
        without_sound: Segments without a fingerprint; their sound was not compared.
        crowded_keys: Keys that so many rows share that not all of them were compared.
    """

    rows: Mapping[tuple[Kind, Level], int]
    seconds: Mapping[tuple[Kind, Level], float]
    without_sound: int
    crowded_keys: int


def mark_duplicates(
    root: str, kinds: tuple[Kind, ...], against: str | None = None, beam_flags: Sequence[str] = ()
) -> Found:
    """Compare the rows of an output, with each other or with a test set, and mark those alike.

    Args:
        root: The output folder.
        kinds: ``duplicate`` for rows that are alike, ``test_overlap`` for what is in a test set.
        against: The test set: a manifest or an output.
        beam_flags: Flags of Beam.

    Raises:
        ConfigError: The output is empty, or is compared with itself.
        HeldError: A living batch holds the output.
        StoreError: It cannot be read or written, or a stream wrote a unit meanwhile.
    """
    if against is not None and against.rstrip("/") == root.rstrip("/"):
        raise ConfigError(f"--against={against}: name another output, or a manifest")
    options = options_for(root, beam_flags)
    run_id = f"curate-{uuid.uuid4().hex[:8]}"
    with rewriting(root, run_id):
        pipeline = beam.Pipeline(runner=choose_runner(options), options=options)
        _build(pipeline, root, kinds, against, run_id)
        result = pipeline.run()
        result.wait_until_finish()
    return _found(root, kinds, _crowded(result))


def _build(
    pipeline: beam.Pipeline, root: str, kinds: tuple[Kind, ...], against: str | None, run_id: str
) -> None:
    units = pipeline | "Units" >> beam.Create(sorted(_unit_ids(root)))
    items = units | "Items" >> beam.Map(_items_of_unit, root)
    if against is not None:
        items = (items, _test_items(pipeline, against)) | "All" >> beam.Flatten()
    pairs = [items | f"Compare {level}" >> CompareRows(level) for level in LEVELS]
    marks = (
        pairs
        | "Pairs" >> beam.Flatten()
        | "Gather" >> beam.GroupBy(lambda _: 0)
        | "Survivors" >> beam.FlatMap(lambda group: _marks(group[1], kinds))
    )
    _ = (
        {"marks": marks, "units": units | "Name" >> beam.Map(lambda unit_id: (unit_id, None))}
        | "ByUnit" >> beam.CoGroupByKey()
        | "Rewrite" >> beam.Map(_rewrite, root, kinds, run_id)
    )


def _unit_ids(root: str) -> Iterator[str]:
    return (commit.unit_id for commit in read_commits(root) if commit.files)


def _items_of_unit(unit_id: str, root: str, *, is_test: bool = False) -> Items:
    commit = read_commit(root, unit_id)
    if commit is None:
        raise ConfigError(f"unit {unit_id} of {root} is gone; run again")
    return items_of(root, commit, is_test=is_test)


def _test_items(pipeline: beam.Pipeline, against: str) -> beam.PCollection[Items]:
    if commit_files(against):
        names = pipeline | "TestUnits" >> beam.Create(sorted(_unit_ids(against)))
        return names | "TestItems" >> beam.Map(_items_of_unit, against, is_test=True)
    refs, failures = pipeline | "TestSet" >> ReadAudio(manifest=against)
    _ = failures | "Unlisted" >> beam.Map(_warn)
    return refs | "TestEntries" >> beam.Map(items_of_entry)


def _warn(failure: Failure) -> None:
    _LOG.warning("a line of the test set is left out: %s", failure.message)


def _found(root: str, kinds: tuple[Kind, ...], crowded_keys: int) -> Found:
    """Count the marks that stand in the rows."""
    rows: Counter[tuple[Kind, Level]] = Counter()
    seconds: Counter[tuple[Kind, Level]] = Counter()
    silent = 0
    columns = ["source_id", "duration_seconds", "fingerprint", *(f"{kind}_by" for kind in kinds)]
    for row in valid_rows(root, Counted.of(read_commits(root)), "segments", columns):
        silent += row.get("fingerprint") is None
        for kind in kinds:
            if (level := row.get(f"{kind}_by")) is not None:
                rows[kind, level] += 1
                seconds[kind, level] += row["duration_seconds"]
    return Found(rows, seconds, silent, crowded_keys)


def _crowded(result: PipelineResult) -> int:
    counters = result.metrics().query(MetricsFilter().with_name(CROWDED_KEYS))["counters"]
    return sum(counter.result for counter in counters)


def _marks(pairs: Iterable[Pair], kinds: tuple[Kind, ...]) -> Iterator[tuple[str, Marked]]:
    for marked in marks_of(pairs):
        if any(mark_of(marked, kind) for kind in kinds):
            yield marked.unit_id, marked


def _rewrite(
    joined: tuple[str, Mapping[str, Iterable[Marked]]],
    root: str,
    kinds: tuple[Kind, ...],
    run_id: str,
) -> None:
    unit_id, found = joined
    commit = read_commit(root, unit_id)
    if commit is None:
        raise ConfigError(f"unit {unit_id} of {root} is gone; run again")
    marks = {marked.row_id: marked for marked in found["marks"]}
    stated = [
        (row_id, [repr(mark_of(marks[row_id], kind)) for kind in kinds]) for row_id in sorted(marks)
    ]
    name = stable_id("marks", kinds, stated)
    done = rewrite_unit(root, commit, WithMarks(kinds, marks), name=name, run_id=run_id)
    if done.outcome == "lost":
        raise StoreError(f"a stream wrote the unit {unit_id} meanwhile; mark again")
