"""Memory and time of a long list alone: nothing is decoded and nothing recognised.

Writes a manifest of cuts of some files, commit records of all of them in units of 64, and rows of
these units in part files. Then takes each step of a run in a process of its own: reading the list,
planning it for an empty output and for the full one, and the ledger; and what other verbs do with
all commit records. Prints one table.

    python benchmarks/lists.py --inputs 1000000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from machine import describe_machine, machine_line
from reference import markdown_table

from beam_audio.curate.chosen import Selector
from beam_audio.curate.forget import forget
from beam_audio.inputs.listed import WAVE_INPUTS, ListedInputs, list_lines
from beam_audio.output.commits import Commit, InputState, read_commits, unit_id, write_commit
from beam_audio.output.compact import compact
from beam_audio.output.ledger import read_ledger
from beam_audio.output.status import read_status
from beam_audio.quality.rules import load_rules
from beam_audio.report.account import ledger_of
from beam_audio.report.tables import keep_figures, opened_tables
from beam_audio.run.curation import curate
from beam_audio.schema import file_schema
from beam_audio.types import AudioRef, stable_id
from beam_audio.unit.packing import MAX_UNIT_INPUTS
from beam_audio.unit.planning import plan
from beam_audio.unit.record_index import RecordIndex
from beam_audio.unit.tasks import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beam_audio.schema import Table

FILES: Final = 1000
RATE_HZ: Final = 8000
LAYERS: Final = {name: stable_id(name) for name in ("decode", "segment", "measures", "model")}
WANTED: Final = Wanted(LAYERS)
UNIT_BYTES: Final = 64 << 20
TABLES: Final[tuple[Table, ...]] = ("recordings", "segments")


def prepare(folder: Path, inputs: int) -> None:
    """Write the list, and an output in which all of it is done."""
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:04}.wav").write_bytes(b"x")
    manifest = folder / "list.jsonl"
    with manifest.open("w", encoding="utf-8") as file:
        for number in range(inputs):
            cut = {"offset": float(number // FILES), "duration": 1.0}
            line = {"audio_filepath": f"{number % FILES:04}.wav", "text": "some words"} | cut
            file.write(json.dumps(line) + "\n")
    unit: list[AudioRef] = []
    for wave in _listed(folder).waves(WAVE_INPUTS):
        unit += [item for item in wave if isinstance(item, AudioRef)]
        while len(unit) >= MAX_UNIT_INPUTS:
            _commit(folder / "out", unit[:MAX_UNIT_INPUTS])
            del unit[:MAX_UNIT_INPUTS]
    if unit:
        _commit(folder / "out", unit)


def _listed(folder: Path) -> ListedInputs:
    return list_lines(str(folder / "list.jsonl"))


def _commit(output: Path, refs: Sequence[AudioRef]) -> None:
    ids = [ref.source_id for ref in refs]
    name = unit_id(ids)
    files = tuple(f"{table}/date=unknown/part-{name}-1-0.parquet" for table in TABLES)
    for table, file in zip(TABLES, files, strict=True):
        path = output / file
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = file_schema(table, without=("date",))
        needed = {field.name: _nothing(field.type) for field in columns if not field.nullable}
        rows = [needed | _row(ref, source_id) for ref, source_id in zip(refs, ids, strict=True)]
        pq.write_table(pa.Table.from_pylist(rows, schema=columns), path, compression="zstd")
    states = {
        source_id: InputState(
            "recorded", ref.place_id, ref.stated_id, None, LAYERS, (stable_id("r", source_id),)
        )
        for ref, source_id in zip(refs, ids, strict=True)
    }
    write_commit(str(output), Commit(name, states, {}, files))


def _nothing(kind: pa.DataType) -> object:
    if pa.types.is_string(kind):
        return ""
    return [] if pa.types.is_list(kind) else 0


def _row(ref: AudioRef, source_id: str) -> dict[str, Any]:
    """What the ledger reads of a recording and of its segment."""
    samples = {f"{name}_samples": 0 for name in ("review", "drop", "failed", "skipped")}
    return samples | {
        "recording_id": stable_id("r", source_id),
        "segment_id": stable_id("s", source_id),
        "source_id": source_id,
        "uri": ref.uri,
        "sample_rate_hz": RATE_HZ,
        "decoded_seconds": 1.0,
        "keep_samples": RATE_HZ,
        "core_start_seconds": 0.0,
        "core_end_seconds": 1.0,
        "decision": "keep",
        "reasons": ["no_reference"],
    }


def read_list(folder: Path) -> None:
    """The list alone; no file is looked at."""
    _listed(folder)


def plan_new(folder: Path) -> None:
    """Every file is looked at, and all are new."""
    _plan(folder, RecordIndex([]))


def plan_done(folder: Path) -> None:
    """Every file is looked at, and all are done."""
    _plan(folder, RecordIndex(read_commits(str(folder / "out"))))


def _plan(folder: Path, before: RecordIndex) -> None:
    for wave in _listed(folder).waves(WAVE_INPUTS):
        committed = before.at({item.place_id for item in wave})
        plan(wave, committed, WANTED, UNIT_BYTES)


def balance(folder: Path) -> None:
    """The ledger of all rows."""
    committed = read_commits(str(folder / "out"))
    listed = (source_id for commit in committed for source_id in commit.sources)
    if not read_ledger(str(folder / "out"), listed).balances:
        raise SystemExit("the ledger does not balance")


def report(folder: Path) -> None:
    """Tables and ledger of a report, without its page."""
    with opened_tables(str(folder / "out")) as tables:
        keep_figures(tables, None)
        ledger_of(tables)


def judge(folder: Path) -> None:
    """All rows are judged by other rules, by as many processes as cores; nothing is written."""
    curate(str(folder / "out"), load_rules("lenient"), dry_run=True)


def forget_one(folder: Path) -> None:
    """One input is forgotten, and all files are searched for it."""
    source_id = next(iter(next(read_commits(str(folder / "out"))).sources))
    forget(str(folder / "out"), Selector(recording=stable_id("r", source_id)))


STEPS: Final[dict[str, Callable[[Path], object]]] = {
    "read the list": read_list,
    "and plan it, all new": plan_new,
    "and plan it, all done": plan_done,
    "ledger": balance,
    "status": lambda folder: read_status(str(folder / "out")),
    "report": report,
    "curate, dry run": judge,
    "compact": lambda folder: compact(str(folder / "out")),
    "forget one, compacted": forget_one,
}


def measure(folder: Path, step: str) -> tuple[object, ...]:
    """A line of the table: seconds, processor seconds and peak memory of a step."""
    command = [sys.executable, __file__, "--folder", str(folder), "--step", step]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    return step, *(f"{found[name]:.1f}" for name in ("wall", "cpu", "before", "peak"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--folder", help="where list and output go for the time")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        before, start = _peak_mebibytes(), time.monotonic()
        STEPS[given.step](Path(given.folder))
        took = {"wall": time.monotonic() - start, "cpu": time.process_time()}
        print(json.dumps(took | {"before": before, "peak": _peak_mebibytes()}))
        return
    with tempfile.TemporaryDirectory(dir=given.folder) as scratch:
        folder = Path(scratch, "lists")
        prepare(folder, given.inputs)
        lines = [measure(folder, step) for step in STEPS]
    print(f"{machine_line(describe_machine())}; {given.inputs:,} inputs\n")
    print(markdown_table(("step", "s", "CPU s", "MiB at start", "peak MiB"), lines))


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
