"""Kaldi data folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.data_sets import write_text

from beam_audio import store
from beam_audio.inputs.formats.kaldi import read_kaldi
from beam_audio.inputs.found import input_of
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings, not sorted."""
    for name in "ab":
        (tmp_path / f"{name}.wav").write_bytes(b"x")
    write_text(tmp_path / "wav.scp", ["b b.wav", f"a {tmp_path}/a.wav"])
    return tmp_path


def read(folder: Path) -> tuple[list[AudioRef], list[str]]:
    items = [input_of(each) for each in read_kaldi(store.stat(str(folder / "wav.scp")))]
    refs = [each for each in items if isinstance(each, AudioRef)]
    return refs, [each.message for each in items if isinstance(each, Failure)]


def test_utterances_have_what_the_files_beside_say(folder: Path) -> None:
    write_text(folder / "text", ["a  ein Wort\tmehr ", "b"])
    write_text(folder / "utt2spk", ["a anna", "b anna"])
    write_text(folder / "utt2lang", ["a deu"])
    (b, a), failures = read(folder)
    assert not failures
    assert (a.reference_text, a.language) == ("ein Wort\tmehr", "de")
    assert dict(a.metadata) == {"id": "a", "speaker": "anna"}
    assert (b.uri, b.reference_text, b.language) == (f"{folder}/b.wav", "", None)


def test_segments_cut_recordings(folder: Path) -> None:
    write_text(folder / "segments", ["u1 a 0.5 2.25", "u2 a 3 -1", "u3 b 1 2 1"])
    write_text(folder / "text", ["u2 two", "u9 nobody"])
    refs, failures = read(folder)
    cuts = [(each.offset_seconds, each.duration_seconds, each.channel) for each in refs]
    assert cuts == [(0.5, 1.75, None), (3.0, None, None), (1.0, 1.0, 1)]
    assert [each.reference_text for each in refs] == [None, "two", None]
    assert failures == ["no recording or segment has the key 'u9' of this text"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c touch {folder}/ran; cat a.wav |", "commands are not run"),
        ("c | tee x", "commands are not run"),
        ("c -", "names no file"),
        ("c", "names no file"),
        ("c raw.ark:1234", "in a Kaldi archive"),
        ("c none.wav", "none.wav"),
        ("a b.wav", "comes twice"),
    ],
)
def test_what_is_no_file_is_a_failure_and_never_run(line: str, message: str, folder: Path) -> None:
    with (folder / "wav.scp").open("a") as scp:
        scp.write(line.format(folder=folder) + "\n")
    refs, failures = read(folder)
    assert len(refs) == 2
    (failure,) = failures
    assert message in failure
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    "line", ["u none 0 1", "u a 2 1", "u a x 1", "u a nan nan", "u a", "u", "u a -1 2", "u a 0 1 x"]
)
def test_a_segment_that_is_none_is_a_failure(line: str, folder: Path) -> None:
    write_text(folder / "segments", ["good a 0 1", line])
    refs, failures = read(folder)
    assert (len(refs), len(failures)) == (1, 1)
