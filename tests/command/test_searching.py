"""What search prints and writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import Command, read_rows, run_words
from support.said_outputs import say
from support.said_voices import voices

from beam_audio.types import stable_id

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


def test_flags_may_come_before_the_words(command: Command, root: Path) -> None:
    assert command("search", root, "--limit=1", "boat*")[1].endswith("1 of 3 segments\n")
    assert command("search", root, "--limit=1", "boat*", "lake")[0] == 2


def test_segments_are_found_by_who_sounds_like_another(command: Command, root: Path) -> None:
    say(root, "c", "who is it", "it is me", "a boat", "a lake", **voices(1, 2, 1, 1))
    like = f"--like={stable_id('segment', 'c', 0)}"
    status, out, err = command("search", root, like, "--limit=2")
    assert (status, err) == (0, "")
    assert sorted(line.split("keep")[1].strip() for line in out.splitlines() if "keep" in line) == [
        "a boat", "a lake"
    ]  # fmt: skip
    assert out.endswith("2 of 3 segments\n")
    found = json.loads(command("search", root, like, "boat", "--format=json")[1])
    assert (found["words"], f"--like={found['like']}", found["total"]) == ("boat", like, 1)
    assert 0.5 < found["hits"][0]["score"] < 1


@pytest.mark.shared
def test_segments_are_found_by_who_sounds_like_a_clip(
    command: Command, shared_data: Path, shared_models: Path, tmp_path: Path
) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for name in ("1688-142285-0003", "1998-15444-0001"):
        (clips / f"{name}.flac").symlink_to(shared_data / "librispeech" / f"{name}.flac")
    networks, output = f"--speaker_model={shared_models}", tmp_path / "out"
    assert command(*run_words(clips, output, networks))[0] == 0
    like = f"--like={shared_data}/librispeech/1688-142285-0006.flac"
    found = json.loads(command("search", output, like, networks, "--format=json")[1])
    alike = {hit["uri"][-21:-5] for hit in found["hits"] if hit["score"] > 0.5}
    assert alike == {"1688-142285-0003"}
    other = tmp_path / "other"
    other.mkdir()
    for model in shared_models.glob("*.onnx"):
        (other / model.name.replace("campplus", "campplus_b")).symlink_to(model)
    status, _, err = command("search", output, like, f"--speaker_model={other}")
    assert status == 2
    assert "embeddings of campplus_192_int8w-" in err
    assert "none of campplus_b_192_int8w-" in err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "give words, or --like"),
        (["--like=clip.wav"], "with --speaker_model=NAME"),
        (["boat", "--speaker_model=models"], "neither without the other"),
        ([f"--like={'a' * 32}", "--speaker_model=models"], "--like=SEGMENT_ID needs none"),
        ([f"--like={'a' * 32}"], f"no segment {'a' * 32}"),
        (["--like=clip.wav", "--speaker_model=models"], "--speaker_model=models: models holds 0"),
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
