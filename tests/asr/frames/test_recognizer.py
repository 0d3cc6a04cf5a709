from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_ctc import random_ctc, write_ctc
from support.random_onnx_asr import WRITERS
from support.random_transducer import DURATIONS, random_transducer, write_transducer

from beam_audio.asr.frames.recognizer import FrameRecognizer, load_frame_recognizer
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.recognizer import Recognizer, Request
from beam_audio.errors import ModelError
from beam_audio.models.layout import recognise_layout

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 16_000
CLIP = np.random.default_rng(0).normal(scale=0.1, size=RATE_HZ).astype(np.float32)


def load(directory: Path) -> FrameRecognizer:
    return load_frame_recognizer(
        recognise_layout(directory), ModelOptions(provider="cpu", threads=1)
    )


@pytest.fixture
def anglophile(tmp_path: Path) -> FrameRecognizer:
    write_ctc(tmp_path / "model", random_ctc(), masked=True)
    return load(tmp_path / "model")


def test_every_family_is_a_recognizer(tmp_path: Path) -> None:
    pytest.importorskip("onnx_asr")
    write_ctc(tmp_path / "wav2vec2-ctc", random_ctc(), masked=True)
    weights = random_transducer(durations=DURATIONS)
    write_transducer(tmp_path / "nemo-tdt", weights, durations=True)
    for family, write in WRITERS.items():
        write(tmp_path / family)
    for directory in sorted(tmp_path.iterdir()):
        recognizer: Recognizer = load(directory)
        assert recognizer.facts.model_id == f"{directory.name}/float32/{directory.name}"
        assert len(recognizer.facts.model_sha256) == 64
        assert recognizer.provider == "CPUExecutionProvider"
        assert recognizer.facts.max_seconds == 30.0
        assert recognizer.cost_seconds(1.25) == 1.25
        assert weakref.ref(recognizer)() is recognizer
        clip = CLIP[: recognizer.facts.sample_rate_hz]
        (first,), (second,) = (recognizer.transcribe([Request(clip)]) for _ in range(2))
        assert first == second
        assert first.text


def test_any_language_is_accepted_if_none_is_known(anglophile: FrameRecognizer) -> None:
    assert anglophile.facts.languages == frozenset()
    stated, unstated = anglophile.transcribe([Request(CLIP, "sw"), Request(CLIP)])
    assert (stated.language, unstated.language) == ("sw", None)
    assert stated.text == unstated.text


def test_a_language_that_is_not_the_models_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx_asr")
    WRITERS["gigaam-ctc"](tmp_path)
    recognizer = load(tmp_path)
    assert recognizer.transcribe([Request(CLIP)])[0].language == "ru"
    with pytest.raises(ModelError, match="does not know language 'en', only ru"):
        recognizer.transcribe([Request(CLIP, "en")])


def test_clips_that_do_not_fit_are_refused(anglophile: FrameRecognizer) -> None:
    with pytest.raises(ModelError, match=r"at most 30 s at 16000 Hz: cut it"):
        anglophile.transcribe([Request(np.zeros(30 * RATE_HZ + 1, np.float32))])
    with pytest.raises(ModelError, match="one channel"):
        anglophile.transcribe([Request(np.zeros((10, 2), np.float32))])
    with pytest.raises(ModelError, match="not finite"):
        anglophile.transcribe([Request(np.full(RATE_HZ, np.nan, np.float32))])


def test_no_clips_give_no_transcripts(anglophile: FrameRecognizer) -> None:
    assert anglophile.transcribe([]) == []
