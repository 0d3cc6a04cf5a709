"""The memory that a session computes in: values are put there, stay there, and are fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import DTypeLike, NDArray

_DEVICES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda"}


class Device:
    """Memory of an execution provider; the sessions of a model share it.

    Nothing crosses between this memory and main memory but what is put and what is fetched.

    Args:
        provider: The provider in use, by ONNX Runtime's name.
    """

    def __init__(self, provider: str) -> None:
        from onnxruntime import OrtValue  # noqa: PLC0415 (optional, comes with an extra)

        self._value = OrtValue
        self.name = _DEVICES.get(provider, "cpu")

    def put(self, array: NDArray[Any]) -> Any:  # noqa: ANN401 (the library has no types)
        """A copy of an array on the device."""
        return self._value.ortvalue_from_numpy(array, self.name, 0)

    def empty(self, shape: Sequence[int], dtype: DTypeLike) -> Any:  # noqa: ANN401 (the library has no types)
        """A value on the device whose numbers are not set."""
        return self._value.ortvalue_from_shape_and_type(shape, dtype, self.name, 0)

    def fetch(self, value: Any) -> NDArray[Any]:  # noqa: ANN401 (the library has no types)
        """A copy of a value in main memory."""
        array: NDArray[Any] = value.numpy()
        return array

    def run(
        self,
        session: Any,  # noqa: ANN401 (the library has no types)
        feed: Mapping[str, Any],
        stay: Sequence[str] = (),
        into: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Run a session on values.

        Args:
            session: A session of this device's provider.
            feed: Values by the names of the inputs.
            stay: Names of the outputs that get new values on the device.
            into: Values that hold outputs from now on, by the names of the outputs. One may be fed
                at the same time, if the graph changes it in place.

        Returns:
            The values of the outputs in ``stay``.
        """
        binding = session.io_binding()
        for name, value in feed.items():
            binding.bind_ortvalue_input(name, value)
        for name in stay:
            binding.bind_output(name, self.name)
        for name, value in (into or {}).items():
            binding.bind_ortvalue_output(name, value)
        session.run_with_iobinding(binding)
        return dict(zip(stay, binding.get_outputs(), strict=False))
