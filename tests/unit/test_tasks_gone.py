"""Inputs of a manifest whose files are gone: their rows follow rules, normaliser and statements."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from support import run_outputs
from support.unit_runs import files, read_all

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.run.run_file import RunResult


class Corpus:
    """A manifest of two recordings, and the outputs of runs over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for index in range(2):
            run_outputs.write_speech(folder / "audio" / f"{index}.wav", index, seconds=4.0)

    def run(
        self,
        output: str = "out",
        *,
        stated: dict[str, Any] | None = None,
        **flags: Any,  # noqa: ANN401 - flags of run
    ) -> RunResult:
        lines = [
            {"audio": f"audio/{index}.wav", "text": "we walked home", **(stated or {})}
            for index in range(2)
        ]
        manifest = self.folder / "manifest.jsonl"
        manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return run_outputs.run(manifest=manifest, output=self.folder / output, **flags)

    def delete_audio(self) -> None:
        shutil.rmtree(self.folder / "audio")


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"rules": "strict"},
        {"normalizer": "none"},
        {
            "stated": {
                "text": "something else was said",
                "speaker": "anna",
                "lang": "de",
                "event_time": "2020-02-02T00:00:00Z",
            }
        },
    ],
    ids=["rules", "normalizer", "statements"],
)
def test_rows_are_those_of_a_run_that_has_the_audio(corpus: Corpus, change: dict[str, Any]) -> None:
    corpus.run()
    corpus.run("fresh", **change)
    corpus.delete_audio()
    done = corpus.run(**change)
    assert (done.exit_status, done.ledger.failures, done.done_again) == (0, {}, 2)
    assert read_all(corpus.folder / "out") == read_all(corpus.folder / "fresh")
    stood = tables(corpus)
    assert corpus.run(**change).exit_status == 0
    assert tables(corpus) == stood


def tables(corpus: Corpus) -> dict[str, bytes]:
    """Every file of the output but run files."""
    found = files(corpus.folder / "out")
    return {name: content for name, content in found.items() if not name.startswith("run-")}


def test_without_a_change_nothing_fails(corpus: Corpus) -> None:
    corpus.run()
    before = read_all(corpus.folder / "out")
    corpus.delete_audio()
    assert corpus.run().exit_status == 0
    assert read_all(corpus.folder / "out") == before


def test_what_needs_the_audio_fails_and_the_rows_stay(corpus: Corpus) -> None:
    corpus.run()
    before = read_all(corpus.folder / "out")
    corpus.delete_audio()
    corpus.run(rules="strict")
    corpus.run(segmenter="fixed")
    after = read_all(corpus.folder / "out")
    assert len(after["failures"]) == 2
    ids = [{row["segment_id"] for row in rows["segments"]} for rows in (before, after)]
    assert ids[0] == ids[1]
    corpus.run(rules="lenient")
    assert read_all(corpus.folder / "out")["failures"] == []


def test_files_that_come_back_are_done_already(corpus: Corpus) -> None:
    corpus.run()
    shutil.move(corpus.folder / "audio", corpus.folder / "away")
    corpus.run(rules="strict")
    shutil.move(corpus.folder / "away", corpus.folder / "audio")
    stood = tables(corpus)
    assert corpus.run(rules="strict").done_again == 0
    assert tables(corpus) == stood


def test_a_file_that_never_had_rows_is_a_failure(corpus: Corpus) -> None:
    corpus.delete_audio()
    done = corpus.run()
    assert sum(done.ledger.failures.values()) == 2
    stood = tables(corpus)
    corpus.run()
    assert tables(corpus) == stood


def test_lines_that_contradict_one_another_change_nothing(corpus: Corpus) -> None:
    corpus.run()
    before = read_all(corpus.folder / "out")["segments"]
    corpus.delete_audio()
    lines = [{"audio": "audio/0.wav", "text": text} for text in ("one", "another")]
    manifest = corpus.folder / "other.jsonl"
    manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    run_outputs.run(manifest=manifest, output=corpus.folder / "out")
    assert read_all(corpus.folder / "out")["segments"] == before
