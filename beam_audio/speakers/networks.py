"""The two networks that tell people apart: who speaks in each frame, and how a voice sounds.

They are ONNX files: CAM++ of 3D-Speaker, or another network with its inputs and outputs, and
pyannote segmentation 3.0. ``beam-audio models get`` brings those of a card.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.errors import ModelError
from beam_audio.models.cpu_session import one_thread_session
from beam_audio.models.graph_files import read_model
from beam_audio.models.network_card import network_cards, network_folder
from beam_audio.quality.spectrogram import FULL_SCALE, kaldi_fbank
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ: Final = 16_000
DIMENSIONS: Final = 192
LOCAL_VOICES: Final = 3
"""Voices that the segmentation tells apart in one window."""
STEP_SAMPLES: Final = 270
"""Samples between frames of the segmentation."""
FIRST_CENTRE_SAMPLES: Final = 495
"""The middle of its first frame."""

_BANDS: Final = 80
_EMBEDDING: Final = "campplus*.onnx"
_SEGMENTATION: Final = "*segmentation*.onnx"
# Which of three voices speak, by class: nobody, one, or two at once.
_SPEAKING: Final = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], bool
)
_CURE: Final = "beam-audio models get campplus brings both to the name campplus"


@dataclass(frozen=True, slots=True)
class SpeakerModel:
    """Both networks as a run names them.

    Attributes:
        name: A name of a card, or a folder.
        embedding: Name of the file that tells how a voice sounds.
        segmentation: Name of the file that tells who speaks.
        sha256: Hash of both files' hashes.
    """

    name: str
    embedding: str
    segmentation: str
    sha256: str

    @property
    def is_named(self) -> bool:
        """Whether its name is that of a card."""
        return self.name in network_cards("speakers")

    @property
    def model_id(self) -> str:
        """What rows say the embeddings are of: those of another id cannot be compared."""
        return f"{self.embedding.removesuffix('.onnx')}-{self.sha256[:12]}"


@dataclass(frozen=True, slots=True, eq=False)
class SpeakerNetworks:
    """Both networks, loaded."""

    model: SpeakerModel
    embedding: Any
    segmentation: Any

    def embed(self, clip: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """How a voice sounds: a direction, float32 of shape (192,) and length 1.

        Args:
            clip: float32 of shape (n,) at 16 kHz, in which nobody else speaks.

        Returns:
            None for a clip without a frame, or one of digital silence.
        """
        features = kaldi_fbank(clip * FULL_SCALE, _BANDS, "povey")
        if not len(features):
            return None
        feat = (features - features.mean(axis=0)).astype(np.float32)
        found: NDArray[np.float32] = self.embedding.run(None, {"feat": feat[np.newaxis]})[0][0]
        length = float(np.linalg.norm(found))
        return found / np.float32(length) if length > 0 and np.isfinite(length) else None

    def speaking(self, clip: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which of three voices speak in each frame, of shape (frames, 3).

        Args:
            clip: float32 of shape (n,) at 16 kHz, at most some 10 s. Frames of one that is
                shorter than a second go on to its end.
        """
        # It fails on less than some hundredths of a second; silence is nobody.
        padded = np.pad(clip, (0, max(0, RATE_HZ - len(clip))))
        waveform = padded[np.newaxis, np.newaxis]
        (scores,) = self.segmentation.run(None, {"waveform": waveform})
        found: NDArray[np.bool_] = _SPEAKING[scores[0].argmax(axis=1)]
        return found


def find_model(name_or_dir: str) -> SpeakerModel:
    """Find both networks on this machine; nothing is loaded.

    Args:
        name_or_dir: A name of a card, or a folder.

    Raises:
        ModelError: There is not exactly one of each, or it cannot be read.
        ChecksumError: A file of a named one is damaged or another one.
    """
    files = _files(name_or_dir)
    try:
        hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    except OSError as error:
        raise ModelError(f"{name_or_dir} cannot be read: {error.strerror}") from error
    embedding, segmentation = (file.name for file in files)
    return SpeakerModel(name_or_dir, embedding, segmentation, stable_id("speakers", *hashes))


@lru_cache(maxsize=1)
def load_networks(name_or_dir: str) -> SpeakerNetworks:
    """The networks, loaded once a process; each runs on one CPU thread, as decoding does.

    Raises:
        ModelError: A file lacks or is no such network, or onnxruntime is not installed.
        ChecksumError: A file of a named one is damaged or another one.
        MachineError: The machine is at fault.
    """
    model = find_model(name_or_dir)
    sessions = map(_session, _files(name_or_dir), ("feat", "waveform"))
    networks = SpeakerNetworks(model, *sessions)
    _require_shapes(networks)
    return networks


def load_same(wanted: SpeakerModel) -> SpeakerNetworks:
    """The networks of a run, see :func:`load_networks`.

    Raises:
        ModelError: They are not here, or are not those that the run began with.
        MachineError: The machine is at fault.
    """
    networks = load_networks(wanted.name)
    if networks.model != wanted:
        raise ModelError(
            f"the networks of {wanted.name} are not those that the run began with: give each "
            "worker the same"
        )
    return networks


def _files(name_or_dir: str) -> list[Path]:
    """The file that tells how a voice sounds, and the one that tells who speaks."""
    folder = network_folder("speakers", name_or_dir)
    return [_only(folder, pattern) for pattern in (_EMBEDDING, _SEGMENTATION)]


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise ModelError(
            f"{folder} holds {len(found)} files {pattern}, and not one: name the folder of "
            f"both networks; {_CURE}"
        )
    return found[0]


def _session(file: Path, name: str) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    session = one_thread_session(file, _pooling_alike(file))
    names = [each.name for each in session.get_inputs()]
    if names != [name]:
        raise ModelError(f"{file} takes {', '.join(names)} and not {name}; {_CURE}")
    return session


def _pooling_alike(file: Path) -> bytes:
    """The network of a file, with the same pooling in every version of ONNX Runtime.

    Where a window without padding reaches beyond the end, ONNX divides by the samples in it. With
    ``count_include_pad``, ONNX Runtime before 1.29 divides by the length of the window.
    """
    network = read_model(file)
    for node in network.graph.node:
        attributes = {each.name: each for each in node.attribute}
        padded = "pads" in attributes and any(attributes["pads"].ints)
        if node.op_type == "AveragePool" and "count_include_pad" in attributes and not padded:
            attributes["count_include_pad"].i = 0
    content: bytes = network.SerializeToString()
    return content


def _require_shapes(networks: SpeakerNetworks) -> None:
    """Run both networks once on silence."""
    model = networks.model
    silence = np.zeros(RATE_HZ, np.float32)
    feat = kaldi_fbank(silence, _BANDS, "povey").astype(np.float32)
    voice = networks.embedding.run(None, {"feat": feat[np.newaxis]})[0]
    frames = networks.segmentation.run(None, {"waveform": silence[np.newaxis, np.newaxis]})[0]
    if voice.shape != (1, DIMENSIONS) or frames.shape[2:] != (len(_SPEAKING),):
        raise ModelError(
            f"{model.embedding} gives {voice.shape[-1]} numbers a voice and {model.segmentation} "
            f"{frames.shape[-1]} classes a frame, and not {DIMENSIONS} and {len(_SPEAKING)}; "
            f"{_CURE}"
        )
