"""People of an output: who is heard in several recordings, found from rows alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.run_outputs import everything
from support.unit_runs import VAD, read_all, ref, settings, transcribe

from beam_audio.command.cli import main
from beam_audio.curate.corpus_speakers import Heard, people_of
from beam_audio.speakers.networks import find_model

if TYPE_CHECKING:
    from beam_audio.types import Row

ANN, BOB, CLEO = np.eye(192, dtype=np.float32)[:3]
CLIPS = ("1688-142285-0003.flac", "1998-15444-0001.flac", "1688-142285-0005.flac")


def heard(*speakers: tuple[str, np.ndarray, float]) -> Heard:
    found = Heard()
    for recording, direction, seconds in speakers:
        found.add((recording, "S1"), direction, seconds)
    return found


def test_people_are_numbered_by_how_long_they_are_heard() -> None:
    found = people_of(
        {"m": heard(("a", ANN, 4.0), ("b", BOB, 5.0), ("c", ANN + 0.3 * CLEO, 3.0))}, 0.5
    )
    assert found == {("a", "S1"): "P1", ("c", "S1"): "P1", ("b", "S1"): "P2"}


def test_a_threshold_decides_who_is_one() -> None:
    likely = heard(("a", ANN, 1.0), ("b", (ANN + BOB) / np.sqrt(np.float32(2)), 1.0))
    assert len({*people_of({"m": likely}, 0.6).values()}) == 1
    assert len({*people_of({"m": likely}, 0.8).values()}) == 2


def test_embeddings_of_several_models_are_not_compared() -> None:
    found = people_of({"m": heard(("a", ANN, 2.0)), "n": heard(("b", ANN, 1.0))}, 0.5)
    assert found == {("a", "S1"): "P1", ("b", "S1"): "P2"}


@pytest.mark.shared
def test_the_same_person_is_found_without_audio_and_forgotten(
    shared_data: Path,
    shared_models: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sources = []
    for name in CLIPS:
        (tmp_path / name).write_bytes((shared_data / "librispeech" / name).read_bytes())
        sources.append(ref(tmp_path / name))
    out = tmp_path / "out"
    transcribe(out, *sources, using=settings(segments=VAD, speakers=find_model(str(shared_models))))
    for name in CLIPS:
        (tmp_path / name).unlink()
    assert main(["curate", str(out), "--speakers"]) == 0
    assert "2 people are the 3 speakers" in capsys.readouterr().out
    people = {row["uri"].rpartition("/")[2]: row["corpus_speaker"] for row in _segments(out)}
    assert people == {CLIPS[0]: "P1", CLIPS[1]: "P2", CLIPS[2]: "P1"}
    # Nothing is written if nothing changes; another threshold needs no audio either.
    assert main(["curate", str(out), "--speakers"]) == 0
    assert "0 units written" in capsys.readouterr().out
    assert main(["curate", str(out), "--speakers=0.99"]) == 0
    assert {row["corpus_speaker"] for row in _segments(out)} == {"P1", "P2", "P3"}
    # Whoever is forgotten is in no group, and nothing tells how they sound.
    sounds = {repr(row["speaker_embedding"]).encode(): row["uri"] for row in _segments(out)}
    before, bob = everything(out), sources[1].uri
    assert all(each in before for each in sounds)
    assert main(["forget", str(out), f"--uri={bob}"]) == 0
    left = everything(out)
    assert all((each in left) is (uri != bob) for each, uri in sounds.items())
    assert Path(bob).name.encode() not in left
    assert main(["curate", str(out), "--speakers"]) == 0
    assert "1 people are the 2 speakers" in capsys.readouterr().out
    assert {row["corpus_speaker"] for row in _segments(out)} == {"P1"}


def test_an_output_without_embeddings_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from support.unit_runs import tones, write  # noqa: PLC0415 - only here

    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", tones([0.1]))))
    assert main(["curate", str(tmp_path / "out"), "--speakers"]) == 2
    assert "run with --speaker_model first" in capsys.readouterr().err
    assert main(["curate", str(tmp_path / "out"), "--speakers", "--duplicates"]) == 2
    assert "give --speakers alone" in capsys.readouterr().err


def _segments(out: Path) -> list[Row]:
    return read_all(out)["segments"]
