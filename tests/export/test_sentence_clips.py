"""Recordings with a text as a manifest of sentences, and what reader and text differ in."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.unit_runs import (
    Scripted,
    levels,
    ref,
    settings,
    texts_by_loudness,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.curate.redact import redact_unit
from beam_audio.errors import ConfigError
from beam_audio.export.note import read_exports
from beam_audio.export.sentence_clips import CLIPS, DIFFERENCES, cut_out
from beam_audio.inputs.manifest import parse_line
from beam_audio.output.commits import read_commits
from beam_audio.types import Transcript, Word

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.types import AudioRef

HEARD = ("", "The dog was small.", "Call 555 123 4567 now.", "The air is pure.")
TEXT = "The dog was small. Nobody came. The air is pure."


def hear(request: Request) -> Transcript:
    """A sentence by the loudness of its second, with words from 0.2 to 0.8 s."""
    text = HEARD[round(float(np.abs(request.samples).max()) * 10)]
    words = text.split()
    step = 0.6 / max(len(words), 1)
    times = [(0.2 + n * step, 0.2 + (n + 1) * step) for n in range(len(words))]
    return Transcript(text, "en", words=tuple(map(_word, words, times)))


def _word(text: str, times: tuple[float, float]) -> Word:
    return Word(text, *times, 0.9)


@pytest.fixture
def source(tmp_path: Path) -> AudioRef:
    file = write(tmp_path / "a.wav", tones(levels(3)))
    return replace(ref(file, reference_text=TEXT), language="en")


def lines(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(each) for each in (folder / name).read_text("utf-8").splitlines()]


def test_sentences_are_lines_of_a_manifest_and_differences_beside(
    tmp_path: Path, source: AudioRef
) -> None:
    out, folder = tmp_path / "out", tmp_path / "cut"
    transcribe(out, source, recognizer=Scripted(hear))
    done = cut_out(str(out), str(folder))
    assert done.sentences == {"read": 2, "not_read": 1, "added": 1}
    assert (done.recordings, done.left_out) == (1, Counter())
    first, second = lines(folder, CLIPS)
    assert (first["text"], second["text"]) == ("The dog was small.", "The air is pure.")
    assert done.clip_seconds == pytest.approx(first["duration"] + second["duration"])
    assert 0 <= first["offset"] <= 0.2
    assert 0.8 <= first["offset"] + first["duration"] <= 1.2
    assert 1.8 <= second["offset"] <= 2.2
    entry = parse_line(json.dumps(first).encode())
    assert (entry.path, entry.reference_text, entry.language) == (source.uri, first["text"], "en")
    assert (entry.offset_seconds, entry.duration_seconds) == (first["offset"], first["duration"])
    missing, added = lines(folder, DIFFERENCES)
    assert (missing["difference"], missing["text"]) == ("not_read", "Nobody came.")
    assert "offset" not in missing
    assert (added["difference"], added["heard"], added["text"]) == ("added", HEARD[2], "")
    assert 0.8 <= added["offset"] <= 1.2
    assert read_exports(str(out)) == [str(folder)]


def test_a_recording_that_is_a_part_of_a_file_is_cut_in_the_file(
    tmp_path: Path, source: AudioRef
) -> None:
    out, folder = tmp_path / "out", tmp_path / "cut"
    part = replace(source, offset_seconds=1.0, duration_seconds=2.0)
    transcribe(out, part, recognizer=Scripted(hear))
    cut_out(str(out), str(folder))
    (clip,) = lines(folder, CLIPS)
    assert clip["text"] == "The air is pure."
    assert 1.8 <= clip["offset"] <= 2.2


@pytest.mark.parametrize(
    ("stated", "heard", "why"),
    [
        ({"reference_text": None}, hear, "have no text"),
        ({}, texts_by_loudness(*HEARD[1:]), "have no word times"),
    ],
)
def test_what_cannot_be_cut_is_told(
    tmp_path: Path,
    source: AudioRef,
    stated: dict[str, Any],
    heard: Callable[[Request], Transcript],
    why: str,
) -> None:
    out = tmp_path / "out"
    transcribe(out, replace(source, **stated), recognizer=Scripted(heard))
    with pytest.raises(ConfigError, match=why):
        cut_out(str(out), str(tmp_path / "cut"))
    assert not (tmp_path / "cut").exists()
    assert read_exports(str(out)) == []


def test_redacted_recordings_are_left_out(tmp_path: Path, source: AudioRef) -> None:
    out = tmp_path / "out"
    transcribe(out, source, recognizer=Scripted(hear))
    for commit in read_commits(str(out)):
        redact_unit(str(out), commit, run_id="r")
    with pytest.raises(ConfigError, match="1 have redacted words"):
        cut_out(str(out), str(tmp_path / "cut"))


def test_the_folder_is_not_in_the_output(tmp_path: Path, source: AudioRef) -> None:
    out = tmp_path / "out"
    transcribe(out, source, recognizer=Scripted(hear))
    with pytest.raises(ConfigError, match="is in the output"):
        cut_out(str(out), str(out / "cut"))


def test_another_text_is_cut_without_hearing_again(tmp_path: Path, source: AudioRef) -> None:
    out, folder = tmp_path / "out", tmp_path / "cut"
    recognizer = Scripted(hear)
    transcribe(out, source, recognizer=recognizer)
    update(out, replace(source, reference_text=HEARD[3]), using=settings())
    cut_out(str(out), str(folder))
    assert [each["text"] for each in lines(folder, CLIPS)] == [HEARD[3]]
