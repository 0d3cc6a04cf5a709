from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from beam_audio.asr.memory_bound import MemoryBound
from beam_audio.asr.placeholder import PlaceholderRecognizer
from beam_audio.asr.recognizer import BatchLimits, Request
from beam_audio.errors import is_out_of_memory
from beam_audio.models.card import load_card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.types import Transcript

CUDA_MESSAGE = (
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bfc_arena.cc:376 AllocateRawInternal "
    "Failed to allocate memory for requested buffer of size 1887436800"
)


class SmallCard(PlaceholderRecognizer):
    """Has room for this many clips at once, and remembers the batches it was given."""

    def __init__(self, room: int, message: str = CUDA_MESSAGE) -> None:
        super().__init__(load_card("placeholder"), "transcribe")
        self.room = room
        self.message = message
        self.batches: list[int] = []

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        self.batches.append(len(requests))
        if len(requests) > self.room:
            raise RuntimeError(self.message)
        return super().transcribe(requests)


def requests(count: int) -> list[Request]:
    rng = np.random.default_rng(0)
    return [Request(rng.normal(size=16_000 + 160 * n).astype(np.float32)) for n in range(count)]


def test_a_batch_too_large_comes_back_whole_and_in_order() -> None:
    card = SmallCard(room=3)
    expected = SmallCard(room=100).transcribe(requests(16))
    assert MemoryBound(card, 960.0).transcribe(requests(16)) == expected


def test_the_size_that_fits_is_remembered() -> None:
    card = SmallCard(room=4)
    bound = MemoryBound(card, 960.0)
    bound.transcribe(requests(16))
    assert card.batches[:3] == [16, 8, 4]
    assert bound.batch_limits.seconds < 8 * 1.16
    card.batches.clear()
    bound.transcribe(requests(16))
    assert max(card.batches) <= card.room


def test_one_clip_too_large_is_that_clips_error() -> None:
    with pytest.raises(RuntimeError, match="Failed to allocate"):
        MemoryBound(SmallCard(room=0), 960.0).transcribe(requests(1))


def test_other_errors_are_not_retried() -> None:
    card = SmallCard(room=1, message="the model is broken")
    with pytest.raises(RuntimeError, match="broken"):
        MemoryBound(card, 960.0).transcribe(requests(8))
    assert card.batches == [8]


def test_everything_else_is_that_of_the_recogniser_inside() -> None:
    card = SmallCard(room=1)
    bound = MemoryBound(card, 960.0)
    assert bound.facts == card.facts
    assert bound.provider == card.provider
    assert bound.passage_seconds == card.passage_seconds
    assert bound.cost_seconds(3.0) == card.cost_seconds(3.0)


def test_batches_have_the_wanted_size_until_one_does_not_fit() -> None:
    bound = MemoryBound(SmallCard(room=100), 48.0)
    bound.transcribe(requests(16))
    assert bound.batch_limits == BatchLimits(48.0)
    bound.limit(24.0)
    assert bound.batch_limits == BatchLimits(24.0)


def test_the_runtimes_own_error_is_known() -> None:
    shape = helper.make_tensor_value_info("shape", TensorProto.INT64, ["n"])
    filled = helper.make_tensor_value_info("filled", TensorProto.FLOAT, None)
    node = helper.make_node("ConstantOfShape", ["shape"], ["filled"])
    graph = helper.make_graph([node], "huge", [shape], [filled])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    with pytest.raises(Exception) as raised:  # noqa: PT011 (its errors share no class)
        session.run(None, {"shape": np.array([1 << 44])})
    assert is_out_of_memory(raised.value)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("CUDA failure 2: out of memory ; GPU=0", True),
        ("CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED", True),
        ("Non-zero status code returned while running MatMul", False),
    ],
)
def test_out_of_memory_is_recognised_by_the_message(message: str, *, expected: bool) -> None:
    assert is_out_of_memory(RuntimeError(message)) is expected
