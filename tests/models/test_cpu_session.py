"""What is no network is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import ModelError
from beam_audio.models.cpu_session import one_thread_session

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_without_a_network_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no network")
    with pytest.raises(ModelError, match=r"cannot load .*model\.onnx"):
        one_thread_session(tmp_path / "model.onnx")
    with pytest.raises(ModelError, match=r"cannot load .*model\.onnx"):
        one_thread_session(tmp_path / "model.onnx", b"no network either")
