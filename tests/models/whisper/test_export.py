from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from support.random_whisper import NumpyWhisper, Shape, random_weights, write_huggingface

from beam_audio.models.whisper.checkpoint import WhisperCheckpoint, read_huggingface_whisper
from beam_audio.models.whisper.export import export_whisper
from beam_audio.models.whisper.position_groups import group_row

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.whisper.transformer import Precision

SHAPE = Shape()  # large-v3's bands and vocabulary, with few and thin layers
TOKENS = [50258, 50259, 50360, 50364, 17, 4711, 50257]


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return random_weights(SHAPE)


@pytest.fixture(scope="module")
def checkpoint(
    tmp_path_factory: pytest.TempPathFactory, weights: dict[str, np.ndarray]
) -> WhisperCheckpoint:
    directory = tmp_path_factory.mktemp("huggingface")
    write_huggingface(directory, weights, SHAPE, shards=2)
    return read_huggingface_whisper({path.name: path for path in directory.iterdir()})


class Runner:
    """The two graphs, fed with plain arrays."""

    def __init__(self, directory: Path) -> None:
        self._encoder, self.decoder = (
            onnxruntime.InferenceSession(
                directory / f"{name}.onnx", providers=["CPUExecutionProvider"]
            )
            for name in ("encoder", "decoder")
        )

    def encode(self, log_mel: np.ndarray, **window: np.ndarray) -> dict[str, np.ndarray]:
        rows = len(log_mel)
        full = np.tile(np.arange(SHAPE.frames), (rows, 1))
        nothing = np.zeros(full.shape, np.float32)
        whole: dict[str, np.ndarray] = {"source": full, "place": full, "log_members": nothing}
        window = {**whole, **window}
        names = [output.name for output in self._encoder.get_outputs()]
        cross = self._encoder.run(names, {"log_mel": log_mel, **window})
        return dict(zip(names, cross, strict=True)) | {"log_members": window["log_members"]}

    def step(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        names = [output.name for output in self.decoder.get_outputs()]
        return dict(zip(names, self.decoder.run(names, feed), strict=True))


def empty_past(rows: int, kind_of_number: type = np.float32) -> dict[str, np.ndarray]:
    size = SHAPE.width // SHAPE.heads
    shapes = {"key": (rows, SHAPE.heads, size, 0), "value": (rows, SHAPE.heads, 0, size)}
    return {
        f"past_{kind}_{layer}": np.zeros(shape, kind_of_number)
        for layer in range(SHAPE.decoder_layers)
        for kind, shape in shapes.items()
    }


def past_of(result: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.replace("present", "past"): value
        for name, value in result.items()
        if name.startswith("present")
    }


def features(rows: int) -> np.ndarray:
    size = (rows, SHAPE.bands, 2 * SHAPE.frames)
    return np.random.default_rng(7).normal(size=size).astype(np.float32)


@pytest.mark.parametrize("inline_limit_bytes", [1_900_000_000, 10_000])
def test_graphs_compute_what_the_reference_does(
    tmp_path: Path,
    checkpoint: WhisperCheckpoint,
    weights: dict[str, np.ndarray],
    inline_limit_bytes: int,
) -> None:
    export_whisper(checkpoint, tmp_path, inline_limit_bytes=inline_limit_bytes)
    assert (tmp_path / "decoder.data").exists() == (inline_limit_bytes == 10_000)
    runner, log_mel = Runner(tmp_path), features(2)
    cross = runner.encode(log_mel)
    reference = NumpyWhisper(weights, SHAPE)
    expected = np.stack([reference.logits(TOKENS, reference.encode(clip)) for clip in log_mel])

    # A prompt of four tokens, with logits at two positions; then the other tokens one at a time.
    tokens = np.array([TOKENS, TOKENS])
    feed = {**cross, **empty_past(2), "tokens": tokens[:, :4], "positions": np.array([0, 3])}
    result = runner.step(feed)
    near = 1e-4 * float(np.abs(expected).max())
    np.testing.assert_allclose(result["logits"], expected[:, [0, 3]], atol=near)
    for place in range(4, len(TOKENS)):
        last = {"tokens": tokens[:, place : place + 1], "positions": np.array([0])}
        result = runner.step({**cross, **past_of(result), **last})
        np.testing.assert_allclose(result["logits"][:, 0], expected[:, place], atol=near)


def test_tokens_fed_in_pieces_give_the_same_logits(
    tmp_path: Path, checkpoint: WhisperCheckpoint
) -> None:
    export_whisper(checkpoint, tmp_path)
    runner = Runner(tmp_path)
    cross, tokens = runner.encode(features(1)), np.array([TOKENS])
    feed = {**cross, **empty_past(1), "tokens": tokens, "positions": np.array([6])}
    whole = runner.step(feed)["logits"]
    first = runner.step(feed | {"tokens": tokens[:, :3], "positions": np.array([2])})
    rest = {"tokens": tokens[:, 3:], "positions": np.array([3])}
    pieces = runner.step({**cross, **past_of(first), **rest})["logits"]
    np.testing.assert_allclose(pieces, whole, atol=1e-4 * float(np.abs(whole).max()))


def test_alignment_is_the_scores_of_the_heads_that_follow_time(
    tmp_path: Path, checkpoint: WhisperCheckpoint, weights: dict[str, np.ndarray]
) -> None:
    export_whisper(checkpoint, tmp_path)
    runner, log_mel = Runner(tmp_path), features(1)
    feed = {**runner.encode(log_mel), **empty_past(1)}
    found = runner.step(feed | {"tokens": np.array([TOKENS]), "positions": np.array([0])})
    reference = NumpyWhisper(weights, SHAPE)
    reference.logits(TOKENS, reference.encode(log_mel[0]))
    expected = [
        reference.scores[f"model.decoder.layers.{layer}.encoder_attn"][head]
        for layer, head in sorted(checkpoint.config.alignment_heads)
    ]
    near = 1e-4 * float(np.abs(expected).max())
    np.testing.assert_allclose(found["alignment"][0], np.stack(expected), atol=near)


def test_a_position_counts_as_often_as_it_has_members(
    tmp_path: Path, checkpoint: WhisperCheckpoint, weights: dict[str, np.ndarray]
) -> None:
    export_whisper(checkpoint, tmp_path)
    runner, log_mel = Runner(tmp_path), features(1)
    sizes = [1, 1, 1, 1, 2, 2] + [4] * 373
    starts = [0, 1, 2, 3, 4, 6, *range(8, 1500, 4)]
    source = [0, 1, 2, *[5] * (len(sizes) - 3)]
    cross = runner.encode(
        log_mel,
        source=np.array([source]),
        place=np.array([[group_row(*group, 1500) for group in zip(sizes, starts, strict=True)]]),
        log_members=np.log([sizes]).astype(np.float32),
    )
    tokens = {"tokens": np.array([TOKENS]), "positions": np.arange(len(TOKENS))}
    found = runner.step({**cross, **empty_past(1), **tokens})["logits"][0]
    reference = NumpyWhisper(weights, SHAPE)
    expected = reference.logits(TOKENS, reference.encode(log_mel[0], source, sizes))
    np.testing.assert_allclose(found, expected, atol=1e-4 * float(np.abs(expected).max()))


@pytest.mark.parametrize(("precision", "near"), [("float16", 0.01), ("int8", 0.1)])
def test_other_number_types_compute_nearly_the_same(
    tmp_path: Path,
    checkpoint: WhisperCheckpoint,
    weights: dict[str, np.ndarray],
    precision: Precision,
    near: float,
) -> None:
    export_whisper(checkpoint, tmp_path, precision=precision)
    runner, log_mel = Runner(tmp_path), features(1)
    number = np.float16 if precision == "float16" else np.float32
    tokens = {"tokens": np.array([TOKENS]), "positions": np.arange(len(TOKENS))}
    feed = {**runner.encode(log_mel), **empty_past(1, number)}
    found = runner.step(feed | tokens)["logits"][0]
    reference = NumpyWhisper(weights, SHAPE)
    expected = reference.logits(TOKENS, reference.encode(log_mel[0]))
    assert found.dtype == np.float32
    assert np.sqrt(np.mean((found - expected) ** 2)) < near * np.std(expected)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_row_does_not_depend_on_the_rows_beside_it(
    tmp_path: Path, checkpoint: WhisperCheckpoint, precision: Precision
) -> None:
    export_whisper(checkpoint, tmp_path, precision=precision)
    runner, log_mel = Runner(tmp_path), features(3)
    log_mel[1] *= 100  # a loud clip that would change a scale shared by the batch
    tokens = np.array([TOKENS, TOKENS[::-1], TOKENS])
    feed = {"positions": np.arange(len(TOKENS))}
    together = runner.step({**runner.encode(log_mel), **empty_past(3), "tokens": tokens, **feed})[
        "logits"
    ]
    for row in range(3):
        one = slice(row, row + 1)
        cross = runner.encode(log_mel[one])
        alone = runner.step({**cross, **empty_past(1), "tokens": tokens[one], **feed})["logits"]
        np.testing.assert_allclose(alone[0], together[row], atol=1e-4 * np.abs(alone).max())


def test_whole_numbers_stay_where_every_processor_agrees(
    tmp_path: Path, checkpoint: WhisperCheckpoint
) -> None:
    # AVX2 without VNNI adds two products in 16 bits: 2 * 255 * 64 is below 32,768, 65 is not.
    export_whisper(checkpoint, tmp_path, precision="int8")
    seen = 0
    for name in ("encoder", "decoder"):
        for tensor in onnx.load(tmp_path / f"{name}.onnx").graph.initializer:
            if tensor.data_type == onnx.TensorProto.INT8:
                seen += 1
                assert np.abs(numpy_helper.to_array(tensor).astype(int)).max() <= 64
    assert seen


def test_two_exports_give_the_same_bytes(tmp_path: Path, checkpoint: WhisperCheckpoint) -> None:
    for limit in (1_900_000_000, 10_000):
        written = []
        for name in "ab":
            directory = tmp_path / f"{name}{limit}"
            directory.mkdir()
            export_whisper(checkpoint, directory, inline_limit_bytes=limit)
            written.append({path.name: path.read_bytes() for path in directory.iterdir()})
        assert written[0] == written[1]
