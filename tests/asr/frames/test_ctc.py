"""The networks have random weights, for lack of others; numpy computes the expected results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_ctc import LETTERS, Array, numpy_logits, random_ctc, write_ctc

from beam_audio.asr.frames import ctc
from beam_audio.asr.frames.ctc import CtcModel, read_settings
from beam_audio.asr.frames.identity import identify
from beam_audio.asr.frames.recognizer import FrameRecognizer
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.recognizer import Request
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.layout import recognise_layout

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import Word

RATE_HZ = 16_000
SECONDS_PER_FRAME = 20 / RATE_HZ
WEIGHTS = random_ctc()


def clips(count: int, seed: int = 0) -> list[Array]:
    """Noise of varied loudness and length, some of equal length."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(400, 4000, size=count)
    lengths[1::3] = lengths[0]
    return [
        (rng.normal(size=length) * rng.uniform(0.01, 1) + 0.1).astype(np.float32)
        for length in lengths
    ]


def load(directory: Path) -> FrameRecognizer:
    layout = recognise_layout(directory)
    identity = identify(layout)
    model = CtcModel(layout, identity.sample_rate_hz, ModelOptions(provider="cpu", threads=1))
    return FrameRecognizer(identity, model)


def expected_tokens(clip: Array) -> list[tuple[int, int, int, float]]:
    """(token, first frame, frame after the last, mean logprob), frame by frame."""
    padded = np.zeros(max(len(clip), RATE_HZ // 10))
    padded[: len(clip)] = clip
    normalised = (padded - padded.mean()) / np.sqrt(padded.var() + 1e-7)
    logits = numpy_logits(WEIGHTS, normalised.astype(np.float32))
    powers = np.exp(logits)
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    found: list[tuple[int, int, int, list[float]]] = []
    before = None
    for frame, row in enumerate(probabilities):
        token = int(row.argmax())
        if token == before and found and found[-1][0] == token:
            first, logprobs = found[-1][1], [*found[-1][3], float(np.log(row[token]))]
            found[-1] = (token, first, frame + 1, logprobs)
        elif token != 0:
            found.append((token, frame, frame + 1, [float(np.log(row[token]))]))
        before = token
    return [
        (token, first, stop, float(np.mean(logprobs)))
        for token, first, stop, logprobs in found
        if token > 3
    ]


@pytest.mark.parametrize("masked", [True, False])
def test_tokens_times_and_confidence_are_those_of_numpy(tmp_path: Path, *, masked: bool) -> None:
    write_ctc(tmp_path, WEIGHTS, masked=masked)
    heard = load(tmp_path).transcribe([Request(clip) for clip in clips(12)])
    for clip, transcript in zip(clips(12), heard, strict=True):
        tokens = expected_tokens(clip)
        assert transcript.token_ids == tuple(token for token, *_ in tokens)
        text = "".join(LETTERS[token] for token, *_ in tokens).replace("|", " ")
        assert transcript.text == " ".join(text.split())
        assert transcript.avg_logprob == pytest.approx(np.mean([t[3] for t in tokens]), abs=1e-4)
        check_words(transcript.words, tokens, len(clip) / RATE_HZ)


def check_words(
    words: tuple[Word, ...] | None, tokens: list[tuple[int, int, int, float]], end: float
) -> None:
    """Words are the tokens between delimiters, from the first frame of each to its last."""
    groups: list[list[tuple[int, int, int, float]]] = [[]]
    for token in tokens:
        if LETTERS[token[0]] == "|":
            groups.append([])
        else:
            groups[-1].append(token)
    groups = [group for group in groups if group]
    assert words is not None
    assert len(words) == len(groups)
    for word, group in zip(words, groups, strict=True):
        assert word.word == "".join(LETTERS[token] for token, *_ in group)
        assert word.start_seconds == pytest.approx(min(group[0][1] * SECONDS_PER_FRAME, end))
        assert word.end_seconds == pytest.approx(min(group[-1][2] * SECONDS_PER_FRAME, end))
        assert word.probability == pytest.approx(np.mean([np.exp(t[3]) for t in group]), abs=1e-4)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("device", [True, False])
def test_neighbours_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, masked: bool, device: bool
) -> None:
    if device:  # clips with a mask share calls only on a device
        monkeypatch.setattr(ctc, "CPU", "another provider")
    write_ctc(tmp_path, WEIGHTS, masked=masked)
    recognizer = load(tmp_path)
    assert recognizer.model.takes_batches == (masked and device)
    requests = [Request(clip) for clip in clips(24, seed=1)]
    alone = [recognizer.transcribe([request])[0] for request in requests]
    order = np.random.default_rng(2).permutation(len(requests))
    for size in (4, 8, 24):
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            together = recognizer.transcribe([requests[row] for row in rows])
            for row, transcript in zip(rows, together, strict=True):
                assert transcript.text == alone[row].text
                assert transcript.token_ids == alone[row].token_ids
                assert transcript.avg_logprob == pytest.approx(alone[row].avg_logprob, abs=1e-4)


def test_padding_for_a_device_gives_what_no_padding_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_ctc(tmp_path, WEIGHTS, masked=True)
    requests = [Request(clip) for clip in clips(8)]
    unpadded = load(tmp_path).transcribe(requests)
    monkeypatch.setattr(ctc, "CPU", "another provider")
    recognizer = load(tmp_path)
    assert recognizer.cost_seconds(0.3) == 1.0
    padded = recognizer.transcribe(requests)
    assert [heard.token_ids for heard in padded] == [heard.token_ids for heard in unpadded]


def test_settings_beside_the_graph_are_followed(tmp_path: Path) -> None:
    write_ctc(tmp_path, WEIGHTS, masked=False)
    loud = clips(1)[0]
    quiet = loud / np.float32(10)
    normalised = load(tmp_path).transcribe([Request(loud), Request(quiet)])
    assert normalised[0].token_ids == normalised[1].token_ids
    settings = {"do_normalize": False, "sampling_rate": 8000}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"word_delimiter_token": "E", "do_lower_case": True})
    )
    recognizer = load(tmp_path)
    assert recognizer.facts.sample_rate_hz == 8000
    raw = recognizer.transcribe([Request(loud), Request(quiet)])
    assert raw[0].token_ids != raw[1].token_ids
    assert set(raw[0].text + raw[1].text) <= set(" at|")


def test_without_a_configuration_it_is_wav2vec2(tmp_path: Path) -> None:
    write_ctc(tmp_path, WEIGHTS, masked=False)
    (tmp_path / "config.json").unlink()
    layout = recognise_layout(tmp_path)
    settings = read_settings(layout)
    assert (settings.blank, settings.samples_per_frame) == (0, 320)
    assert settings.frames(16_000) == 49
    with pytest.raises(ModelError, match="conv_kernel and conv_stride belong to another model"):
        load(tmp_path).transcribe([Request(np.zeros(16_000, np.float32))])


def test_silence_and_no_samples_are_taken(tmp_path: Path) -> None:
    write_ctc(tmp_path, WEIGHTS, masked=True)
    recognizer = load(tmp_path)
    silent = [Request(np.zeros(count, np.float32)) for count in (0, 1, 16_000)]
    for transcript, seconds in zip(recognizer.transcribe(silent), (0, 1 / 16_000, 1), strict=True):
        assert transcript.words is not None
        assert all(word.end_seconds <= seconds for word in transcript.words)


@pytest.mark.parametrize(
    ("vocabulary", "config", "wrong"),
    [
        ({"eng": {"a": 1}}, {}, "does not map tokens to numbers"),
        ({"a": 0}, {"pad_token_id": None}, "the blank token is unknown"),
        ({"<pad>": 0}, {"conv_stride": [5]}, "do not fit together"),
        ({"<pad>": 0}, {"conv_stride": "wide"}, "conv_kernel or conv_stride .* is wrong"),
    ],
)
def test_wrong_settings_are_refused(
    tmp_path: Path, vocabulary: object, config: dict[str, object], wrong: str
) -> None:
    write_ctc(tmp_path, WEIGHTS, masked=False, config=config)
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    with pytest.raises(ModelError, match=wrong):
        load(tmp_path)


def test_a_provider_that_is_not_there_is_an_error_when_required(tmp_path: Path) -> None:
    write_ctc(tmp_path, WEIGHTS, masked=False)
    layout = recognise_layout(tmp_path)
    with pytest.raises(ProviderError, match="CUDAExecutionProvider was required"):
        CtcModel(layout, RATE_HZ, ModelOptions(provider="cuda", require_provider=True))
