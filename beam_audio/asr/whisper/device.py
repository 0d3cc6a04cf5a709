"""The memory that a session computes in: values are put there, stay there, and are fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_DEVICES = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda"}


class Device:
    """Memory of an execution provider; the sessions of a model share it.

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

    def run(
        self,
        session: Any,  # noqa: ANN401 (the library has no types)
        feed: Mapping[str, Any],
        stay: Sequence[str],
        come: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Outputs by name: those in ``stay`` on the device, those in ``come`` in main memory."""
        binding = session.io_binding()
        for name, value in feed.items():
            binding.bind_ortvalue_input(name, value)
        for name in stay:
            binding.bind_output(name, self.name)
        for name in come:
            binding.bind_output(name, "cpu")
        session.run_with_iobinding(binding)
        return dict(zip((*stay, *come), binding.get_outputs(), strict=True))
