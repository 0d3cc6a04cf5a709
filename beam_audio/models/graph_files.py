"""What an ONNX file says of itself, read without loading its weights."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING, Any, Final

from beam_audio.errors import ModelError, raise_machine_error

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# DynamicQuantizeLinear, -MatMul and -LSTM compute one scale for the whole batch of a call.
_SCALED_BY_CALL: Final = b"DynamicQuantize"
_EXTERNAL_KEY: Final = b"location"


def read_graph(path: Path) -> Any:  # noqa: ANN401 (protobuf has no types)
    """The graph, without weights stored beside it.

    Raises:
        ModelError: It is not an ONNX file.
    """
    return read_model(path, weights=False).graph


def read_model(path: Path, *, weights: bool = True) -> Any:  # noqa: ANN401 (protobuf has no types)
    """The model; ``weights`` says whether those stored beside it are read, too.

    Raises:
        ModelError: It is not an ONNX file, or weights are missing.
    """
    import onnx  # noqa: PLC0415 (slow to load)
    from google.protobuf.message import DecodeError  # noqa: PLC0415 (comes with onnx)

    try:
        return onnx.load(path, load_external_data=weights)
    except (DecodeError, OSError) as error:
        raise_machine_error(error, f"cannot read {path}")
        raise ModelError(f"{path} is not an ONNX file: {error}") from error


def last_dimension(path: Path, output: str) -> int | None:
    """Declared size of the last dimension of an output; None if it is free or not declared.

    Raises:
        ModelError: It is not an ONNX file.
    """
    for entry in read_graph(path).output:
        dimensions = entry.type.tensor_type.shape.dim
        if entry.name == output and dimensions and dimensions[-1].HasField("dim_value"):
            return int(dimensions[-1].dim_value)
    return None


def external_weights(path: Path) -> set[Path]:
    """Files beside an ONNX file that hold its weights.

    Raises:
        ModelError: It is not an ONNX file, or a file it names is missing or outside its directory.
    """
    if not _contains(path, _EXTERNAL_KEY):
        return set()  # the graph holds its weights itself: there is no need to read it
    names = {
        entry.value
        for tensor in constants(read_graph(path))
        for entry in tensor.external_data
        if entry.key == _EXTERNAL_KEY.decode()
    }
    files = {path.parent / name for name in names}
    for file in files:
        if not file.resolve().is_relative_to(path.parent.resolve()):
            raise ModelError(
                f"{path} names weights outside its directory, {file}, which are not read"
            )
        if not file.is_file():
            raise ModelError(f"{file}, which holds weights of {path.name}, is missing")
    return files


def mixes_rows(path: Path) -> bool:
    """Whether the result for one row of a batch may depend on the other rows.

    With dynamic quantisation it does, because one activation scale serves the whole batch.
    """
    return _contains(path, _SCALED_BY_CALL)


def _contains(path: Path, text: bytes) -> bool:
    """Whether the bytes occur in the file; it holds names of operators and keys as plain text."""
    with path.open("rb") as stream:
        try:
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # empty
            return False
        with data:
            return data.find(text) >= 0


def constants(graph: Any) -> Iterator[Any]:  # noqa: ANN401 (protobuf has no types)
    """Every tensor that a graph, or a graph inside it, holds."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                yield from constants(inner)
