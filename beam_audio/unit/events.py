"""What comes out of an input while it is read: segments, the ends of recordings, failures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from beam_audio.types import AudioRef, Failure, Quality, Segment

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from beam_audio.quality.second_opinion import Opinion
    from beam_audio.types import Transcript
    from beam_audio.unit.channels import Channel


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSegment:
    """A measured segment on its way to the recogniser.

    ``segment.samples`` is empty: ``clip`` holds what the recogniser hears, float32 at its rate, and
    ``encoded`` the audio that is stored, if any; both are empty if it was not to be measured.
    ``unheard`` says why the recogniser cannot hear it; empty if it can. ``transcript`` and
    ``second`` are what its row has already, and what is not made again.
    """

    source: Channel
    segment: Segment
    quality: Quality
    clip: NDArray[np.float32] = field(repr=False)
    encoded: bytes | None = field(default=None, repr=False)
    unheard: str = ""
    transcript: Transcript | None = None
    second: Opinion | None = None


@dataclass(frozen=True, slots=True)
class RecordingEnd:
    """The end of a recording: all its segments have come.

    Attributes:
        source: The recording.
        decoded_samples: Its length, with silence that stands in for lost audio.
        speech_samples: How many of them are speech.
        truncation: The failure that ended decoding too early; None when none did.
        concealed_seconds: Silence that stands in for what the file does not hold.
        reasons: What is remarkable about its file and its channels; see
            :class:`~beam_audio.audio.decode.AudioStream` and :mod:`beam_audio.audio.mixing`.
        audio_sha256: Hash of its samples as 16-bit PCM, see
            :class:`~beam_audio.audio.pcm.PcmHash`; empty for samples that came without a file.
    """

    source: Channel
    decoded_samples: int
    speech_samples: int
    truncation: Failure | None
    concealed_seconds: float = 0.0
    reasons: tuple[str, ...] = ()
    audio_sha256: str = ""


@dataclass(frozen=True, slots=True)
class KnownInput:
    """An input whose bytes have rows already, under the same name: the file was touched."""

    source_id: str
    recording_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ForgottenInput:
    """An input of a recording that was forgotten: nothing is kept of it."""

    ref: AudioRef


Event = PreparedSegment | RecordingEnd | KnownInput | ForgottenInput | Failure
