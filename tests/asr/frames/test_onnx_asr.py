"""Models with random weights, for lack of others, against onnx-asr's result for each clip alone."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_onnx_asr import CHUNK, FRAMES_A_CHUNK, LETTERS, WRITERS, Array, t_one_head

from beam_audio.asr.frames.identity import identify
from beam_audio.asr.frames.onnx_asr import OnnxAsrModel
from beam_audio.asr.frames.recognizer import FrameRecognizer
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.recognizer import Request
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.layout import recognise_layout

if TYPE_CHECKING:
    from pathlib import Path

onnx_asr = pytest.importorskip("onnx_asr")

TYPES = {
    "gigaam-ctc": "gigaam-v2-ctc",
    "gigaam-rnnt": "gigaam-v2-rnnt",
    "kaldi-transducer": "kaldi-rnnt",
    "t-one-ctc": "t-one-ctc",
}
SECONDS_PER_FRAME = {"t-one-ctc": 0.03}


def load(directory: Path) -> FrameRecognizer:
    layout = recognise_layout(directory)
    identity = identify(layout)
    model = OnnxAsrModel(layout, identity.sample_rate_hz, ModelOptions(provider="cpu", threads=1))
    return FrameRecognizer(identity, model)


def clips(rate_hz: int, count: int = 8) -> list[Array]:
    rng = np.random.default_rng(9)
    lengths = rng.integers(rate_hz // 4, 3 * rate_hz // 2, size=count)
    lengths[1::3] = lengths[0]
    return [
        (rng.normal(size=n) * (0.02 + 0.2 * np.sin(np.arange(n) / 700) ** 2)).astype(np.float32)
        for n in lengths
    ]


@pytest.mark.parametrize("family", WRITERS)
def test_text_is_that_of_onnx_asr_in_any_batch(tmp_path: Path, family: str) -> None:
    WRITERS[family](tmp_path)
    recognizer = load(tmp_path)
    assert recognizer.facts.model_id == f"{tmp_path.name}/float32/{family}"
    assert recognizer.facts.languages == ({"ru"} if family != "kaldi-transducer" else set())
    rate_hz = recognizer.facts.sample_rate_hz
    assert rate_hz == (8000 if family == "t-one-ctc" else 16_000)
    heard = clips(rate_hz)
    reference = onnx_asr.load_model(TYPES[family], tmp_path, providers=["CPUExecutionProvider"])
    expected = [reference.recognize(clip, sample_rate=rate_hz).strip() for clip in heard]
    assert sum(map(len, expected)) > 50
    order = np.random.default_rng(1).permutation(len(heard))
    for size in (1, 4, 8):
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            found = recognizer.transcribe([Request(heard[row]) for row in rows])
            assert [one.text for one in found] == [expected[row] for row in rows]


@pytest.mark.parametrize("family", WRITERS)
def test_words_are_in_order_and_inside_the_clip(tmp_path: Path, family: str) -> None:
    WRITERS[family](tmp_path)
    recognizer = load(tmp_path)
    step = SECONDS_PER_FRAME.get(family, 0.04)
    heard = clips(recognizer.facts.sample_rate_hz)
    for clip, one in zip(heard, recognizer.transcribe(list(map(Request, heard))), strict=True):
        assert one.words is not None
        assert " ".join(word.word for word in one.words) == one.text
        flat = [time for word in one.words for time in (word.start_seconds, word.end_seconds)]
        assert flat == sorted(flat)
        seconds = len(clip) / recognizer.facts.sample_rate_hz
        assert all(0 <= time <= seconds for time in flat)
        starts = np.array([word.start_seconds for word in one.words]) / step
        assert np.allclose(
            starts[starts * step < seconds], np.round(starts)[starts * step < seconds]
        )
        assert one.avg_logprob is not None
        assert one.avg_logprob < 0
        assert one.token_ids == ()


def test_t_one_gives_what_numpy_gives(tmp_path: Path) -> None:
    WRITERS["t-one-ctc"](tmp_path)
    recognizer = load(tmp_path)
    for clip in clips(8000):
        whole = np.trunc(clip * np.float32(32767)) / 32767
        padded = np.concatenate([whole, np.zeros(-len(clip) % CHUNK + CHUNK)])
        best = (padded.reshape(-1, CHUNK // FRAMES_A_CHUNK) @ t_one_head()).argmax(axis=1)
        blank = len(LETTERS) - 1
        kept = [t for i, t in enumerate(best) if t != blank and (i == 0 or best[i - 1] != t)]
        text = " ".join("".join(LETTERS[token] for token in kept).split())
        (heard,) = recognizer.transcribe([Request(clip)])
        assert heard.text == text


@pytest.mark.parametrize("family", WRITERS)
def test_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("a local directory made it use the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    WRITERS[family](tmp_path)
    assert load(tmp_path).provider == "CPUExecutionProvider"


@pytest.mark.parametrize("family", WRITERS)
def test_silence_and_no_samples_are_taken(tmp_path: Path, family: str) -> None:
    WRITERS[family](tmp_path)
    recognizer = load(tmp_path)
    silent = [Request(np.zeros(count, np.float32)) for count in (0, 10, 8000)]
    assert len(recognizer.transcribe(silent)) == 3


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    WRITERS["gigaam-ctc"](tmp_path)
    (tmp_path / "v2_ctc.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="onnx-asr cannot load"):
        load(tmp_path)


def test_a_provider_that_is_not_there_is_an_error_when_required(tmp_path: Path) -> None:
    WRITERS["gigaam-ctc"](tmp_path)
    layout = recognise_layout(tmp_path)
    with pytest.raises(ProviderError, match="CUDAExecutionProvider was required"):
        OnnxAsrModel(layout, 16_000, ModelOptions(provider="cuda", require_provider=True))
