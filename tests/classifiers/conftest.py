"""The models beside the shared audio, and what was measured with them."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from beam_audio.audio.decode import decode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


@pytest.fixture(scope="session")
def given_models(shared_data: Path) -> Path:
    """Folder of the models; the test that asks for it carries ``pytest.mark.shared``."""
    return shared_data.parent / "models"


@pytest.fixture(scope="session")
def expected_of(given_models: Path) -> dict[str, Any]:
    """What was measured, by the name of the clip."""
    found: dict[str, Any] = json.loads((given_models / "expected.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="session")
def clip_of(shared_data: Path) -> Callable[[str], NDArray[np.float32]]:
    """Samples of a clip by its name."""

    @cache
    def clip(name: str) -> NDArray[np.float32]:
        return decode(shared_data / name).samples

    return clip
