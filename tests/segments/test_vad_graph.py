from __future__ import annotations

from importlib import resources

import numpy as np
import onnx
import pytest

from beam_audio.segments.vad_graph import side_by_side, side_by_side_model


def test_each_frame_has_four_windows_and_the_last_one_is_mirrored() -> None:
    samples = np.arange(64 + 9 * 512, dtype=np.float32)

    windows = side_by_side(samples).reshape(2, 4, 8, 256)

    frame = samples[512 : 512 + 576]  # the second one
    np.testing.assert_array_equal(windows[0, 0, 1], frame[:256])
    np.testing.assert_array_equal(windows[0, 2, 1], frame[256:512])
    np.testing.assert_array_equal(windows[0, 3, 1], np.pad(frame, (0, 64), "reflect")[384:])
    np.testing.assert_array_equal(windows[1, 0, 0], samples[8 * 512 : 8 * 512 + 256])
    assert not windows[1, :, 1, 64:192].any()  # beyond the end


@pytest.mark.parametrize("frames", [1, 8, 20])
def test_a_block_takes_eight_frames(frames: int) -> None:
    assert side_by_side(np.zeros(64 + frames * 512, np.float32)).shape == (
        -(-frames // 8) * 32,
        256,
    )


def test_the_rebuilt_network_is_a_valid_one_with_the_same_outputs() -> None:
    data = resources.files("beam_audio") / "data"
    original = (data / "silero_vad_16k_sequence.onnx").read_bytes()

    rebuilt = onnx.load_model_from_string(side_by_side_model(original))

    onnx.checker.check_model(rebuilt)
    published = onnx.load_model_from_string(original)
    outputs = [[each.name for each in model.graph.output] for model in (rebuilt, published)]
    assert outputs[0] == outputs[1]
