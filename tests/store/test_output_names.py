"""Names in an output folder: the table holds everything that runs leave there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.io.filesystem import FileSystem
from apache_beam.options.pipeline_options import PipelineOptions
from support import run_outputs
from support.project import ROOT
from support.run_outputs import write_byte, write_speech

from beam_audio.curate.curate_unit import ByRules, curate_unit
from beam_audio.inputs.from_message import MAX_INLINE_BYTES
from beam_audio.inputs.messages import Message
from beam_audio.output.commits import read_commits
from beam_audio.output.compact import compact
from beam_audio.quality.rules import load_rules
from beam_audio.run import stream
from beam_audio.run.job import check_run
from beam_audio.store.output_names import BATCH, CLAIMS, NAMES, SAVED_WORK, TABLES, TEMPORARY
from beam_audio.stream.outbox import note
from beam_audio.stream.reservations import index_commits

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def matching(path: str) -> set[str]:
    """Patterns of the table that match a path relative to an output."""
    return {name for name in NAMES if re.match(FileSystem.translate_pattern(name), path)}


def run_batch(tmp_path: Path) -> Path:
    """An output of a batch of two units and a broken file."""
    for index in range(2):
        write_speech(tmp_path / "in" / f"{index}.wav", index, seconds=1.0)
    write_byte(tmp_path, "in/broken.wav")
    run_outputs.run(input=tmp_path / "in", output=tmp_path / "out", unit_bytes=1)
    return tmp_path / "out"


def run_stream(out: Path) -> None:
    """A stream of two messages: one nobody can read, one with much audio in it."""
    config = run_outputs.settings(subscription="projects/p/subscriptions/s", output=out)
    options = PipelineOptions()
    job = check_run(config, options)
    large = Message(bytes(MAX_INLINE_BYTES + 1), {"content_type": "audio/wav"}, "1", NOON)
    index_commits(str(out))
    with beam.Pipeline("FnApiRunner", options=options) as pipeline:
        messages = pipeline | beam.Create([large, Message(b"{", {}, "2", NOON)])
        stream.build(messages, job, stream.Intervals(f"{job.run_id}-000001", None, None))


def test_the_table_names_everything_that_runs_leave(tmp_path: Path) -> None:
    out = run_batch(tmp_path)
    compact(str(out))
    unit = next(each for each in read_commits(str(out)) if each.rows["segments"])
    curate_unit(str(out), unit, ByRules(load_rules("strict")), run_id="curation")
    run_stream(out)
    note(str(out), "0" * 32, 1)  # written before a unit whose rows are to be published
    left = [str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()]
    assert [path for path in left if not matching(path)] == []
    used = set().union(*map(matching, left))
    of_other_verbs = {"_exports/*.json", "_forgotten/*.json", "_forgotten/key", "report.html"}
    of_other_verbs |= {"corrections/*.json", "_search/index.sqlite*"}
    of_other_verbs |= {
        "_registered/*.json",
        "_tables/**",
        *(f"{each}/_delta_log/**" for each in TABLES),
    }
    gone = {f"{TEMPORARY}/**", BATCH, f"{CLAIMS}/*.json", f"{SAVED_WORK}/**"}
    assert set(NAMES) - used == gone | of_other_verbs


def test_the_docs_explain_every_name() -> None:
    documented = (ROOT / "docs" / "storage.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in documented] == []
