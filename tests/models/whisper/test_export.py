from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.random_whisper import Shape, random_weights, write_huggingface

from beam_audio.models.whisper.checkpoint import WhisperCheckpoint, read_huggingface_whisper
from beam_audio.models.whisper.export import export_whisper

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape()  # large-v3's bands and vocabulary, with few and thin layers
GRAPHS = {
    "log_mel.onnx",
    "encoder.onnx",
    "decoder.onnx",
    "alignment.onnx",
    "audio_rows.onnx",
    "rows.onnx",
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> WhisperCheckpoint:
    directory = tmp_path_factory.mktemp("huggingface")
    write_huggingface(directory, random_weights(SHAPE), SHAPE, shards=2)
    return read_huggingface_whisper({path.name: path for path in directory.iterdir()})


def test_large_weights_are_beside_their_graph(
    tmp_path: Path, checkpoint: WhisperCheckpoint
) -> None:
    export_whisper(checkpoint, tmp_path, inline_limit_bytes=10_000)
    assert {path.name for path in tmp_path.iterdir()} == GRAPHS | {"encoder.data", "decoder.data"}
    assert (tmp_path / "decoder.onnx").stat().st_size < 100_000


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
        assert written[0].keys() >= GRAPHS
