"""A file with several audio tracks, each a recording of its own: one input, counted once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.encoded_audio import encode_tracks
from support.unit_runs import (
    LAYERS,
    RATE_HZ,
    Scripted,
    read,
    read_all,
    ref,
    settings,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.output.ledger import read_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import AudioRef

ALL = settings(tracks="all")


@pytest.fixture
def film(tmp_path: Path) -> AudioRef:
    """Tracks of 1, 1 and 2 seconds; no decoder knows the codec of the second."""
    path = tmp_path / "film.mkv"
    encoded = encode_tracks("matroska", (1.0, 1.0, 2.0))
    first, second = encoded.split(b"A_AAC", 2)[:2]
    at = len(first) + len(b"A_AAC") + len(second)
    path.write_bytes(encoded[:at] + b"A_XYZ" + encoded[at + 5 :])
    return ref(path, reference_text="What is said.")


def lengths(root: Path) -> dict[int | None, int]:
    """Whole seconds of each recording, by its track."""
    return {row["track"]: round(row["decoded_seconds"]) for row in read(root, "recordings")}


def test_each_track_is_a_recording_and_one_that_fails_costs_itself(
    tmp_path: Path, film: AudioRef
) -> None:
    out = tmp_path / "out"
    report = transcribe(out, film, using=ALL)
    assert lengths(out) == {0: 1, 2: 2}
    reasons = Counter(reason for row in read(out, "recordings") for reason in row["reasons"])
    assert reasons["reference_without_track"] == 2
    assert not [name for name in reasons if name.startswith("other_audio_tracks")]
    (failure,) = read(out, "failures")
    assert (failure["unit"], failure["stage"]) == ("recording", "decode")
    assert "unknown codec" in failure["message"]
    ledger = read_ledger(str(out), [film.source_id])
    assert ledger.balances
    assert ledger.failures == {("recording", "decode", "DecodeError"): 1}
    # Tracks run side by side: the hour of a film is an hour of audio.
    assert round(report.commit.decoded_seconds) == round(sum(ledger.seconds.values())) == 1
    assert update(out, film, using=ALL) == []


@pytest.mark.parametrize("layer", ["decode", "measures", "model", "metrics"])
def test_a_changed_layer_gives_the_rows_of_a_fresh_run(
    tmp_path: Path, film: AudioRef, layer: str
) -> None:
    other = settings(tracks="all", layers=LAYERS | {layer: "other"})
    transcribe(tmp_path / "out", film, using=ALL, recognizer=Scripted())
    update(tmp_path / "out", film, using=other, recognizer=Scripted())
    transcribe(tmp_path / "fresh", film, using=other, recognizer=Scripted())
    found, fresh = read_all(tmp_path / "out"), read_all(tmp_path / "fresh")
    assert found == fresh
    assert len(found["recordings"]) == 2
    assert len(found["failures"]) == 1


def test_a_file_of_one_track_has_the_ids_of_a_run_without_the_flag(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1])), reference_text="What is said.")
    transcribe(tmp_path / "all", source, using=ALL)
    transcribe(tmp_path / "default", source)
    assert read_all(tmp_path / "all") == read_all(tmp_path / "default")


def test_a_touched_file_keeps_the_rows_of_all_its_tracks(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(encode_tracks("matroska", (1.0, 2.0)))
    transcribe(tmp_path / "out", ref(path), using=ALL)
    before = read_all(tmp_path / "out")
    (report,) = update(tmp_path / "out", ref(path, version="2"), using=ALL)
    assert {state.outcome for state in report.commit.sources.values()} == {"known"}
    assert read_all(tmp_path / "out") == before


def test_tracks_and_channels_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(encode_tracks("matroska", (1.0, 2.0)))
    transcribe(tmp_path / "out", ref(path), using=settings(tracks="all", channels="split"))
    rows = read(tmp_path / "out", "recordings")
    places = sorted((row["track"], row["channel"], row["sample_rate_hz"]) for row in rows)
    assert places == [(0, 0, RATE_HZ), (1, 0, RATE_HZ)]
    assert len({row["recording_id"] for row in rows}) == 2
