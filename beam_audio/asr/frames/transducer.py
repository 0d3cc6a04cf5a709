"""Greedy decoding of transducers, RNN-T and TDT, for a batch of clips at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.asr.frames.decoder_joint import FLOATS
from beam_audio.asr.frames.label_loop import FOUND, label_loop
from beam_audio.asr.session import make_session
from beam_audio.models.graph_files import mixes_rows, read_graph
from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.asr.device_values import Device
    from beam_audio.asr.frames.label_loop import TransducerRules
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.models.onnx_graph import Kind


_KINDS: Final[dict[str, Kind]] = {"tensor(float)": "float", "tensor(float16)": "float16"}


@dataclass(frozen=True, slots=True)
class Emission:
    """One token of a transducer's output.

    Attributes:
        token: Its id; never the blank's.
        frame: The frame that gave it.
        frames: Number of frames it takes: for a TDT the network's, at least 1; for an RNN-T 1.
        logprob: Natural log of its probability among the tokens.
    """

    token: int
    frame: int
    frames: int
    logprob: float


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What the encoder makes of some clips of a batch.

    Attributes:
        rows: Index of each clip in the batch.
        frames: A value of the device, (clips, width, frames).
        lengths: int64 (clips,): frames of each clip, without those of padding.
    """

    rows: tuple[int, ...]
    frames: Any
    lengths: NDArray[np.int64]


class TransducerDecoder:
    """Prediction and joint network with the loops that decode by them.

    Args:
        path: ``decoder_joint-model.onnx`` as NeMo exports it.
        rules: How its scores are read.
        device: The memory of the provider.
        options: Provider and threads.

    Raises:
        ModelError: The file is of another kind, or does not fit the rules.
        ProviderError: The provider was required and cannot be used.
    """

    def __init__(
        self, path: Path, rules: TransducerRules, device: Device, options: ModelOptions
    ) -> None:
        self._rules = rules
        self._device = device
        self._loop = make_session(label_loop(path, rules), options)
        self._kind = _KINDS[self._loop.get_inputs()[0].type]
        self._packer = make_session(_packer(self._kind), options)
        # Exports for exactly one clip, or with one scale for all rows, get one row at a time.
        clips = next(entry for entry in read_graph(path).input if entry.name == "encoder_outputs")
        fixed = clips.type.tensor_type.shape.dim[0].HasField("dim_value")
        self.takes_batches = not fixed and not mixes_rows(path)

    def decode(self, encoded: Sequence[Encoded]) -> list[list[Emission]]:
        """Decode a batch; the tokens of one clip do not depend on the others.

        Args:
            encoded: The clips. If the networks take no batches, each part is one clip.

        Returns:
            The tokens of each clip, in the order of the batch.
        """
        if self.takes_batches:
            return self._decode(encoded) if encoded else []
        found = {part.rows: self._decode([replace(part, rows=(0,))])[0] for part in encoded}
        return [found[rows] for rows in sorted(found)]

    def _decode(self, encoded: Sequence[Encoded]) -> list[list[Emission]]:
        lengths = np.zeros(sum(len(part.rows) for part in encoded), np.int64)
        for part in encoded:
            lengths[list(part.rows)] = part.lengths
        feed = {"packed": self._packed(encoded, len(lengths)), "lengths": self._device.put(lengths)}
        values = self._device.run(self._loop, feed, tuple(FOUND))
        found = {name: self._device.fetch(value) for name, value in values.items()}
        return list(_emissions(found, len(lengths), self._rules.blank))

    def _packed(self, encoded: Sequence[Encoded], clips: int) -> Any:  # noqa: ANN401 (the library has no types)
        """The frames of all clips, (clips, width, frames of the longest)."""
        shapes = [part.frames.shape() for part in encoded]
        width, frames = shapes[0][1], max(shape[2] for shape in shapes)
        packed = self._device.empty((clips, width, frames), FLOATS[self._kind])
        for part in encoded:
            rows = self._device.put(np.array(part.rows, np.int64)[:, None])
            feed = {"packed": packed, "encoded": part.frames, "rows": rows}
            self._device.run(self._packer, feed, ["filled"], {"filled": packed})
        return packed


def _packer(kind: Kind) -> bytes:
    """A graph that writes the frames of some clips into a value that holds those of all."""
    graph = GraphWriter("packer")
    packed = graph.input("packed", kind, ("all", "w", "t"))
    encoded = graph.input("encoded", kind, ("b", "w", "own"))
    rows = graph.input("rows", "int64", ("b", 1))
    after = graph.node("Sub", _frames(graph, packed), _frames(graph, encoded))
    pads = graph.node("Concat", *(graph.integers(0),) * 5, after, axis=0)
    # ONNX Runtime writes in place where both are the same value.
    graph.node("ScatterND", packed, rows, graph.node("Pad", encoded, pads), to="filled")
    graph.output("filled", kind, ("all", "w", "t"))
    return graph.model_bytes()


def _frames(graph: GraphWriter, x: str) -> str:
    return graph.node("Gather", graph.node("Shape", x), graph.integers(2), axis=0)


def _emissions(found: dict[str, NDArray[Any]], clips: int, blank: int) -> Iterator[list[Emission]]:
    """The tokens of each clip, from arrays (labels, clips)."""
    if not len(found["token"]):  # ONNX Runtime gives them another shape if there was no label
        yield from ([] for _ in range(clips))
        return
    for row in range(clips):
        spoken = found["token"][:, row] != blank
        columns = (found[name][spoken, row].tolist() for name in FOUND)
        yield [Emission(*values) for values in zip(*columns, strict=True)]
