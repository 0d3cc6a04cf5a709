"""The two networks against what was measured for shared clips, and folders that are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.errors import ModelError
from beam_audio.speakers.networks import find_model, load_networks, load_same

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@pytest.mark.shared
def test_networks_give_what_was_measured(shared_data: Path, shared_models: Path) -> None:
    networks = load_networks(str(shared_models))
    expected = json.loads((shared_models / "expected.json").read_text(encoding="utf-8"))
    for name in ("librispeech/1688-142285-0003.flac", "diarization/pyannote_sample.wav"):
        known = expected[name]
        clip: NDArray[np.float32] = soundfile.read(shared_data / name, dtype="float32")[0]
        direction = networks.embed(clip)
        assert direction is not None
        assert np.linalg.norm(direction) == pytest.approx(1.0, abs=1e-5)
        assert direction[:4] == pytest.approx(known["campplus_int8w"]["unit_first4"], abs=2e-3)
        window = np.concatenate([clip, np.zeros(160_000, np.float32)])[:160_000]
        speaking = networks.speaking(window)
        nobody, *alone = known["segmentation_first_10s"]["class_counts"][:4]
        assert (~speaking.any(axis=1)).sum() == pytest.approx(nobody, abs=3)
        assert speaking.sum(axis=0) == pytest.approx(alone, abs=3)


@pytest.mark.shared
def test_silence_and_a_click_have_no_direction(shared_models: Path) -> None:
    networks = load_networks(str(shared_models))
    assert networks.embed(np.zeros(399, np.float32)) is None


@pytest.mark.shared
def test_a_model_is_known_by_its_files(shared_models: Path, tmp_path: Path) -> None:
    found = find_model(str(shared_models))
    assert found.model_id.startswith("campplus_192_int8w-")
    for name in (found.embedding, found.segmentation):
        (tmp_path / name).write_bytes((shared_models / name).read_bytes())
    assert find_model(str(tmp_path)).model_id == found.model_id
    (tmp_path / found.segmentation).write_bytes(b"another")
    assert find_model(str(tmp_path)).model_id != found.model_id


@pytest.mark.shared
def test_files_that_are_no_such_network_are_refused(shared_models: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds 0 files campplus\*\.onnx"):
        find_model(str(tmp_path))
    (tmp_path / "campplus.onnx").write_bytes(b"no network")
    (tmp_path / "segmentation.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match="is not an ONNX file"):
        load_networks(str(tmp_path))
    other = next(shared_models.glob("*segmentation*.onnx"))
    (tmp_path / "campplus.onnx").write_bytes(other.read_bytes())
    with pytest.raises(ModelError, match="takes waveform and not feat"):
        load_networks(str(tmp_path))


@pytest.mark.shared
def test_a_worker_refuses_networks_of_another_run(shared_models: Path) -> None:
    found = find_model(str(shared_models))
    assert load_same(found).model == found
    with pytest.raises(ModelError, match="not those that the run began with"):
        load_same(replace(found, sha256="0" * 32))


@pytest.mark.usefixtures("cache")
def test_a_named_model_is_had_before_it_is_used() -> None:
    with pytest.raises(ModelError, match=r"campplus lacks .*: beam-audio models get campplus"):
        find_model("campplus")
