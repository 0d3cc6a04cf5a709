"""How a run ended: its result, and the run file that records it."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from itertools import chain
from typing import TYPE_CHECKING, Final, Self

from beam_audio import store
from beam_audio.inputs.redaction import redacted
from beam_audio.inputs.tombstones import read_forgotten
from beam_audio.output import commits
from beam_audio.output.causes import Causes, read_causes
from beam_audio.output.counted import Counted
from beam_audio.output.folder import in_use
from beam_audio.output.input_ids import read_ids, read_left_out
from beam_audio.output.ledger import Ledger, read_ledger
from beam_audio.run.stage_table import StageTable
from beam_audio.schema import SCHEMA_VERSION
from beam_audio.store.groups_on_disk import GroupsOnDisk
from beam_audio.store.output_names import run_file
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.output.commits import Commit
    from beam_audio.run.job import Job
    from beam_audio.unit.record_index import RecordIndex

_VERSIONED: Final = (
    "apache-beam",
    "onnxruntime",
    "onnxruntime-gpu",
    "numpy",
    "soundfile",
    "av",
)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        run_id: Name of the run file, ``run-<run_id>.json``.
        ledger: All rows of the output, balanced against this run's inputs.
        listed: Number of inputs listed, duplicates included.
        new_inputs: Number of distinct inputs that were not committed before.
        new_undecoded: Number of new inputs without a row in ``recordings/``.
        done_again: Number of inputs that were committed before and partly done again.
        failed_again: Number of these that still have no recording.
        decoded_seconds: Source seconds decoded by this run.
        wall_seconds: Time from the start of the graph to its end.
        providers: ONNX Runtime execution providers of this run's units.
        causes: Why inputs failed and why segments were not kept.
        forgotten: Number of distinct inputs of recordings that are forgotten.
        left_out: What was left out of a folder or a shard, in words; empty for nothing.
        stages: Who waited for whom.
    """

    run_id: str
    ledger: Ledger
    listed: int
    new_inputs: int
    new_undecoded: int
    done_again: int
    failed_again: int
    decoded_seconds: float
    wall_seconds: float
    providers: tuple[str, ...]
    causes: Causes = field(default_factory=Causes)
    forgotten: int = 0
    left_out: str = ""
    stages: StageTable = field(default_factory=StageTable)

    @property
    def exit_status(self) -> int:
        """0: the ledger balances; 1: it does not; 3: there was new input and none was decoded."""
        if not self.ledger.balances:
            return 1
        return 3 if self.new_inputs and self.new_inputs == self.new_undecoded else 0

    @property
    def times_real_time(self) -> float | None:
        """Source seconds decoded per second of the run; None when nothing was decoded."""
        return self.decoded_seconds / self.wall_seconds if self.decoded_seconds else None


def result_of(job: Job, before: RecordIndex, wall_seconds: float) -> RunResult:
    """How a run ended, from the rows there are now and the records there were before.

    Args:
        job: The run; it has written the ids of its inputs.
        before: The records when it began.
        wall_seconds: How long its graph took.

    Raises:
        BeamAudioError: The ids of its inputs are missing.
    """
    known = read_forgotten(job.output)
    listed, new, forgotten = 0, 0, set[str]()
    for ids in read_ids(job.output, job.run_id):
        distinct = set(ids)
        gone = known.among(distinct)
        forgotten |= gone
        listed += len(ids)
        new += sum(not before.has(name) for name in distinct - gone)
    done = _Done.since(before, commits.read_commits(job.output))
    names = chain.from_iterable(read_ids(job.output, job.run_id))
    ledger = read_ledger(job.output, names, counted=done.counted, forgotten=forgotten)
    done_again = [name for name, *_ in done.again.groups()]
    return RunResult(
        run_id=job.run_id,
        ledger=ledger,
        listed=listed,
        new_inputs=new,
        new_undecoded=sum(not before.has(name) for name in ledger.undecoded),
        done_again=len(done_again),
        failed_again=sum(name in ledger.undecoded for name in done_again),
        decoded_seconds=sum(commit.decoded_seconds for commit in done.units),
        wall_seconds=wall_seconds,
        providers=tuple(sorted({commit.provider for commit in done.units} - {""})),
        causes=read_causes(job.output, done.counted, ledger.undecoded, _decisive(job, ledger)),
        forgotten=len(forgotten),
        left_out=read_left_out(job.output, job.run_id),
        stages=StageTable.of(done.units),
    )


@dataclass(frozen=True, slots=True)
class _Done:
    """What a run has done.

    Attributes:
        counted: All that counts in the output now.
        units: The units that are new or done again, without their inputs.
        again: Inputs that were committed before and have other rows now.
    """

    counted: Counted = field(default_factory=Counted)
    units: list[Commit] = field(default_factory=list)
    again: GroupsOnDisk[str] = field(default_factory=GroupsOnDisk)

    @classmethod
    def since(cls, before: RecordIndex, committed: Iterable[Commit]) -> Self:
        """Compare records with those there were before."""
        done = cls()
        for commit in committed:
            done.counted.add(commit)
            if commit.is_closed or commit.version <= before.version_of(commit.unit_id):
                continue
            done.units.append(replace(commit, sources={}, files=()))
            for name, state in commit.sources.items():
                if (earlier := before.state_of(name)) is not None and earlier != state:
                    done.again.add([(name, name)])
        return done


def _decisive(job: Job, ledger: Ledger) -> set[tuple[str, str]]:
    """Pairs of decision and reason by which segments of this output were not kept."""
    rules = job.settings.rows.rules.rules
    lost = {name for name, count in ledger.segments.items() if count and name != "keep"}
    return {(rule.decision, rule.reason) for rule in rules if rule.decision in lost}


def write_run_file(job: Job, result: RunResult) -> None:
    """Write ``run-<run_id>.json``."""
    ledger, settings = result.ledger, job.settings
    content = {
        "run_id": result.run_id,
        "schema_version": SCHEMA_VERSION,
        "configuration": {name: _shown(value) for name, value in asdict(job.config).items()},
        "layout": settings.rows.layout(),
        "layers": settings.rows.layers,
        "model_id": settings.rows.model_id,
        "model_sha256": settings.rows.model_sha256,
        "versions": _versions(),
        "machine": {"cores": os.cpu_count()},
        "providers": result.providers,
        "ledger": {
            "balances": ledger.balances,
            "listed": result.listed,
            "new_inputs": result.new_inputs,
            "done_again": result.done_again,
            "forgotten": result.forgotten,
            **ledger.figures,
            "corpus_wer": ledger.corpus_wer,
        },
        "throughput": {
            "decoded_seconds": result.decoded_seconds,
            "wall_seconds": result.wall_seconds,
            "times_real_time": result.times_real_time,
        },
        "stages": result.stages.content(),
    }
    text = json.dumps(content, indent=1, sort_keys=True)
    # A run that starts at this moment must not clean the half-written file away.
    with in_use(job.output, lambda: None):
        store.write_whole(job.output, run_file(result.run_id), text.encode())


def _shown(value: object) -> object:
    """The value of a flag, without the secrets of addresses."""
    return redacted(value) if isinstance(value, str) else value


def _versions() -> dict[str, str]:
    versions = {"beam_audio": __version__, "python": platform.python_version()}
    for name in _VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
