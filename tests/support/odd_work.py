"""A work of decoding children, as :mod:`beam_audio.audio.isolated.program` describes one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from beam_audio.audio.isolated.messages import Part
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.audio.decoders.stream import AudioStream

_done: list[AudioStream] = []


def load() -> None:
    """Load nothing, or fail as a model does that cannot be loaded."""
    if "ODD_WORK_FAILS" in os.environ:
        raise ModelError("the model is missing")


def parts(stream: AudioStream, order: dict[str, Any]) -> Iterator[Part]:
    """Each block with its number, or what the order says after two of them.

    A child that has done nothing before is spared if the order says ``used``.
    """
    _done.append(stream)
    for number, block in enumerate(stream.blocks()):
        if number == order.get("at") and not (order.get("used") and len(_done) == 1):
            _do(order["do"])
        yield Part({"number": number}, block.tobytes())


def _do(verb: str) -> None:
    if verb == "abort":
        os.abort()
    if verb == "allocate":
        np.ones(2**40)
    raise ZeroDivisionError(verb)
