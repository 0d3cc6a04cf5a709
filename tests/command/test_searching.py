"""What search prints and writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import Command, read_rows, run_words
from support.said_outputs import say

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    say(
        tmp_path / "out", "a", "Two boats crossed the lake", "long " * 200 + "boats " + "tail " * 50
    )
    say(tmp_path / "out", "b\x1b[2J", "A \x1b[31m boat", decision=["drop"])
    return tmp_path / "out"


def test_hits_have_score_second_decision_file_and_marks(command: Command, root: Path) -> None:
    status, out, err = command("search", root, "lake crossed")
    assert (status, err) == (0, "")
    _, first, second, last = out.splitlines()
    assert first.split()[1:3] == ["0.00", "keep"]
    assert first.endswith("Two boats [crossed] the [lake]")
    assert second.split()[0] == "/calls/a.wav"
    assert last == "1 of 1 segments"


def test_long_texts_are_cut_around_the_mark_and_no_code_of_a_terminal_is_printed(
    command: Command, root: Path
) -> None:
    _, out, _ = command("search", root, "boat*")
    (line,) = (line for line in out.splitlines() if "tail" in line)
    assert len(line) < 400
    assert "…" in line
    assert "[boats]" in line
    assert "\x1b" not in out
    assert out.endswith("3 of 3 segments\n")


def test_the_same_is_printed_as_json(command: Command, root: Path) -> None:
    status, out, _ = command("search", root, "boat*", "--format=json", "--limit=1")
    found = json.loads(out)
    assert status == 0
    assert (found["words"], found["total"], len(found["hits"])) == ("boat*", 3, 1)
    (hit,) = found["hits"]
    assert [hit["text"][start:end] for start, end in hit["marks"]] == ["boat"]


def test_segments_are_chosen_by_decision_or_condition(command: Command, root: Path) -> None:
    for flag in ("--decision=drop", "--where=decision = 'drop'"):
        found = json.loads(command("search", root, "boat*", flag, "--format=json")[1])
        assert [hit["decision"] for hit in found["hits"]] == ["drop"]
    assert command("search", root, "boat*", "--decision=drop", "--where=true")[0] == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["…"], "no word"),
        (["boat", "--limit=0"], "1 or more"),
        (["boat", "--wher=x"], "--where"),
        (["boat", "--where=nothing ="], "not understood"),
        (["boat", "--page=/none/page.html"], "cannot be written"),
    ],
)
def test_what_cannot_be_asked_is_told(
    command: Command, root: Path, words: list[str], complaint: str
) -> None:
    status, _, err = command("search", root, *words)
    assert status == 2
    assert complaint in err


def test_a_page_has_a_player_for_each_hit(command: Command, audio: Path, tmp_path: Path) -> None:
    assert command(*run_words(audio, tmp_path / "out"))[0] == 0
    word = read_rows(tmp_path / "out", "segments")[0]["text"].split()[0]
    page = tmp_path / "found.html"
    status, out, _ = command("search", tmp_path / "out", word, f"--page={page}")
    assert (status, out.strip()) == (0, f"written to  {page}")
    found = json.loads(command("search", tmp_path / "out", word, "--format=json")[1])
    assert page.read_text("utf-8").count('"opus"') == found["total"] > 0
