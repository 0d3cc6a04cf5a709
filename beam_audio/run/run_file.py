"""How a run ended: its result, and the run file that records it."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.inputs.redaction import redacted
from beam_audio.inputs.tombstones import read_forgotten
from beam_audio.output import commits
from beam_audio.output.causes import Causes, read_causes
from beam_audio.output.folder import in_use
from beam_audio.output.ledger import Ledger, read_ledger
from beam_audio.run.stage_table import StageTable
from beam_audio.schema import SCHEMA_VERSION
from beam_audio.store.output_names import run_file
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.run.job import Job

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
        left_out: What was left out of a folder, in words; empty for nothing.
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


def result_of(job: Job, listed: Sequence[str], wall_seconds: float) -> RunResult:
    """How a run ended, from the rows there are now and the records there were before.

    Args:
        job: The run.
        listed: Source ids of its inputs, as they were listed.
        wall_seconds: How long its graph took.
    """
    versions = {commit.unit_id: commit.version for commit in job.before}
    known = {name: state for commit in job.before for name, state in commit.sources.items()}
    committed = [each for each in commits.read_commits(job.output) if not each.is_closed]
    fresh = [each for each in committed if each.version > versions.get(each.unit_id, 0)]
    forgotten = read_forgotten(job.output).among(listed)
    ledger = read_ledger(job.output, listed, committed=committed, forgotten=forgotten)
    new = set(listed) - known.keys() - forgotten
    done_again = {
        name
        for commit in fresh
        for name, state in commit.sources.items()
        if known.get(name, state) != state
    }
    return RunResult(
        run_id=job.run_id,
        ledger=ledger,
        listed=len(listed),
        new_inputs=len(new),
        new_undecoded=len(new & ledger.undecoded),
        done_again=len(done_again),
        failed_again=len(done_again & ledger.undecoded),
        decoded_seconds=sum(commit.decoded_seconds for commit in fresh),
        wall_seconds=wall_seconds,
        providers=tuple(sorted({commit.provider for commit in fresh} - {""})),
        causes=read_causes(job.output, committed, ledger.undecoded, _decisive(job, ledger)),
        forgotten=len(forgotten),
        left_out=job.left_out,
        stages=StageTable.of(fresh),
    )


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
