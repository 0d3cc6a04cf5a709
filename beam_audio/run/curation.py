"""The graphs of ``curate``: one element a unit, from the commit records of an output alone."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio import store
from beam_audio.curate.corpus_speakers import Heard, Named, hear_unit, name_unit, people_of
from beam_audio.curate.correct_unit import Corrected, correct_unit
from beam_audio.curate.corrected_rows import Correcting
from beam_audio.curate.curate_unit import (
    ByKept,
    ByRules,
    compare_unit,
    curate_unit,
    read_evidence,
)
from beam_audio.curate.fences import Sketch, with_fences
from beam_audio.curate.kept import kept_rules
from beam_audio.curate.movement import Movement
from beam_audio.curate.redact import Redaction, redact_unit
from beam_audio.curate.take_corrections import take_corrections
from beam_audio.errors import BeamAudioError, ConfigError
from beam_audio.output.commits import (
    commit_files,
    load_commit,
    read_commits,
)
from beam_audio.output.corrections import read_corrections
from beam_audio.quality.normalizers import AUTO, resolved_choice
from beam_audio.quality.ruleset import LANGUAGE
from beam_audio.report.rules_in_force import find_rules, run_files
from beam_audio.run.rewriting import options_for, rewriting
from beam_audio.run.runners import choose_runner, share_cores
from beam_audio.spelling import nearest_or_all
from beam_audio.transforms.total import WriteTotal, read_total
from beam_audio.unit.layers import layer_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.curate.curate_unit import Wanted
    from beam_audio.curate.take_corrections import Taken
    from beam_audio.output.commits import Commit
    from beam_audio.quality.ruleset import Rules
    from beam_audio.transforms.total import T
    from beam_audio.types import Row, StoredFile


_FEW_UNITS: Final = 100
"""They are done before processes for them have begun."""


@dataclass(frozen=True, slots=True)
class Curated:
    """How a curation ended.

    Attributes:
        rules_id: Whose decisions the rows have, or would have.
        movement: What moved, or would move.
    """

    rules_id: str
    movement: Movement


def curate(
    output: str, rules: Rules, beam_flags: Sequence[str] = (), *, dry_run: bool = False
) -> Curated:
    """Judge the rows of an output by rules, from the output alone.

    Args:
        output: The output folder.
        rules: The rules. Their fences are those of this output.
        beam_flags: Flags of Beam.
        dry_run: Whether nothing is written.

    Raises:
        ConfigError: The output holds no committed rows.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    job = _Job.checked(output, beam_flags)
    if dry_run:
        wanted = ByRules(job.fenced(rules))
        work = partial(compare_unit, output, wanted=wanted, backwards=False)
        return Curated(wanted.rules_id, job.total(Movement, work))
    with rewriting(output, job.run_id):
        return job.written(ByRules(job.fenced(rules)))


def restore(output: str, rules_id: str, beam_flags: Sequence[str] = ()) -> Curated:
    """Put the decisions of earlier rules back.

    Raises:
        ConfigError: No decisions of these rules are kept.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    job = _Job.checked(output, beam_flags)
    _require_kept(output, rules_id)
    with rewriting(output, job.run_id):
        return job.written(ByKept(rules_id))


def compare(output: str, rules_id: str, beam_flags: Sequence[str] = ()) -> Curated:
    """How the present decisions differ from those of earlier rules; nothing is decided.

    Raises:
        ConfigError: No decisions of these rules are kept.
        StoreError: The output cannot be read.
    """
    job = _Job.checked(output, beam_flags)
    _require_kept(output, rules_id)
    work = partial(compare_unit, output, wanted=ByKept(rules_id), backwards=True)
    return Curated(rules_id, job.total(Movement, work))


def redact(output: str, beam_flags: Sequence[str] = ()) -> Redaction:
    """Put texts without personal data beside the texts of an output.

    Raises:
        ConfigError: The output holds no committed rows.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    job = _Job.checked(output, beam_flags)
    with rewriting(output, job.run_id):
        return job.total(Redaction, partial(redact_unit, output, run_id=job.run_id))


def name_speakers(output: str, threshold: float, beam_flags: Sequence[str] = ()) -> Named:
    """Find who is heard in several recordings of an output, from its rows alone.

    Raises:
        ConfigError: The output holds no committed rows, or nobody listened for speakers.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    job = _Job.checked(output, beam_flags)
    with rewriting(output, job.run_id):
        heard: dict[str, Heard] = {}
        for commit in read_commits(output):
            hear_unit(output, commit, heard)
        if not heard:
            raise ConfigError(f"{output} has no embeddings: run with --speaker_model first")
        people = people_of(heard, threshold)
        units = Counter(
            name_unit(output, commit, people, job.run_id) for commit in read_commits(output)
        )
        return Named(len(people), len(set(people.values())), units)


def correct(output: str, file: str, beam_flags: Sequence[str] = ()) -> tuple[Taken, Corrected]:
    """Take the corrections of a file, and put all that the output has into its rows.

    Raises:
        ConfigError: The output holds no committed rows, or the file cannot be read as a whole.
        HeldError: A living batch holds the output.
        StoreError: The output cannot be read or written.
    """
    job = _Job.checked(output, beam_flags)
    with rewriting(output, job.run_id):
        taken = take_corrections(output, file)
        runs = run_files(output)
        using = Correcting(
            read_corrections(output), partial(_rules_at_hand, runs=runs), _normalizers(runs)
        )
        work = partial(correct_unit, output, using=using, run_id=job.run_id)
        return taken, job.total(Corrected, work)


def _rules_at_hand(rules_id: str, runs: Sequence[Row]) -> Rules | None:
    """The rules that rows were judged by, if they are known to the letter."""
    rules = find_rules(rules_id, runs)
    return rules if rules is not None and rules.rules_id == rules_id else None


def _normalizers(runs: Sequence[Row]) -> dict[str, str]:
    """The normalisers that runs were given, by the hash of the layer that each makes."""
    found = {}
    for choice in (AUTO, *(run.get("configuration", {}).get("normalizer", AUTO) for run in runs)):
        try:
            resolved = resolved_choice(choice)
        except BeamAudioError:
            continue  # a function of one's own that is not here
        found[layer_hash("metrics", {"normalizer": resolved})] = resolved
    return found


@dataclass(frozen=True, slots=True)
class _Job:
    """An output and where the work on its units is done."""

    output: str
    options: PipelineOptions
    run_id: str

    @classmethod
    def checked(cls, output: str, beam_flags: Sequence[str]) -> _Job:
        options = options_for(output, beam_flags)
        if len(commit_files(output)) > _FEW_UNITS:
            share_cores(options)
        return cls(output, options, f"curation-{uuid.uuid4().hex[:8]}")

    def written(self, wanted: Wanted) -> Curated:
        work = partial(_moved, self.output, wanted, self.run_id)
        return Curated(wanted.rules_id, self.total(Movement, work))

    def fenced(self, rules: Rules) -> Rules:
        """The rules with the fences of this corpus, which a first pass counts."""
        columns = rules.fenced_columns
        if not columns:
            return rules
        return with_fences(rules, self.total(Sketch, partial(_sketch, self.output, columns)))

    def total(self, kind: type[T], work: Callable[[Commit], T]) -> T:
        """What the work on all units adds up to."""
        name = f"{self.run_id}-{kind.__name__.lower()}.json"
        uri = store.join(store.temporary_folder(self.output, self.run_id), name)
        with beam.Pipeline(runner=choose_runner(self.options), options=self.options) as pipeline:
            _ = (
                pipeline
                | "Output" >> beam.Create([self.output])
                | "Records" >> beam.FlatMap(commit_files)
                | "Spread" >> beam.Reshuffle()
                | "Unit" >> beam.Map(_done, work)
                | "Total" >> WriteTotal(kind, uri)
            )
        return read_total(kind, uri)


def _done(file: StoredFile, work: Callable[[Commit], T]) -> T:
    return work(load_commit(file.path))


def _moved(output: str, wanted: Wanted, run_id: str, commit: Commit) -> Movement:
    return curate_unit(output, commit, wanted, run_id=run_id).movement


def _sketch(output: str, columns: frozenset[str], commit: Commit) -> Sketch:
    return Sketch.of(read_evidence(output, commit, columns | {LANGUAGE}), columns)


def _require_kept(output: str, rules_id: str) -> None:
    known = kept_rules(output)
    if rules_id not in known:
        hint = nearest_or_all(rules_id, sorted(known)) if known else "; none are kept"
        raise ConfigError(f"{output} keeps no decisions of rules {rules_id!r}{hint}")
