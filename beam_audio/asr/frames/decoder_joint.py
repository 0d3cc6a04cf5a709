"""``decoder_joint-model.onnx`` of a NeMo transducer, taken apart.

The file holds two networks: the prediction network reads the tokens so far, and the joint network
scores the next token from its output and a frame of audio.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.errors import ModelError
from beam_audio.models.graph_files import mixes_rows, read_model
from beam_audio.models.graph_parts import crossing, depending_on, inferred_shapes, part_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from beam_audio.models.graph_parts import GraphPart
    from beam_audio.models.onnx_graph import Kind

FLOATS: Final[dict[Kind, Any]] = {"float": np.float32, "float16": np.float16}

_FRAMES: Final = "encoder_outputs"
_TARGETS: Final = ("targets", "target_length")
_STATES: Final = ("input_states_1", "input_states_2")
_STATES_AFTER: Final = ("output_states_1", "output_states_2")
_SCORES: Final = "outputs"
_FIRST_OPSET: Final = 13  # some operators have had their form since
# Prefixes of the names in the parts, which share constants.
_PREDICTION: Final = "prediction."
_AUDIO: Final = "audio."
_JOINT: Final = "joint."


@dataclass(frozen=True, slots=True, eq=False)
class DecoderJoint:
    """The two networks.

    Attributes:
        model: The file as a protobuf message.
        kind: Number type of frames and states.
        target_kind: Number type of tokens.
        length_kind: Number type of the number of tokens.
        states: Layers and size of each state of the prediction network.
        ahead: Names of what the joint network computes of the audio alone, of shape (rows, frames,
            …) for all frames at once. Empty if that has to be computed frame by frame.
        scores: Number of scores of a frame; None if the file does not tell.
    """

    model: Any
    kind: Kind
    target_kind: Kind
    length_kind: Kind
    states: tuple[tuple[int, int], ...]
    ahead: tuple[str, ...]
    scores: int | None

    @classmethod
    def read(cls, path: Path) -> DecoderJoint:
        """Read the file.

        Raises:
            ModelError: It is of another kind.
        """
        from onnx.inliner import inline_local_functions  # noqa: PLC0415 (slow to load)

        model = inline_local_functions(read_model(path))
        inputs = {entry.name: entry.type.tensor_type for entry in model.graph.input}
        try:
            kind, target, length = (_kind(inputs[name]) for name in (_FRAMES, *_TARGETS))
            states = tuple(_layers_and_size(inputs[name]) for name in _STATES)
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"{path} is not a decoder and joint network of NeMo: {error}"
            ) from error
        opset = _opsets(model).get("", 0)
        if opset < _FIRST_OPSET:
            raise ModelError(
                f"{path} has operators of version {opset}: export it again with at least "
                f"{_FIRST_OPSET}"
            )
        free = (("rows", "width", "frames"), ("rows", 1), ("rows",))
        shapes = inferred_shapes(
            model,
            dict(zip((_FRAMES, *_TARGETS), free, strict=True))
            | {
                name: (layers, "rows", size)
                for name, (layers, size) in zip(_STATES, states, strict=True)
            },
        )
        scores = shapes.get(_SCORES, ("",))[-1]
        return cls(
            model=model,
            kind=kind,
            target_kind=target,
            length_kind=length,
            states=states,
            ahead=() if mixes_rows(path) else _ahead(model.graph, shapes),
            scores=scores if isinstance(scores, int) else None,
        )

    @property
    def opsets(self) -> dict[str, int]:
        """Version of each set of operators."""
        return _opsets(self.model)

    def prediction(
        self, target: str, length: str, states: Sequence[str]
    ) -> tuple[GraphPart, tuple[str, ...]]:
        """The prediction network, and the names of the states after the token.

        Args:
            target: Name of its input (rows, 1): the previous token.
            length: Name of (rows,): the number of tokens, 1.
            states: Names of the states before the token.

        Raises:
            ModelError: It depends on the audio.
        """
        names = (*_TARGETS, *_STATES)
        given = dict(zip(names, (target, length, *states), strict=True))
        wanted = (*_STATES_AFTER, *self._predicted())
        after = tuple(_PREDICTION + name for name in _STATES_AFTER)
        return part_of(self.model.graph, wanted, given, _PREDICTION), after

    def audio(self, frames: str) -> tuple[GraphPart, tuple[str, ...]]:
        """The part of the joint network that is computed ahead, and the names of its values.

        Args:
            frames: Name of its input (rows, width, frames).
        """
        part = part_of(self.model.graph, self.ahead, {_FRAMES: frames}, _AUDIO)
        return part, tuple(_AUDIO + name for name in self.ahead)

    def joint(self, heard: Sequence[str]) -> tuple[GraphPart, str]:
        """The rest of the joint network, and the name of its scores.

        It reads values of the prediction network, and belongs beside it or inside it.

        Args:
            heard: Names of one frame of what is computed ahead, (rows, 1, …), or if nothing is, of
                the audio itself, (rows, width, 1).
        """
        given = dict(zip(self.ahead or (_FRAMES,), heard, strict=True))
        given |= {name: _PREDICTION + name for name in self._predicted()}
        return part_of(self.model.graph, [_SCORES], given, _JOINT), _JOINT + _SCORES

    def _predicted(self) -> list[str]:
        """What the joint network reads of the prediction network."""
        graph = self.model.graph
        changing = depending_on(graph, (*_TARGETS, *_STATES))
        return [
            name for name in crossing(graph, depending_on(graph, [_FRAMES])) if name in changing
        ]


def _ahead(graph: Any, shapes: Mapping[str, tuple[int | str, ...]]) -> tuple[str, ...]:  # noqa: ANN401 (protobuf has no types)
    """See ``DecoderJoint.ahead``."""
    heard = depending_on(graph, [_FRAMES])
    changing = depending_on(graph, (*_TARGETS, *_STATES))
    names = [name for name in crossing(graph, heard & changing) if name in heard]
    fit = all(shapes.get(name, ())[:2] == ("rows", "frames") for name in names)
    return tuple(names) if fit else ()


def _opsets(model: Any) -> dict[str, int]:  # noqa: ANN401 (protobuf has no types)
    names = {"ai.onnx": ""}  # ONNX's own operators go by two names
    return {names.get(one.domain, one.domain): one.version for one in model.opset_import}


def _kind(tensor: Any) -> Kind:  # noqa: ANN401 (protobuf has no types)
    from onnx import TensorProto  # noqa: PLC0415 (slow to load)

    kinds: dict[int, Kind] = {
        TensorProto.FLOAT: "float",
        TensorProto.FLOAT16: "float16",
        TensorProto.INT32: "int32",
        TensorProto.INT64: "int64",
    }
    if tensor.elem_type not in kinds:
        raise ValueError(f"an input has the number type {tensor.elem_type}")
    return kinds[tensor.elem_type]


def _layers_and_size(tensor: Any) -> tuple[int, int]:  # noqa: ANN401 (protobuf has no types)
    layers, _, size = tensor.shape.dim
    if not layers.dim_value or not size.dim_value:
        raise ValueError("the size of a state is not stated")
    return layers.dim_value, size.dim_value
