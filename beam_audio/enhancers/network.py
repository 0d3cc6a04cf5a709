"""A network that takes noise out of a clip: it hears one frame after the other, and remembers.

It is an ONNX file of a folder with an ``enhancer.json``; docs/enhance.md shows one.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from beam_audio.enhancers.description import DESCRIPTION, Description, read_description
from beam_audio.enhancers.frames import Framing
from beam_audio.errors import EnhanceError, ModelError, raise_machine_error
from beam_audio.models.cpu_session import one_thread_session
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EnhancerModel:
    """The network of a folder.

    Attributes:
        folder: Where it is.
        name: Name of its file, without the suffix.
        sha256: Hash of its description and of its files.
    """

    folder: str
    name: str
    sha256: str

    @property
    def model_id(self) -> str:
        """What rows say their texts were heard through."""
        return f"{self.name}-{self.sha256[:12]}"


@dataclass(frozen=True, slots=True, eq=False)
class Enhancer:
    """A network, loaded.

    Attributes:
        model: Which one it is.
        description: How it is fed.
        session: It, in ONNX Runtime.
        shape: Shape of its input.
        first: Its states before the first frame.
    """

    model: EnhancerModel
    description: Description
    session: Any
    shape: tuple[int, ...]
    first: Mapping[str, NDArray[np.float32]]

    def enhance(self, clip: NDArray[np.float32]) -> NDArray[np.float32]:
        """A clip with less noise. The result depends on the clip alone.

        Args:
            clip: float32 of shape (n,) at the rate of the description, full scale 1.0.

        Returns:
            float32 of shape (n,).

        Raises:
            EnhanceError: The network fails on the clip, or gives numbers that are not finite.
            MachineError: The machine is at fault.
        """
        known = self.description
        framing = Framing(known.frame_samples, known.hop_samples)
        try:
            frames = self._from_network(self._through(self._for_network(framing.cut(clip))))
        except Exception as error:  # ONNX Runtime's errors share no class
            raise_machine_error(error, f"cannot run {known.model}")
            raise EnhanceError(f"{known.model} fails on this clip: {error}") from error
        found = framing.join(frames, len(clip))
        if not np.isfinite(found).all():
            raise EnhanceError(f"{known.model} gives numbers that are not finite for this clip")
        return found

    def _through(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the network gives for frames of shape (frames, values), in their order."""
        known = self.description
        outputs, states = [known.output, *known.states.values()], self.first
        found = np.empty_like(frames)
        for number, frame in enumerate(frames):
            given = {known.input: frame.reshape(self.shape), **states}
            made, *rest = self.session.run(outputs, given)
            found[number] = made.reshape(-1)
            states = dict(zip(known.states, rest, strict=True))
        return found

    def _for_network(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.description.content == "waveform":
            return frames
        return np.fft.rfft(frames).astype(np.complex64).view(np.float32)

    def _from_network(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.description.content == "waveform":
            return frames
        spectra = frames.view(np.complex64)
        return np.fft.irfft(spectra, self.description.frame_samples).astype(np.float32)


@lru_cache(maxsize=1)
def load_enhancer(folder: str) -> Enhancer:
    """The network of a folder, loaded once a process; it runs on one CPU thread.

    Raises:
        ModelError: The folder holds no enhancer, or onnxruntime is not installed.
        MachineError: The machine is at fault.
    """
    known = read_description(folder)
    file = Path(folder, known.model)
    if not file.is_file():
        raise ModelError(f"{folder} has no {known.model}, which its {DESCRIPTION} names")
    model = EnhancerModel(folder, file.stem, stable_id("enhancer", asdict(known), *_hashes(file)))
    session = one_thread_session(file)
    given = _require_names(known, session)
    shapes = {name: _shape(each.shape) for name, each in given.items()}
    first = {name: np.zeros(shapes[name], np.float32) for name in known.states}
    found = Enhancer(model, known, session, shapes[known.input], first)
    _require_shapes(found)
    return found


def load_same(wanted: EnhancerModel) -> Enhancer:
    """The network of a run, see :func:`load_enhancer`.

    Raises:
        ModelError: It is not here, or is not the one that the run began with.
        MachineError: The machine is at fault.
    """
    enhancer = load_enhancer(wanted.folder)
    if enhancer.model != wanted:
        raise ModelError(
            f"the enhancer in {wanted.folder} is not the one that the run began with: give each "
            "worker the same"
        )
    return enhancer


def _hashes(file: Path) -> list[str]:
    """Hashes of an ONNX file and of its weights, which may be in a file beside it."""
    try:
        return [
            hashlib.sha256(each.read_bytes()).hexdigest()
            for each in sorted(file.parent.glob(f"{file.name}*"))
        ]
    except OSError as error:
        raise ModelError(f"{file.parent} cannot be read: {error.strerror}") from error


def _require_names(known: Description, session: Any) -> dict[str, Any]:  # noqa: ANN401 - onnxruntime ships no types
    """The inputs of a network by name, if it has those that are described, and no others."""
    inputs = {each.name: each for each in session.get_inputs()}
    outputs = {each.name for each in session.get_outputs()}
    stated = {known.input, *known.states}
    if stated != inputs.keys():
        raise ModelError(
            f"{known.model} takes {_listed(inputs)}, and {DESCRIPTION} says {_listed(stated)}"
        )
    if missing := {known.output, *known.states.values()} - outputs:
        raise ModelError(
            f"{known.model} gives {_listed(outputs)}, and {DESCRIPTION} says {_listed(missing)}"
        )
    return inputs


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _shape(stated: Iterable[int | str | None]) -> tuple[int, ...]:
    """The shape for one clip and one frame: what a network leaves open is 1."""
    return tuple(each if isinstance(each, int) else 1 for each in stated)


def _require_shapes(enhancer: Enhancer) -> None:
    """Check what a frame is, and hear a second of silence."""
    known = enhancer.description
    if prod(enhancer.shape) != known.frame_values:
        raise ModelError(
            f"{known.model} takes {prod(enhancer.shape)} numbers a frame, and {DESCRIPTION} makes "
            f"{known.frame_values} of {known.frame_samples} samples"
        )
    try:
        enhancer.enhance(np.zeros(known.sample_rate_hz, np.float32))
    except EnhanceError as error:
        raise ModelError(f"{error}: it cannot hear a second of silence") from error
