"""A run with new rules alone judges committed rows; what else has changed is done as ever."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from support import run_outputs
from support.unit_runs import files, read_all

from beam_audio.curate.kept import kept_rules
from beam_audio.output.compact import compact
from beam_audio.quality.rules import load_rules
from beam_audio.run.curation import curate, restore

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.run.run_file import RunResult

BALANCED, STRICT = (load_rules(name) for name in ("balanced", "strict"))


class Corpus:
    """A manifest of recordings in one unit, and an output of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"

    def run(self, texts: list[str], output: str = "out", **flags: Any) -> RunResult:  # noqa: ANN401
        lines = []
        for index, text in enumerate(texts):
            path = self.folder / "audio" / f"{index}.wav"
            if not path.exists() and not (self.folder / "gone").exists():
                run_outputs.write_speech(path, index, seconds=4.0)
            lines.append(json.dumps({"audio": f"audio/{index}.wav", "text": text}))
        manifest = run_outputs.write_manifest(self.folder / "m.jsonl", list(lines))
        return run_outputs.run(manifest=manifest, output=self.folder / output, **flags)

    def delete_audio(self) -> None:
        shutil.rmtree(self.folder / "audio")
        (self.folder / "gone").touch()

    def kept(self, rules_id: str) -> int:
        found = (self.out / "decisions" / f"rules_id={rules_id}").glob("*.parquet")
        return sum(pq.read_metadata(each).num_rows for each in found)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    made = Corpus(tmp_path)
    made.run(["we walked home", "so it goes"])
    return made


@pytest.mark.parametrize("is_compacted", [False, True])
def test_new_rules_need_no_audio_and_keep_the_decisions_of_before(
    corpus: Corpus,
    is_compacted: bool,  # noqa: FBT001
) -> None:
    before = read_all(corpus.out)
    shutil.copytree(corpus.out, corpus.folder / "curated")
    if is_compacted:
        compact(str(corpus.out))
    corpus.delete_audio()
    done = corpus.run(["we walked home", "so it goes"], rules="strict")
    assert (done.exit_status, done.done_again, done.decoded_seconds) == (0, 2, 0.0)
    curate(str(corpus.folder / "curated"), STRICT)
    assert read_all(corpus.out) == read_all(corpus.folder / "curated")
    assert kept_rules(str(corpus.out)) == {BALANCED.rules_id}
    assert corpus.kept(BALANCED.rules_id) == len(before["segments"])
    stood = files(corpus.out)
    assert corpus.run(["we walked home", "so it goes"], rules="strict").done_again == 0
    assert {name: each for name, each in files(corpus.out).items() if name in stood} == stood
    restore(str(corpus.out), BALANCED.rules_id)
    assert read_all(corpus.out) == before


def test_other_statements_and_new_inputs_are_done_in_the_same_run(corpus: Corpus) -> None:
    texts = ["we walked home", "something else was said", "a third one"]
    done = corpus.run(texts, rules="strict")
    assert (done.exit_status, done.new_inputs, done.done_again) == (0, 1, 2)
    corpus.run(texts, output="fresh", rules="strict")
    assert read_all(corpus.out) == read_all(corpus.folder / "fresh")
    # Scores of the second recording are others now: only the first has decisions to go back to.
    judged = [row for row in read_all(corpus.out)["segments"] if row["uri"].endswith("/0.wav")]
    assert corpus.kept(BALANCED.rules_id) == len(judged) > 0
    assert corpus.run(texts, rules="strict").done_again == 0


def test_rows_of_an_older_schema_get_the_columns_that_rules_look_at(corpus: Corpus) -> None:
    for path in (corpus.out / "segments").rglob("*.parquet"):
        pq.write_table(pq.ParquetFile(path).read().drop_columns(["silence"]), path)
    rules = corpus.folder / "rules.yaml"
    rules.write_text("rules: [{reason: heard, decision: drop, column: silence, is: false}]")
    corpus.delete_audio()
    assert corpus.run(["we walked home", "so it goes"], rules=rules).done_again == 2
    rows = read_all(corpus.out)["segments"]
    assert {(row["silence"], row["decision"]) for row in rows} == {(False, "drop")}
