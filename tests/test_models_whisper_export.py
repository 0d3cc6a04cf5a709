from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from random_whisper import NumpyWhisper, Shape, random_weights, write_huggingface

from beam_audio.models.whisper_checkpoint import WhisperCheckpoint, read_huggingface_whisper
from beam_audio.models.whisper_export import export_whisper

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape()  # large-v3's bands and vocabulary, few and thin layers
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

    def encode(self, log_mel: np.ndarray) -> dict[str, np.ndarray]:
        names = [output.name for output in self._encoder.get_outputs()]
        return dict(zip(names, self._encoder.run(names, {"log_mel": log_mel}), strict=True))

    def step(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        names = [output.name for output in self.decoder.get_outputs()]
        return dict(zip(names, self.decoder.run(names, feed), strict=True))


def empty_past(rows: int) -> dict[str, np.ndarray]:
    size = SHAPE.width // SHAPE.heads
    shapes = {"key": (rows, SHAPE.heads, size, 0), "value": (rows, SHAPE.heads, 0, size)}
    return {
        f"past_{kind}_{layer}": np.zeros(shape, np.float32)
        for layer in range(SHAPE.decoder_layers)
        for kind, shape in shapes.items()
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

    # A prompt of four tokens, with logits at two places; then the rest one at a time.
    tokens = np.array([TOKENS, TOKENS])
    feed = {**cross, **empty_past(2), "tokens": tokens[:, :4], "positions": np.array([0, 3])}
    result = runner.step(feed)
    near = 1e-4 * float(np.abs(expected).max())
    np.testing.assert_allclose(result["logits"], expected[:, [0, 3]], atol=near)
    for place in range(4, len(TOKENS)):
        past = {name.replace("present", "past"): value for name, value in result.items()}
        del past["logits"]
        last = {"tokens": tokens[:, place : place + 1], "positions": np.array([0])}
        result = runner.step({**cross, **past, **last})
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
    past = {name.replace("present", "past"): value for name, value in first.items()}
    del past["logits"]
    rest = {"tokens": tokens[:, 3:], "positions": np.array([3])}
    pieces = runner.step({**cross, **past, **rest})["logits"]
    np.testing.assert_allclose(pieces, whole, atol=1e-4 * float(np.abs(whole).max()))


def test_two_exports_give_the_same_bytes(tmp_path: Path, checkpoint: WhisperCheckpoint) -> None:
    for limit in (1_900_000_000, 10_000):
        written = []
        for name in "ab":
            directory = tmp_path / f"{name}{limit}"
            directory.mkdir()
            export_whisper(checkpoint, directory, inline_limit_bytes=limit)
            written.append({path.name: path.read_bytes() for path in directory.iterdir()})
        assert written[0] == written[1]
