"""One small recording in every container and codec that can be encoded here: seeds of damage."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

import av
import numpy as np
import soundfile
from support.encoded_audio import encode_packets, encode_tracks, noise

from beam_audio.audio.encode import _with_serial  # libsndfile takes a random number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SECONDS = 0.4
RATE_HZ = 16_000

_SOUNDFILE = {
    "wav": ("WAV", "PCM_16"),
    "wav-24": ("WAV", "PCM_24"),
    "wav-float": ("WAV", "FLOAT"),
    "wav-double": ("WAV", "DOUBLE"),
    "wav-u8": ("WAV", "PCM_U8"),
    "wav-mulaw": ("WAV", "ULAW"),
    "wav-alaw": ("WAV", "ALAW"),
    "wav-ima": ("WAV", "IMA_ADPCM"),
    "wav-ms": ("WAV", "MS_ADPCM"),
    "wav-gsm": ("WAV", "GSM610"),
    "wavex": ("WAVEX", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "aiff": ("AIFF", "PCM_16"),
    "aiff-float": ("AIFF", "FLOAT"),
    "au": ("AU", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "caf-alac": ("CAF", "ALAC_16"),
    "flac": ("FLAC", "PCM_16"),
    "flac-24": ("FLAC", "PCM_24"),
    "ogg-vorbis": ("OGG", "VORBIS"),
    "ogg-opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "voc": ("VOC", "PCM_16"),
    "nist": ("NIST", "PCM_16"),
    "ircam": ("IRCAM", "PCM_16"),
}
_PACKETS = {
    "adts": ("adts", "aac"),
    "mp4": ("mp4", "aac"),
    "mp4-alac": ("ipod", "alac"),
    "mov-pcm": ("mov", "pcm_s16le"),
    "3gp": ("3gp", "aac"),
    "webm": ("webm", "libopus"),
    "mka": ("matroska", "aac"),
    "mka-flac": ("matroska", "flac"),
    "mka-tta": ("matroska", "tta"),
    "mpegts": ("mpegts", "aac"),
    "mpegts-mp2": ("mpegts", "mp2"),
    "mpeg-ps": ("mpeg", "mp2"),
    "flv": ("flv", "aac"),
    "asf": ("asf", "libmp3lame"),
    "avi": ("avi", "libmp3lame"),
    "ac3": ("ac3", "ac3"),
    "eac3": ("eac3", "eac3"),
    "nut": ("nut", "pcm_s16le"),
    "tta": ("tta", "tta"),
    "wavpack": ("wv", "wavpack"),
    "rm": ("rm", "ac3"),
    "mp3-av": ("mp3", "libmp3lame"),
    "flac-av": ("flac", "flac"),
    "ogg-flac": ("ogg", "flac"),
}
_OPUS_AND_AC3_HZ = 48_000
_SAME_EACH_TIME = {"fflags": "bitexact"}
"""FFmpeg else writes random numbers and its version."""


def _signal(channels: int = 2) -> NDArray[np.float32]:
    return noise(SECONDS, channels)


def _by_soundfile(container: str, subtype: str) -> bytes:
    file = io.BytesIO()
    channels = 1 if subtype == "GSM610" else 2
    soundfile.write(file, _signal(channels), RATE_HZ, format=container, subtype=subtype)
    data = file.getvalue()
    return _with_serial(data, 1) if container == "OGG" else _without_time_of_peak(data)


def _without_time_of_peak(data: bytes) -> bytes:
    """libsndfile writes the time of day into the chunk that holds the peak of floats."""
    at = data.find(b"PEAK")
    return data if at < 0 else data[: at + 12] + bytes(4) + data[at + 16 :]


def _by_packets(container: str, codec: str) -> bytes:
    rate_hz = _OPUS_AND_AC3_HZ if codec in {"libopus", "ac3", "eac3"} else RATE_HZ
    samples = np.resize(_signal(), (round(SECONDS * rate_hz), 2))
    return encode_packets(samples, container, codec, rate_hz=rate_hz, options=_SAME_EACH_TIME)


def with_video(container: str = "mp4", *, sound: bool = True) -> bytes:
    """A tiny video of ten frames; with a sound track, or with none."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=_SAME_EACH_TIME) as output:
        video = output.add_stream("mpeg4", rate=25)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        audio = output.add_stream("aac", rate=RATE_HZ, layout="mono") if sound else None
        for number in range(10):
            picture = av.VideoFrame.from_ndarray(
                np.full((32, 32, 3), 20 * number, np.uint8), format="rgb24"
            )
            output.mux(video.encode(picture))
        output.mux(video.encode(None))
        if audio is not None:
            frame = av.AudioFrame.from_ndarray(
                _signal(1).reshape(1, -1), format="flt", layout="mono"
            )
            frame.sample_rate = RATE_HZ
            output.mux(audio.encode(frame))
            output.mux(audio.encode(None))
    return file.getvalue()


@functools.cache
def seeds() -> Mapping[str, bytes]:
    """Encoded recordings by name, some kilobytes each; the same bytes in every process."""
    made = {name: _by_soundfile(*what) for name, what in _SOUNDFILE.items()}
    made |= {name: _by_packets(*what) for name, what in _PACKETS.items()}
    made["mka-two-tracks"] = encode_tracks("matroska", [SECONDS, SECONDS])
    made["mp4-two-tracks"] = encode_tracks("mp4", [SECONDS, SECONDS])
    made["mp4-video"] = with_video()
    return made
