"""How a run ended: the result and the run file."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.output import commits
from beam_audio.output.folder import in_use
from beam_audio.output.ledger import Ledger, read_ledger
from beam_audio.schema import SCHEMA_VERSION
from beam_audio.store.output_names import run_file
from beam_audio.version import __version__

if TYPE_CHECKING:
    from beam_audio.output.commits import Commit
    from beam_audio.run.config import RunConfig
    from beam_audio.unit.work import UnitSettings

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
        ledger: The account of all rows against this run's inputs.
        listed: Inputs listed, duplicates counted.
        new_inputs: Distinct inputs that were not committed before.
        new_undecoded: Those of them without a row in ``recordings/``.
        done_again: Inputs that were committed before and of which something was done again.
        decoded_seconds: Source seconds decoded by this run.
        wall_seconds: From the start of the graph, once built, to its end.
        providers: Execution providers of this run's units.
    """

    run_id: str
    ledger: Ledger
    listed: int
    new_inputs: int
    new_undecoded: int
    done_again: int
    decoded_seconds: float
    wall_seconds: float
    providers: tuple[str, ...]

    @property
    def exit_status(self) -> int:
        """0: the ledger balances; 1: it does not; 3: new input and none of it decoded."""
        if not self.ledger.balances:
            return 1
        return 3 if self.new_inputs and self.new_inputs == self.new_undecoded else 0

    @property
    def times_real_time(self) -> float | None:
        """Source seconds decoded a second of the run, None when nothing was new."""
        return self.decoded_seconds / self.wall_seconds if self.decoded_seconds else None


def result_of(
    output: str,
    run_id: str,
    listed: list[str],
    before: list[Commit],
    wall_seconds: float,
) -> RunResult:
    """How a run ended, from the rows there are and the records there were before."""
    versions = {commit.unit_id: commit.version for commit in before}
    known = {source_id: state for commit in before for source_id, state in commit.sources.items()}
    fresh = [
        commit
        for commit in commits.read_commits(output)
        if commit.version > versions.get(commit.unit_id, 0)
    ]
    ledger = read_ledger(output, listed)
    new = set(listed) - known.keys()
    return RunResult(
        run_id=run_id,
        ledger=ledger,
        listed=len(listed),
        new_inputs=len(new),
        new_undecoded=len(new & ledger.undecoded),
        done_again=sum(
            known.get(source_id, state) != state
            for commit in fresh
            for source_id, state in commit.sources.items()
        ),
        decoded_seconds=sum(commit.decoded_seconds for commit in fresh),
        wall_seconds=wall_seconds,
        providers=tuple(sorted({commit.provider for commit in fresh})),
    )


def write_run_file(config: RunConfig, settings: UnitSettings, result: RunResult) -> None:
    """Write ``run-<run_id>.json``."""
    ledger = result.ledger
    content = {
        "run_id": result.run_id,
        "schema_version": SCHEMA_VERSION,
        "configuration": asdict(config),
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
            **ledger.figures,
            "corpus_wer": ledger.corpus_wer,
        },
        "throughput": {
            "decoded_seconds": result.decoded_seconds,
            "wall_seconds": result.wall_seconds,
            "times_real_time": result.times_real_time,
        },
    }
    text = json.dumps(content, indent=1, sort_keys=True)
    # A run that starts at this moment must not clean the half-written file away.
    with in_use(config.output, lambda: None):
        store.write_whole(config.output, run_file(result.run_id), text.encode())


def _versions() -> dict[str, str]:
    versions = {"beam_audio": __version__, "python": platform.python_version()}
    for name in _VERSIONED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
