"""The Whisper recogniser with real weights."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.installed_models import BASE, TINY_EN, needs_base, needs_tiny_en, reference_model
from tokenizers import Tokenizer

from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.recognizer import Recognizer, Request
from beam_audio.asr.whisper.log_mel import log_mel
from beam_audio.asr.whisper.recognizer import WhisperRecognizer
from beam_audio.audio.decode import decode, resample
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.resolve import ensure_built

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.types import Transcript

ENGLISH = (
    "librispeech/1688-142285-0002.flac",
    "ljspeech",
    "librivox_short",
    "harvard",
)


def noise(seconds: float, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.1, size=int(16_000 * seconds)).astype(np.float32)


@pytest.fixture(scope="module")
def tiny_en() -> Recognizer:
    return WhisperRecognizer(ensure_built(TINY_EN), ModelOptions(provider="cpu"))


@pytest.fixture(scope="module")
def base() -> Recognizer:
    return WhisperRecognizer(ensure_built(BASE), ModelOptions(provider="cpu"))


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


def what_is_exact(found: list[Transcript]) -> list[tuple[Any, ...]]:
    """Text, tokens and word times of each."""
    return [
        (
            transcript.text,
            transcript.token_ids,
            [(word.word, word.start_seconds, word.end_seconds) for word in transcript.words or ()],
        )
        for transcript in found
    ]


@needs_tiny_en
@pytest.mark.shared
@pytest.mark.parametrize("prompt", [None, "Bartley, Holbrook, and the Prussian Guard."])
def test_tokens_are_those_of_ctranslate2(
    english: list[Clip], tmp_path: Path, prompt: str | None
) -> None:
    ctranslate2 = pytest.importorskip("ctranslate2")
    reference = reference_model(TINY_EN, tmp_path)
    built = ensure_built(TINY_EN)
    tokens = built.whisper.tokens
    context: list[int] = []
    if prompt:
        tokenizer = Tokenizer.from_file(str(built.directory / "tokenizer.json"))
        context = [tokens.previous, *tokenizer.encode(f" {prompt}", add_special_tokens=False).ids]
    recognizer = WhisperRecognizer(
        built, ModelOptions(provider="cpu", prompt=prompt, safeguards=False)
    )
    for clip, found in zip(
        english, recognizer.transcribe([Request(clip.samples) for clip in english]), strict=True
    ):
        features = ctranslate2.StorageView.from_array(log_mel(clip.samples, 80)[None])
        expected = reference.generate(
            features,
            [[*context, tokens.start, tokens.no_timestamps]],
            beam_size=1,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        assert found.token_ids == tuple(expected.sequences_ids[0])
        # ctranslate2's mean has the end token in its sum, but not in its count.
        count = len(found.token_ids)
        score = expected.scores[0] * count / (count + 1)
        assert found.avg_logprob == pytest.approx(score, abs=1e-3)
        assert found.no_speech_prob == pytest.approx(expected.no_speech_prob, abs=1e-4)


@needs_tiny_en
@pytest.mark.shared
def test_most_words_are_right(english: list[Clip], tiny_en: Recognizer) -> None:
    found = tiny_en.transcribe([Request(clip.samples) for clip in english])
    for clip, transcript in zip(english, found, strict=True):
        heard = set(re.findall("[a-z']+", transcript.text.lower()))
        said = set(re.findall("[a-z']+", clip.text.lower()))
        assert len(heard & said) > 0.6 * len(said), transcript.text
        assert (transcript.language, transcript.language_probability) == ("en", None)


@needs_tiny_en
@pytest.mark.shared
@pytest.mark.slow
def test_batch_size_and_neighbours_change_nothing(english: list[Clip], tiny_en: Recognizer) -> None:
    clips = [clip.samples for clip in english] + [noise(3, 1), np.zeros(16_000, np.float32)]
    alone = [tiny_en.transcribe([Request(clip)])[0] for clip in clips]
    for order in ([4, 2, 5, 0, 1, 3], [3, 1, 0], [5, 4, 2]):
        together = tiny_en.transcribe([Request(clips[index]) for index in order])
        expected = [alone[index] for index in order]
        assert what_is_exact(together) == what_is_exact(expected)
        for one, other in zip(together, expected, strict=True):
            assert one.avg_logprob == pytest.approx(other.avg_logprob, abs=1e-4)
            assert one.no_speech_prob == pytest.approx(other.no_speech_prob, abs=1e-4)


@needs_tiny_en
def test_silence_is_called_silence(tiny_en: Recognizer) -> None:
    silent, empty = tiny_en.transcribe(
        [Request(np.zeros(160_000, np.float32)), Request(np.zeros(0, np.float32))]
    )
    assert silent.no_speech_prob is not None
    assert silent.no_speech_prob > 0.2
    assert len(silent.text) < 30
    # Both are 30 s of silence; two rows of a batch may still differ in the last bits of floats.
    assert (empty.text, empty.token_ids) == (silent.text, silent.token_ids)
    assert empty.avg_logprob == pytest.approx(silent.avg_logprob, abs=1e-4)
    assert empty.no_speech_prob == pytest.approx(silent.no_speech_prob, abs=1e-4)


@needs_tiny_en
@pytest.mark.shared
def test_a_text_the_model_takes_for_silence_is_left_out(
    read: Callable[[str], NDArray[np.float32]], tiny_en: Recognizer
) -> None:
    request = Request(read("fsdd_8k/2_theo_1.wav"))
    (found,) = tiny_en.transcribe([request])
    assert (found.text, found.token_ids, found.words) == ("", (), ())
    careless = WhisperRecognizer(
        ensure_built(TINY_EN), ModelOptions(provider="cpu", safeguards=False)
    )
    (likeliest,) = careless.transcribe([request])
    assert likeliest.text
    for transcript in (found, likeliest):
        assert transcript.no_speech_prob is not None
        assert transcript.no_speech_prob > 0.6
        assert transcript.avg_logprob is not None
        assert transcript.avg_logprob < -1


def require_words_in_order(transcript: Transcript, seconds: float) -> None:
    assert transcript.words
    times = [time for word in transcript.words for time in (word.start_seconds, word.end_seconds)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= seconds
    assert all(word.probability and 0 < word.probability <= 1 for word in transcript.words)


@needs_tiny_en
@pytest.mark.shared
def test_words_are_those_of_the_text_and_lie_in_the_speech(
    english: list[Clip], tiny_en: Recognizer
) -> None:
    pause = np.zeros(8_000, np.float32)
    padded = [np.concatenate([pause, clip.samples, pause]) for clip in english]
    for clip, found in zip(
        padded, tiny_en.transcribe([Request(clip) for clip in padded]), strict=True
    ):
        seconds = len(clip) / 16_000
        require_words_in_order(found, seconds)
        assert found.words
        assert " ".join(word.word for word in found.words) == " ".join(found.text.split())
        assert 0.49 <= found.words[0].start_seconds < 1.2
        assert seconds - 1.2 < found.words[-1].end_seconds <= seconds - 0.49
        spoken = sum(word.end_seconds - word.start_seconds for word in found.words)
        assert spoken > 0.5 * (seconds - 1)


@needs_base
@pytest.mark.shared
def test_words_of_languages_without_spaces(
    read: Callable[[str], NDArray[np.float32]],
    manifest_lines: list[dict[str, Any]],
    base: Recognizer,
) -> None:
    for language in ("ja", "zh"):
        name = next(
            line["audio_filepath"]
            for line in manifest_lines
            if line["decode_ok"] and line.get("lang") == language
        )
        clip = read(name)
        (found,) = base.transcribe([Request(clip, language)])
        require_words_in_order(found, len(clip) / 16_000)
        assert found.words
        assert "".join(word.word for word in found.words) == "".join(found.text.split())
        assert len(found.words) > len(found.text) / 4


@needs_base
@pytest.mark.shared
def test_languages_are_detected(
    manifest_lines: list[dict[str, Any]],
    read: Callable[[str], NDArray[np.float32]],
    base: Recognizer,
) -> None:
    wanted = ("de", "es", "fr", "ja", "zh")
    lines = [line for line in manifest_lines if line["decode_ok"] and line.get("duration", 0) >= 2]
    names = [
        next(line["audio_filepath"] for line in lines if line.get("lang") == language)
        for language in wanted
    ]
    found = base.transcribe([Request(read(name)) for name in names])
    assert [transcript.language for transcript in found] == list(wanted)
    for transcript in found:
        assert transcript.language_probability is not None
        assert 0.5 < transcript.language_probability <= 1


@needs_base
@pytest.mark.shared
def test_a_mixed_batch_detects_only_languages_not_stated(
    english: list[Clip], base: Recognizer
) -> None:
    clip = english[0].samples
    said, detected = base.transcribe([Request(clip, "en"), Request(clip)])
    assert (said.language, said.language_probability) == ("en", None)
    assert detected.language == "en"
    assert detected.language_probability is not None
    assert said.token_ids == detected.token_ids


@needs_base
@pytest.mark.shared
def test_translation_gives_english(
    manifest_lines: list[dict[str, Any]], read: Callable[[str], NDArray[np.float32]]
) -> None:
    line = next(line for line in manifest_lines if line["audio_filepath"].startswith("azure_de"))
    recognizer = WhisperRecognizer(
        ensure_built(BASE), ModelOptions(provider="cpu", mode="translate")
    )
    (found,) = recognizer.transcribe([Request(read(line["audio_filepath"]), "de")])
    assert recognizer.facts.model_id == "whisper-base/float32/translate"
    assert found.language == "de"
    assert {"the", "a", "to", "is", "of", "and"} & set(found.text.lower().split()), found.text


@needs_tiny_en
def test_the_contract_is_kept(tiny_en: Recognizer) -> None:
    assert tiny_en.facts.model_id == "whisper-tiny.en/float32"
    assert len(tiny_en.facts.model_sha256) == 64
    assert (tiny_en.facts.sample_rate_hz, tiny_en.facts.max_seconds) == (16_000, 30.0)
    assert tiny_en.facts.languages == {"en"}
    assert tiny_en.cost_seconds(0.5) == 30.0
    assert tiny_en.provider == "CPUExecutionProvider"
    assert tiny_en.transcribe([]) == []


@needs_tiny_en
def test_a_clip_that_does_not_fit_is_refused(tiny_en: Recognizer) -> None:
    with pytest.raises(ModelError, match=r"\(480001,\) does not fit"):
        tiny_en.transcribe([Request(np.zeros(480_001, np.float32))])
    with pytest.raises(ModelError, match="does not fit"):
        tiny_en.transcribe([Request(np.zeros((2, 100), np.float32))])
    with pytest.raises(ModelError, match="not finite"):
        tiny_en.transcribe([Request(np.array([0, np.inf], np.float32))])
    with pytest.raises(ModelError, match="does not know language 'fr', only en"):
        tiny_en.transcribe([Request(np.zeros(10, np.float32), "fr")])


@needs_tiny_en
def test_english_only_cannot_translate() -> None:
    with pytest.raises(ModelError, match="cannot translate: use a multilingual model"):
        WhisperRecognizer(ensure_built(TINY_EN), ModelOptions(mode="translate"))


@needs_tiny_en
def test_a_required_provider_that_is_absent_is_an_error() -> None:
    absent = "dml" if sys.platform != "win32" else "coreml"
    built = ensure_built(TINY_EN)
    with pytest.raises(ProviderError, match="was required but"):
        WhisperRecognizer(built, ModelOptions(provider=absent, require_provider=True))
    assert (
        WhisperRecognizer(built, ModelOptions(provider=absent)).provider == "CPUExecutionProvider"
    )
