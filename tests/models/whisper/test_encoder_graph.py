from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from support.random_whisper import NumpyWhisper, Shape, Weights, random_weights
from support.random_whisper_models import export_random

from beam_audio.models.whisper.position_groups import group_row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from beam_audio.models.whisper.transformer import Precision

SHAPE = Shape()  # large-v3's bands, with few and thin layers


class Runner:
    """The encoder, fed with plain arrays."""

    def __init__(self, path: Path) -> None:
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def encode(self, log_mel: np.ndarray, **window: np.ndarray) -> dict[str, np.ndarray]:
        full = np.tile(np.arange(SHAPE.frames), (len(log_mel), 1))
        whole = {"source": full, "place": full, "log_members": np.zeros(full.shape, np.float32)}
        names = [output.name for output in self._session.get_outputs()]
        cross = self._session.run(names, {"log_mel": log_mel, **whole, **window})
        return dict(zip(names, cross, strict=True))


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights(SHAPE)


@pytest.fixture(scope="module")
def runner_of(
    tmp_path_factory: pytest.TempPathFactory, weights: Weights
) -> Callable[[Precision], Runner]:
    def runner(precision: Precision) -> Runner:
        folder = tmp_path_factory.mktemp(precision)
        export_random(SHAPE, weights, folder, precision)
        return Runner(folder / "encoder.onnx")

    return runner


@pytest.fixture(scope="module")
def runner(runner_of: Callable[[Precision], Runner]) -> Runner:
    return runner_of("float32")


def features(rows: int) -> np.ndarray:
    size = (rows, SHAPE.bands, 2 * SHAPE.frames)
    return np.random.default_rng(7).normal(size=size).astype(np.float32)


def assert_near(found: np.ndarray, expected: np.ndarray, near: float = 1e-4) -> None:
    np.testing.assert_allclose(found, expected, atol=near * float(np.abs(expected).max()))


def test_keys_and_values_are_those_of_the_reference(runner: Runner, weights: Weights) -> None:
    log_mel, reference = features(2), NumpyWhisper(weights, SHAPE)
    found = runner.encode(log_mel)
    for row, clip in enumerate(log_mel):
        for name, expected in reference.cross(reference.encode(clip)).items():
            assert_near(found[name][row], expected)


def test_a_position_counts_as_often_as_it_has_members(runner: Runner, weights: Weights) -> None:
    log_mel = features(1)
    sizes = [1, 1, 1, 1, 2, 2] + [4] * 373
    starts = [0, 1, 2, 3, 4, 6, *range(8, 1500, 4)]
    source = [0, 1, 2, *[5] * (len(sizes) - 3)]
    found = runner.encode(
        log_mel,
        source=np.array([source]),
        place=np.array([[group_row(*group, 1500) for group in zip(sizes, starts, strict=True)]]),
        log_members=np.log([sizes]).astype(np.float32),
    )
    reference = NumpyWhisper(weights, SHAPE)
    whole = reference.cross(reference.encode(log_mel[0], source, sizes))
    for name, expected in whole.items():  # all members of a group are one and the same
        assert_near(found[name][0], expected.take(starts, axis=2 if "key" in name else 1))


@pytest.mark.parametrize(("precision", "near"), [("float16", 0.003), ("int8", 0.05)])
def test_other_number_types_compute_nearly_the_same(
    runner_of: Callable[[Precision], Runner], weights: Weights, precision: Precision, near: float
) -> None:
    log_mel, reference = features(1), NumpyWhisper(weights, SHAPE)
    found = runner_of(precision).encode(log_mel)
    for name, expected in reference.cross(reference.encode(log_mel[0])).items():
        ours = found[name][0].astype(np.float64)
        if precision == "float16" and name.startswith("cross_value"):
            ours = ours.swapaxes(1, 2)
        error = ours - expected
        assert np.sqrt(np.mean(error**2)) < near * np.sqrt(np.mean(expected**2)), name


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_row_does_not_depend_on_the_rows_beside_it(
    runner_of: Callable[[Precision], Runner], precision: Precision
) -> None:
    runner, log_mel = runner_of(precision), features(3)
    log_mel[1] *= 100  # a loud clip that would change a scale shared by the batch
    together = runner.encode(log_mel)
    for row in range(3):
        for name, alone in runner.encode(log_mel[row : row + 1]).items():
            assert_near(together[name][row], alone[0])


def test_hidden_positions_change_nothing(runner: Runner) -> None:
    log_mel, shown = features(1), 700
    places = np.arange(shown)[None]
    alone = runner.encode(
        log_mel, source=places, place=places, log_members=np.zeros((1, shown), np.float32)
    )
    hidden = np.full((1, 1500), -1e4, np.float32)
    hidden[:, :shown] = 0
    for name, found in runner.encode(log_mel, log_members=hidden).items():
        expected = alone[name]
        assert_near(found[:, :, : expected.shape[2], : expected.shape[3]], expected)
