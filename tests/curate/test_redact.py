"""Redacted texts stand beside the texts, with spans in characters and in seconds."""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from support.project import ROOT
from support.run_outputs import listing, read_rows, run

from beam_audio.command.cli import main
from beam_audio.curate.redact import Redaction, redact_unit, with_redactions
from beam_audio.output.commits import read_commits
from beam_audio.output.parts import in_columns
from beam_audio.schema import file_schema

if TYPE_CHECKING:
    from pathlib import Path

TEXT = "Call 415-555-2671, please."
WORDS = [
    {"word": word, "start_seconds": float(n), "end_seconds": n + 0.5, "probability": 0.9}
    for n, word in enumerate([" Call", " 415", "-555", "-2671,", " please."])
]


def segments(**columns: list[Any]) -> pa.RecordBatch:
    """Rows of segments with these columns, all others null."""
    types = file_schema("segments")
    given = {name: pa.array(each, types.field(name).type) for name, each in columns.items()}
    nullable = pa.schema([each.with_nullable(nullable=True) for each in types])
    return in_columns(pa.RecordBatch.from_pydict(given), nullable)


def test_spans_have_the_times_of_their_words() -> None:
    rows = segments(text=[TEXT], text_language=["en"], words=[WORDS])
    (row,) = with_redactions("segments", rows).to_pylist()
    assert row["text"] == TEXT
    assert row["text_redacted"] == "Call [PHONE], please."
    assert row["redactions"] == [
        {"kind": "phone", "start": 5, "end": 17, "start_seconds": 1.0, "end_seconds": 3.5}
    ]


def test_without_word_times_a_span_has_characters_only() -> None:
    rows = segments(text=[TEXT, ""], text_language=["en", None], words=[None, None])
    first, empty = with_redactions("segments", rows).to_pylist()
    assert first["redactions"][0]["start_seconds"] is None
    assert (empty["text_redacted"], empty["redactions"]) == ("", [])


@pytest.fixture
def output(audio: Path, tmp_path: Path) -> Path:
    run(input=audio, output=tmp_path / "out")
    return tmp_path / "out"


def test_a_unit_is_written_once_and_nothing_else_changes(output: Path) -> None:
    before = read_rows(output, "segments"), read_rows(output, "recordings")
    (commit,) = read_commits(str(output))
    first = redact_unit(str(output), commit, run_id="r")
    assert first.units == {"written": 1}
    after = read_rows(output, "segments"), read_rows(output, "recordings")
    for rows, changed in zip(before, after, strict=True):
        assert all(row["text_redacted"] is not None for row in changed)
        own = {"text_redacted", "redactions"}
        assert [{k: v for k, v in row.items() if k not in own} for row in changed] == [
            {k: v for k, v in row.items() if k not in own} for row in rows
        ]
    stood = listing(output)
    (commit,) = read_commits(str(output))
    assert redact_unit(str(output), commit, run_id="r").units == {"unchanged": 1}
    assert listing(output) == stood


def test_the_command_redacts_an_output_of_an_earlier_schema(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = shutil.copytree(ROOT / "tests" / "data" / "output-2.0", tmp_path / "out")
    before = read_rows(output, "segments")
    assert main(["curate", str(output), "--redact=pii"]) == 0
    assert "units written" in capsys.readouterr().out
    rows = read_rows(output, "segments")
    assert [row["text"] for row in rows] == [row["text"] for row in before]
    assert all(row["text_redacted"] is not None for row in rows)
    assert main(["curate", str(output), "--redact=pii", "--rules=strict"]) == 2


def test_findings_add_up_and_are_read_back() -> None:
    one = Redaction(Counter({"phone": 2}), Counter({"written": 1}))
    both = Redaction.total([one, Redaction(Counter({"phone": 1, "iban": 1}))])
    assert both.kinds == {"phone": 3, "iban": 1}
    assert Redaction.of_json(both.to_json()) == both


def test_a_span_that_has_times_in_part_only_has_none() -> None:
    """Whoever mutes by times would leave the rest."""
    timed = [each for each in WORDS if each["word"] != "-555"]
    rows = segments(text=[TEXT], text_language=["en"], words=[timed])
    (row,) = with_redactions("segments", rows).to_pylist()
    (found,) = row["redactions"]
    assert (found["start_seconds"], found["end_seconds"]) == (None, None)
