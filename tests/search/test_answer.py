"""A question to an output, whatever became of its index."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest
from support.said_outputs import say
from support.said_voices import MODEL, stored, voices

from beam_audio.errors import ConfigError
from beam_audio.output.compact import compact
from beam_audio.search.answer import WAITS, answer
from beam_audio.search.find import Asked
from beam_audio.search.refresh import Refreshing
from beam_audio.search.similar import Sound

INDEX = "_search/index.sqlite"


def ask(root: str, words: str) -> tuple[list[str], list[str]]:
    """Texts that are found, and what is said meanwhile."""
    lines: list[str] = []
    found = answer(root, words, Asked(20), Refreshing(), lines.append)
    return [hit.text for hit in found.hits], lines


def test_what_was_committed_since_is_found_at_once(root: str) -> None:
    say(root, "a", "two boats")
    assert ask(root, "boats") == (["two boats"], [])
    say(root, "b", "three boats")
    assert sorted(ask(root, "boats")[0]) == ["three boats", "two boats"]


def test_while_units_are_written_and_merged_nothing_is_missed_or_found_twice(root: str) -> None:
    say(root, "0", "boat 0")
    written = [0]

    def write() -> None:
        for number in range(1, 12):
            say(root, str(number), f"boat {number}")
            written.append(number)
            if number == 6:
                compact(root)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        before = len(written)
        found = answer(root, "boat", Asked(100), Refreshing(), print)
        texts = [hit.text for hit in found.hits]
        assert before <= len(texts) <= 12
        assert len(texts) == len(set(texts)) == found.total
    writer.join()
    assert len(ask(root, "boat")[0]) == 12


def test_while_units_are_written_each_voice_is_found_once(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists are made anew again and again meanwhile."""
    monkeypatch.setattr("beam_audio.search.voices._FEWEST", 4)
    say(root, "0", "call 0", **voices(1))
    written = [1]

    def write() -> None:
        for number in range(1, 10):
            texts = [f"call {number} {at}" for at in range(number)]
            say(root, str(number), *texts, **voices(*(at % 3 for at in range(number))))
            written.append(written[-1] + number)

    writer = threading.Thread(target=write)
    writer.start()
    asked = Asked(100, like=Sound(MODEL, stored(1)))
    while writer.is_alive():
        before = written[-1]
        found = answer(root, "", asked, Refreshing(), print)
        texts = [hit.text for hit in found.hits]
        assert before <= len(texts) <= 46
        assert len(texts) == len(set(texts)) == found.total
    writer.join()
    assert answer(root, "", asked, Refreshing(), print).total == 46


@pytest.mark.parametrize("damage", ["text", "cut", "inside", "version"])
def test_an_index_that_is_not_sound_is_made_anew(root: str, damage: str) -> None:
    say(root, "a", *(f"boat {number}" for number in range(2000)))
    ask(root, "boat")
    file = Path(root, INDEX)
    content = file.read_bytes()
    if damage == "text":
        file.write_bytes(b"no database" * 1000)
    elif damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "inside":
        file.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    else:
        file.write_bytes(content[:60] + b"\0\0\0\1" + content[64:])
    texts, lines = ask(root, '"boat 77"')
    assert texts == ["boat 77"]
    assert len(lines) == 1
    assert lines[0].startswith("the search index is made anew: ")


def test_an_output_that_cannot_be_written_has_its_index_in_the_cache(
    root: str, cache: Path
) -> None:
    say(root, "a", "two boats")
    Path(root, "_search").touch()  # in the way, as no right to write would be for others than root
    assert ask(root, "boats")[0] == ["two boats"]
    (folder,) = (cache / "search").iterdir()
    assert folder.stat().st_mode & 0o77 == 0


def test_who_comes_second_waits_and_then_answers(root: str) -> None:
    say(root, "a", "two boats")
    ask(root, "boats")
    done: list[tuple[list[str], list[str]]] = []
    with Path(root, "_search/.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = threading.Thread(target=lambda: done.append(ask(root, "boats")))
        second.start()
        second.join(0.5)
        assert not done
    second.join()
    assert done == [(["two boats"], [WAITS])]


def test_a_folder_that_is_no_output_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no output"):
        ask(str(tmp_path), "boats")
    assert list(tmp_path.iterdir()) == []


def test_an_output_without_rows_is_told(tmp_path: Path) -> None:
    (tmp_path / "_units").mkdir()
    with pytest.raises(ConfigError, match="no rows yet"):
        ask(str(tmp_path), "boats")
