"""The whole program in the environment of tensorflow-io: the demo's clips, decoded by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.run_outputs import DEMO, read_rows, run_words, write_speech

if TYPE_CHECKING:
    from pathlib import Path

    from support.run_outputs import Command

LIKE_SOUNDFILE = (
    *("uri", "codec", "container", "sample_rate_hz", "channels", "decoded_seconds"),
    *("decode_status", "keep_samples", "review_samples", "drop_samples", "text"),
)


@pytest.mark.tfio
@pytest.mark.usefixtures("cache")
def test_the_demo_is_transcribed_as_with_soundfile(tmp_path: Path, command: Command) -> None:
    recordings = {}
    for decoder in ("tfio", "soundfile"):
        output = tmp_path / decoder
        status, printed, _ = command(
            *("run", f"--manifest={DEMO / 'manifest.jsonl'}", f"--output={output}"),
            *("--model=whisper-tiny.en", f"--decoder={decoder}"),
        )
        assert status == 0
        assert "ledger        balances" in printed
        recordings[decoder] = {
            row["uri"]: {name: row[name] for name in LIKE_SOUNDFILE}
            for row in read_rows(output, "recordings")
        }
    assert len(recordings["soundfile"]) == 3
    assert all(row["text"] for row in recordings["tfio"].values())
    (failure,) = read_rows(tmp_path / "tfio", "failures")
    mulaw = recordings["soundfile"].pop(failure["uri"])
    assert mulaw["codec"] == "pcm_mulaw"
    assert "--decoder=auto" in failure["message"]
    assert recordings["tfio"] == recordings["soundfile"]


@pytest.mark.tfio
def test_what_it_cannot_decode_costs_itself(tmp_path: Path, command: Command) -> None:
    folder, output = tmp_path / "audio", tmp_path / "output"
    speech = write_speech(folder / "speech.wav").read_bytes()
    (folder / "deadly.wav").write_bytes(speech[:32] + bytes(2) + speech[34:])
    status, printed, _ = command(*run_words(folder, output, "--decoder=tfio"))
    assert status == 0, printed
    (recording,) = read_rows(output, "recordings")
    assert recording["uri"].endswith("speech.wav")
    (failure,) = read_rows(output, "failures")
    assert failure["uri"].endswith("deadly.wav")
    assert failure["error_type"] == "DecoderCrash"
    assert failure["message"] == "tensorflow-io died of this file (SIGFPE)"
