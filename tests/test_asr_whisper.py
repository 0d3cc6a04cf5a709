from __future__ import annotations

import gc
import shutil
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from installed_models import BASE, TINY_EN, needs_base, needs_tiny_en
from random_whisper import (
    END,
    LANGUAGES,
    NO_TIMESTAMPS,
    START,
    SUPPRESSED,
    SUPPRESSED_FIRST,
    NumpyWhisper,
    Shape,
    random_weights,
    write_huggingface,
)

from beam_audio.asr.log_mel import log_mel
from beam_audio.asr.recognizer import Recognizer, Request
from beam_audio.asr.whisper import WhisperRecognizer
from beam_audio.audio import decode, resample
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.build import BuiltModel, build_whisper, read_built
from beam_audio.models.card import load_card
from beam_audio.models.resolve import ensure_built
from beam_audio.models.sources import gather

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.types import Transcript

SHAPE = Shape(width=16)
ENGLISH = (
    "librispeech/1688-142285-0002.flac",
    "librispeech/1688-142285-0003.flac",
    "ljspeech",
    "librivox_short",
    "harvard",
)


def noise(seconds: float, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.1, size=int(16_000 * seconds)).astype(np.float32)


# -- a random model, against plain numpy --------------------------------------------------------


@pytest.fixture(scope="module")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> BuiltModel:
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built") / "model"
    write_huggingface(source, random_weights(SHAPE), SHAPE)
    build_whisper(
        "random",
        layout="huggingface",
        files={path.name: path for path in source.iterdir()},
        sources={},
        precision="float32",
        target=target,
    )
    return read_built(target)


def softmax(logits: Any) -> Any:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def greedy(
    samples: NDArray[np.float32], prompt: list[int], count: int
) -> tuple[list[int], float, float]:
    """First tokens, sum of their log probabilities, and the no-speech probability."""
    network = NumpyWhisper(random_weights(SHAPE), SHAPE)
    hidden = network.encode(log_mel(samples, SHAPE.bands))
    tokens, total, no_speech = list(prompt), 0.0, 0.0
    for step in range(count):
        logits = network.logits(tokens, hidden)
        if not step:
            no_speech = float(softmax(logits[prompt.index(START)])[NO_TIMESTAMPS - 1])
        last = logits[-1]
        last[list(SUPPRESSED)] = -np.inf
        if not step:
            last[list(SUPPRESSED_FIRST)] = -np.inf
        tokens.append(int(last.argmax()))
        total += float(np.log(softmax(last)[tokens[-1]]))
    return tokens[len(prompt) :], total, no_speech


def test_tokens_and_probabilities_are_those_of_the_reference(random_model: BuiltModel) -> None:
    recognizer = WhisperRecognizer(random_model, provider="cpu")
    clips = [noise(2, 1), noise(30, 2)]
    found = recognizer.transcribe([Request(clip, "de") for clip in clips])
    for clip, transcript in zip(clips, found, strict=True):
        prompt = [START, START + 1 + LANGUAGES.index("de"), NO_TIMESTAMPS - 4, NO_TIMESTAMPS]
        tokens, _, no_speech = greedy(clip, prompt, 8)
        assert transcript.token_ids[:8] == tuple(tokens)
        assert transcript.no_speech_prob == pytest.approx(no_speech, rel=1e-3)
        assert (transcript.language, transcript.language_probability) == ("de", None)


def test_language_probability_is_over_languages_alone(random_model: BuiltModel) -> None:
    (found,) = WhisperRecognizer(random_model, provider="cpu").transcribe([Request(noise(2, 1))])
    network = NumpyWhisper(random_weights(SHAPE), SHAPE)
    logits = network.logits([START], network.encode(log_mel(noise(2, 1), SHAPE.bands)))[0]
    probabilities = softmax(logits[START + 1 : START + 1 + len(LANGUAGES)])
    assert found.language == LANGUAGES[int(probabilities.argmax())]
    assert found.language_probability == pytest.approx(float(probabilities.max()), rel=1e-3)


@pytest.mark.parametrize("words", [0, 3, 1000])
def test_a_text_never_outgrows_the_model(random_model: BuiltModel, words: int) -> None:
    """224 tokens; after the longest prompt 448 - (1 + 223 + 4) = 220."""
    prompt = " ".join(f"w{word}" for word in range(words))
    recognizer = WhisperRecognizer(random_model, provider="cpu", prompt=prompt)
    (found,) = recognizer.transcribe([Request(noise(2, 1), "en")])
    assert END not in found.token_ids
    assert len(found.token_ids) == (220 if words == 1000 else 224)


# -- real models ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny_en() -> Recognizer:
    return WhisperRecognizer(ensure_built(TINY_EN), provider="cpu")


@pytest.fixture(scope="module")
def base() -> Recognizer:
    return WhisperRecognizer(ensure_built(BASE), provider="cpu")


@pytest.fixture(scope="module")
def read(shared_data: Path) -> Callable[[str], NDArray[np.float32]]:
    def read(name: str) -> NDArray[np.float32]:
        audio = decode(shared_data / name)
        return resample(audio.samples, audio.sample_rate_hz, 16_000)[:480_000]

    return read


@dataclass(frozen=True)
class Clip:
    samples: NDArray[np.float32]
    language: str
    text: str


@pytest.fixture(scope="module")
def english(
    manifest_lines: list[dict[str, Any]], read: Callable[[str], NDArray[np.float32]]
) -> list[Clip]:
    """Clips of 1 to 15 s from several corpora."""
    chosen = [
        next(line for line in manifest_lines if line["audio_filepath"].startswith(name))
        for name in ENGLISH
    ]
    return [Clip(read(line["audio_filepath"]), "en", line["text"]) for line in chosen]


@dataclass(frozen=True)
class Reference:
    tokens: tuple[int, ...]
    logprob: float
    no_speech_prob: float


def ctranslate2_says(
    name: str, clips: list[Clip], prompt: list[int], scratch: Path
) -> list[Reference]:
    """What ctranslate2 in float32 makes of the same features."""
    ctranslate2 = pytest.importorskip("ctranslate2")
    for file, path in gather(load_card(name), scratch).items():
        shutil.copyfile(path, scratch / file)
    for part in load_card(name).sources[0].files["config.json"]:  # type: ignore[union-attr]  # the first is a package
        assert part
    raise NotImplementedError(ctranslate2, clips, prompt)
