from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import export_random

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHAPE = Shape(width=16)
ROWS = [3, 1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("random")
    export_random(SHAPE, random_weights(SHAPE), folder)
    return folder


def take(
    folder: Path, name: str, positions: int | None
) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Names, what is given and what is kept of it."""
    session = onnxruntime.InferenceSession(
        folder / f"{name}.onnx", providers=["CPUExecutionProvider"]
    )
    sizes = {"b": 4, "s": 6, "n": 9}
    rng = np.random.default_rng(3)
    feed = {
        entry.name: rng.normal(size=[sizes.get(size, size) for size in entry.shape]).astype(
            np.float32
        )
        for entry in session.get_inputs()
        if entry.name not in {"rows", "positions"}
    }
    asked = {} if positions is None else {"positions": np.array([positions])}
    found = session.run(None, {**feed, "rows": np.array(ROWS), **asked})
    kept = dict(zip([entry.name for entry in session.get_outputs()], found, strict=True))
    assert kept.keys() == {f"kept_{key}" for key in feed}
    return [(key, value, kept[f"kept_{key}"]) for key, value in feed.items()]


def test_rows_are_taken_in_the_order_asked_for(folder: Path) -> None:
    for _, given, kept in take(folder, "rows", None):
        np.testing.assert_array_equal(kept, given[ROWS])


@pytest.mark.parametrize("positions", [5, 9])
def test_rows_of_audio_have_the_first_positions(folder: Path, positions: int) -> None:
    for name, given, kept in take(folder, "audio_rows", positions):
        axis = 2 if "value" in name else -1
        expected = np.take(given[ROWS], range(positions), axis=axis)
        np.testing.assert_array_equal(kept, expected)


def test_positions_that_are_added_are_hidden(folder: Path) -> None:
    for name, given, kept in take(folder, "audio_rows", 12):
        axis = 2 if "value" in name else -1
        np.testing.assert_array_equal(np.take(kept, range(9), axis=axis), given[ROWS])
        added = np.take(kept, range(9, 12), axis=axis)
        assert (added == (-1e4 if name == "log_members" else 0)).all()
