"""The memory that a session computes in: values are put there, stay there, and are fetched.

All that crosses between main memory and a device crosses here, and is counted here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

_DEVICES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda"}


class Device:
    """Memory of an execution provider; the sessions of a model share it.

    Args:
        provider: The provider in use, by ONNX Runtime's name.

    Attributes:
        name: ONNX Runtime's name of the memory: ``cpu`` or ``cuda``.
        put_bytes: Bytes that were put on the device so far.
        fetched_bytes: Bytes that were fetched from it so far.
        captures: Whether its sessions can capture CUDA graphs.
    """

    def __init__(self, provider: str) -> None:
        from onnxruntime import OrtValue  # noqa: PLC0415 (optional, comes with an extra)

        self._value = OrtValue
        self.name = _DEVICES.get(provider, "cpu")
        self.captures = provider == "CUDAExecutionProvider"
        self.put_bytes = 0
        self.fetched_bytes = 0

    @property
    def is_host(self) -> bool:
        """Whether it is main memory, with batches of any size."""
        return self.name == "cpu" and not self.captures

    def put(self, array: NDArray[Any]) -> Any:  # noqa: ANN401 (the library has no types)
        """A value on the device; on a CPU it shares the array's memory."""
        array = np.ascontiguousarray(array)
        self.put_bytes += array.nbytes
        return self._value.ortvalue_from_numpy(array, self.name, 0)

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Any:  # noqa: ANN401 (as above)
        """A value whose numbers are not set."""
        return self._value.ortvalue_from_shape_and_type(shape, dtype, self.name, 0)

    def zeros(self, shape: Sequence[int], dtype: DTypeLike) -> Any:  # noqa: ANN401 (as above)
        """A value of zeros."""
        return self.put(np.zeros(shape, dtype))

    def update(self, value: Any, array: NDArray[Any]) -> None:  # noqa: ANN401 (as above)
        """Put an array where a value of its shape and type is; the value stays where it is."""
        self.put_bytes += array.nbytes
        value.update_inplace(np.ascontiguousarray(array))

    def fetch(self, value: Any) -> NDArray[Any]:  # noqa: ANN401 (as above)
        """A copy of a value in main memory."""
        array: NDArray[Any] = value.numpy()
        if self.name == "cpu":
            array = array.copy()  # it is the value's own memory
        self.fetched_bytes += array.nbytes
        return array

    def part(self, value: Any, rows: NDArray[np.intp], axis: int, first: int) -> Any:  # noqa: ANN401 (as above)
        """A copy of rows of a value in a CPU's memory, with the first places along an axis."""
        places = tuple(slice(first if each == axis else None) for each in range(axis + 1))
        return self._value.ortvalue_from_numpy(value.numpy()[places][rows], self.name, 0)

    def longer(self, value: Any, axis: int, more: int) -> Any:  # noqa: ANN401 (as above)
        """A copy of a value in a CPU's memory, with more places along an axis."""
        array = value.numpy()
        places = [(0, more if each == axis else 0) for each in range(array.ndim)]
        return self._value.ortvalue_from_numpy(np.pad(array, places), self.name, 0)

    def run(
        self,
        session: Any,  # noqa: ANN401 (the library has no types)
        feed: Mapping[str, Any],
        names: Sequence[str],
        into: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Outputs by name, on the device; they are written to ``into`` if it is given."""
        binding = session.io_binding()
        for name, value in feed.items():
            binding.bind_ortvalue_input(name, value)
        for name in names:
            if into is None:
                binding.bind_output(name, self.name)
            else:
                binding.bind_ortvalue_output(name, into[name])
        session.run_with_iobinding(binding)
        return dict(zip(names, binding.get_outputs(), strict=True))
