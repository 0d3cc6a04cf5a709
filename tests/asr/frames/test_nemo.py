"""NeMo exports with random weights, for lack of others, against onnx-asr and against numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import onnx
import pytest
from support.random_transducer import (
    BLANK,
    DURATIONS,
    TOKENS,
    Array,
    random_transducer,
    write_nemo_ctc,
    write_transducer,
)

from beam_audio.asr.frames import nemo
from beam_audio.asr.frames.identity import identify
from beam_audio.asr.frames.nemo import NemoModel, read_vocabulary
from beam_audio.asr.frames.recognizer import FrameRecognizer
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.recognizer import Request
from beam_audio.errors import ModelError, ProviderError
from beam_audio.models.layout import recognise_layout

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import Transcript

onnx_asr = pytest.importorskip("onnx_asr")

Kind = Literal["nemo-conformer-tdt", "nemo-conformer-rnnt", "nemo-conformer-ctc"]
KINDS: tuple[Kind, ...] = ("nemo-conformer-tdt", "nemo-conformer-rnnt", "nemo-conformer-ctc")
RATE_HZ = 16_000
SECONDS_PER_FRAME = 0.08


def write(directory: Path, kind: Kind, seed: int = 0) -> Path:
    is_tdt = kind == "nemo-conformer-tdt"
    weights = random_transducer(seed, durations=DURATIONS if is_tdt else 0)
    if kind == "nemo-conformer-ctc":
        write_nemo_ctc(directory, weights)
    else:
        write_transducer(directory, weights, durations=is_tdt)
    return directory


def load(directory: Path) -> FrameRecognizer:
    layout = recognise_layout(directory)
    return FrameRecognizer(
        identify(layout), NemoModel(layout, ModelOptions(provider="cpu", threads=1))
    )


def clips(count: int = 12) -> list[Array]:
    """Noise whose loudness changes, of 0.2 to 2.5 s, some clips of equal length."""
    rng = np.random.default_rng(5)
    lengths = rng.integers(RATE_HZ // 5, 5 * RATE_HZ // 2, size=count)
    lengths[1::4] = lengths[0]
    return [
        (rng.normal(size=n) * (0.05 + 0.2 * np.sin(np.arange(n) / 900) ** 2)).astype(np.float32)
        for n in lengths
    ]


def times(transcript: Transcript) -> list[tuple[float, float]]:
    return [(word.start_seconds, word.end_seconds) for word in transcript.words or ()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 4, 8])
def test_text_is_that_of_onnx_asr_in_any_batch(tmp_path: Path, kind: Kind, size: int) -> None:
    recognizer = load(write(tmp_path, kind))
    reference = onnx_asr.load_model(kind, tmp_path, providers=["CPUExecutionProvider"])
    heard = clips()
    expected = [reference.with_timestamps().recognize(clip) for clip in heard]
    assert sum(len(result.tokens or ()) for result in expected) > 60
    order = np.random.default_rng(size).permutation(len(heard))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        found = recognizer.transcribe([Request(heard[row]) for row in rows])
        for row, transcript in zip(rows, found, strict=True):
            result = expected[row]
            assert transcript.text == result.text.strip()
            written = [TOKENS[token].replace("\u2581", " ") for token in transcript.token_ids]
            assert written == result.tokens
            if (
                kind != "nemo-conformer-ctc"
            ):  # its log probabilities are sums over frames, ours are means
                mean = np.mean(result.logprobs) if result.logprobs else None
                assert transcript.avg_logprob == pytest.approx(mean, abs=1e-4)
            check_words(transcript, result.tokens, result.timestamps, len(heard[row]) / RATE_HZ)


def check_words(
    transcript: Transcript, tokens: list[str], starts: list[float], seconds: float
) -> None:
    """A word starts where onnx-asr places its first token; words are in order and inside."""
    words = transcript.words
    assert words is not None
    assert " ".join(word.word for word in words) == transcript.text
    edge = [index == 0 or token.startswith(" ") for index, token in enumerate(tokens)]
    first = [start for start, is_first in zip(starts, edge, strict=True) if is_first]
    if "," not in tokens:  # a mark starts no word
        assert [start for start, _ in times(transcript)] == pytest.approx(first)
    flat = [time for pair in times(transcript) for time in pair]
    assert flat == sorted(flat)
    assert all(0 <= time <= seconds for time in flat)
    assert all(0 < (word.probability or 0) <= 1 for word in words)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_a_device_do_not_mix_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    requests = [Request(clip) for clip in clips()]
    write(tmp_path, kind)
    unpadded = load(tmp_path).transcribe(requests)
    monkeypatch.setattr(nemo, "CPU", "another provider")
    recognizer = load(tmp_path)
    assert recognizer.cost_seconds(1.2) == 2.0
    alone = [recognizer.transcribe([request])[0] for request in requests]
    together = recognizer.transcribe(requests[::-1])[::-1]
    for one, other, cpu in zip(alone, together, unpadded, strict=True):
        assert one.token_ids == other.token_ids == cpu.token_ids
        assert times(one) == times(other)


def test_a_decoder_exported_for_one_clip_is_taken(tmp_path: Path) -> None:
    weights = random_transducer(durations=DURATIONS)
    write_transducer(tmp_path / "free", weights, durations=True)
    write_transducer(tmp_path / "fixed", weights, durations=True, clips=1)
    requests = [Request(clip) for clip in clips(5)]
    free, fixed = (load(tmp_path / name).transcribe(requests) for name in ("free", "fixed"))
    assert [one.token_ids for one in free] == [one.token_ids for one in fixed]


def test_a_tdt_gives_the_length_of_its_tokens(tmp_path: Path) -> None:
    tdt = load(write(tmp_path / "tdt", "nemo-conformer-tdt"))
    found = tdt.transcribe([Request(clip) for clip in clips()])
    lengths = [end - start for one in found for start, end in times(one)]
    assert max(lengths) > 1.5 * SECONDS_PER_FRAME
    assert BLANK not in {token for one in found for token in one.token_ids}


@pytest.mark.parametrize("kind", KINDS)
def test_silence_and_no_samples_are_taken(tmp_path: Path, kind: Kind) -> None:
    recognizer = load(write(tmp_path, kind))
    silent = [Request(np.zeros(count, np.float32)) for count in (0, 10, RATE_HZ)]
    assert len(recognizer.transcribe(silent)) == 3


def test_a_vocabulary_of_another_model_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "nemo-conformer-ctc")
    path = tmp_path / "vocab.txt"
    path.write_text(path.read_text("utf-8").replace("<blk> 10", "x 10\n<blk> 11"), "utf-8")
    with pytest.raises(ModelError, match=r"scores 11 tokens, but vocab\.txt has 12"):
        load(tmp_path).transcribe([Request(clips(1)[0])])


@pytest.mark.parametrize(
    ("text", "wrong"),
    [("a 0\nb 2\n<blk> 1\nc 4\n", "lacks some"), ("a 0\n", "<blk>"), ("a\n", "not a token")],
)
def test_a_malformed_vocabulary_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text(text)
    with pytest.raises(ModelError, match=wrong):
        read_vocabulary(path)


def test_a_joint_network_of_another_kind_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "nemo-conformer-rnnt")
    path = tmp_path / "decoder_joint-model.onnx"
    path.write_bytes((tmp_path / "encoder-model.onnx").read_bytes())
    with pytest.raises(ModelError, match="not a decoder and joint network of NeMo"):
        load(tmp_path)


def test_a_dynamically_quantised_decoder_takes_one_clip_a_call(tmp_path: Path) -> None:
    weights = random_transducer(durations=DURATIONS)
    write_transducer(tmp_path, weights, durations=True)
    path = tmp_path / "decoder_joint-model.onnx"
    model = onnx.load(path)
    scale_last_layer_by_call(model.graph)
    onnx.save(model, path)
    requests = [Request(clip * np.float32(gain)) for gain in (0.1, 1, 9) for clip in clips(3)]
    recognizer = load(tmp_path)
    alone = [recognizer.transcribe([request])[0].token_ids for request in requests]
    assert [one.token_ids for one in recognizer.transcribe(requests)] == alone


def scale_last_layer_by_call(graph: onnx.GraphProto) -> None:
    """Quantise the activations of the last layer to 8 bits, with one scale for all rows."""
    (last,) = (node for node in graph.node if node.output[0] == "scores")
    at = list(graph.node).index(last)
    made = ["q", "scale", "zero"]
    graph.node.insert(at, onnx.helper.make_node("DynamicQuantizeLinear", ["joined"], made))
    graph.node.insert(at + 1, onnx.helper.make_node("DequantizeLinear", made, ["rough"]))
    last.input[0] = "rough"


def test_a_provider_that_is_not_there_is_an_error_when_required(tmp_path: Path) -> None:
    layout = recognise_layout(write(tmp_path, "nemo-conformer-tdt"))
    with pytest.raises(ProviderError, match="CUDAExecutionProvider was required"):
        NemoModel(layout, ModelOptions(provider="cuda", require_provider=True))


def test_a_vocabulary_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes("ä 0\n<blk> 1\n".encode("latin-1"))
    with pytest.raises(ModelError, match=r"vocab\.txt is not UTF-8"):
        read_vocabulary(tmp_path / "vocab.txt")
