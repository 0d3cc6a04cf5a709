"""Manifests and folders as people have them, by the names of the reported cases."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.run_outputs import read_rows, run, write_manifest, write_speech

from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "a.wav"
    write_speech(path, seconds=1.5)
    return path


def test_27_channel_lines(tmp_path: Path) -> None:
    stereo = np.random.default_rng(0).normal(0, 0.1, (16_000, 2))
    soundfile.write(tmp_path / "call.wav", stereo, 16_000)
    lines = [
        {"audio_filepath": "call.wav", "channel": channel, "text": text, "id": name}
        for channel, text, name in ((0, "one two", "left"), (1, "three", "right"))
    ]
    manifest = write_manifest(tmp_path / "m.jsonl", lines)
    result = run(manifest=manifest, output=tmp_path / "out", channels="split")
    assert (result.listed, result.ledger.inputs) == (2, 2)
    rows = read_rows(tmp_path / "out", "recordings")
    found = {row["channel"]: (row["reference_text"], row["metadata"]) for row in rows}
    assert found.keys() == {0, 1}
    assert found[0][0] == "one two"
    assert "left" in str(found[0][1])
    assert found[1][0] == "three"
    assert "right" in str(found[1][1])


def test_28_lines_that_contradict(audio: Path, tmp_path: Path) -> None:
    lines = [
        {"audio_filepath": name, "text": text}
        for name, text in ((str(audio), "one"), (str(audio), "two"), ("./in/a.wav", "three"))
    ]
    manifest, output = tmp_path / "m.jsonl", tmp_path / "out"
    result = run(manifest=write_manifest(manifest, lines), output=output)
    assert (result.ledger.inputs, result.ledger.balances) == (1, True)
    assert read_rows(output, "recordings") == []
    (failure,) = read_rows(output, "failures")
    assert "m.jsonl line 1 and" in failure["message"]
    assert "m.jsonl line 2 and" in failure["message"]
    run(manifest=write_manifest(manifest, lines[2:]), output=output)
    (row,) = read_rows(output, "recordings")
    assert (row["reference_text"], row["uri"]) == ("three", str(audio))


def test_31_file_addresses_and_58_event_times(audio: Path, tmp_path: Path) -> None:
    times = ["2026-01-05T24:00:00Z", "Mon, 05 Jan 2026 09:00:00 GMT", 1767603600000, "", "soon"]
    lines = [
        {
            "audio_filepath": audio.as_uri(),
            "offset": 0.0,
            "duration": 1 + n / 100,
            "event_time": time,
        }
        for n, time in enumerate(times)
    ]
    run(manifest=write_manifest(tmp_path / "m.jsonl", lines), output=tmp_path / "out")
    rows = sorted(read_rows(tmp_path / "out", "recordings"), key=lambda row: row["decoded_seconds"])
    nine = datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert [row["event_time"] for row in rows[:3]] == [datetime(2026, 1, 6, tzinfo=UTC), nine, nine]
    assert ["event_time_unreadable" in row["reasons"] for row in rows] == [False] * 4 + [True]


def test_32_compressed_inputs(audio: Path, tmp_path: Path) -> None:
    packed = tmp_path / "gz" / "b.wav.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(audio.read_bytes()))
    (tmp_path / "m.jsonl.gz").write_bytes(gzip.compress(b'{"audio_filepath": "gz/b.wav.gz"}\n'))
    assert run(manifest=tmp_path / "m.jsonl.gz", output=tmp_path / "out").exit_status == 0
    (row,) = read_rows(tmp_path / "out", "recordings")
    assert row["decoded_seconds"] == 1.5


def test_50_manifests_of_other_tools(audio: Path, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(f'file_name,transcription\n{audio},"yes, no"\n')
    run(manifest=tmp_path / "m.csv", output=tmp_path / "out")
    (row,) = read_rows(tmp_path / "out", "recordings")
    assert row["reference_text"] == "yes, no"
    (tmp_path / "wav.scp").write_text(f"utt1 {audio}\n")
    run(manifest=tmp_path / "wav.scp", output=tmp_path / "kaldi")
    (row,) = read_rows(tmp_path / "kaldi", "recordings")
    assert row["uri"] == str(audio)
    (tmp_path / "m.lst").write_text(f"utt1 {audio}\n")
    with pytest.raises(ConfigError, match=r"not a manifest.*audio_filepath"):
        run(manifest=tmp_path / "m.lst", output=tmp_path / "none")
