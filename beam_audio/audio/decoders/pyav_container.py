"""A file as FFmpeg opens it: its audio streams, what it states, and where its time begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.audio.decoders import stated
from beam_audio.audio.decoders.pyav_frames import codec_name, container_name
from beam_audio.audio.decoders.timeline import (
    JITTER_SECONDS,
    LEAST_BYTES_PER_SECOND,
    Hole,
    Timeline,
)
from beam_audio.errors import ConfigError, DecodeError, InputError
from beam_audio.types import AudioFormat

if TYPE_CHECKING:
    from types import ModuleType

    import av
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from beam_audio.audio.decoders.byte_source import ByteSource

_TIMED: Final = frozenset(
    {"asf", "flac", "flv", "live_flv", "matroska", "mov", "mp4", "mpeg", "mpegts", "mxf", "nut"}
    | {"ogg", "rm", "webm", "wtv"}
)
"""Containers with timestamps of their own."""

UNTIMED: Final = frozenset(
    {"aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "au", "avi", "caf", "dsf", "dts"}
    | {"dtshd", "eac3", "gsm", "ircam", "iff", "loas", "mlp", "mp3", "mpc", "mpc8", "nistsphere"}
    | {"oma", "shn", "sox", "tak", "truehd", "tta", "voc", "w64", "wav", "wv", "xwma"}
)
"""Containers whose timestamps FFmpeg makes up from the packets before."""

_OPTIONS: Final = {
    "protocol_whitelist": "",
    "format_whitelist": ",".join(sorted(_TIMED | UNTIMED)),
}
"""Containers of recorded sound alone: FFmpeg finds hundreds of others in noise. It takes playlists
and scripts for containers, too; they may open no file and no address."""

_ZERO_BASED: Final = frozenset({"mp4", "matroska"})
"""Containers whose timestamps count from the beginning of the presentation."""

_STATES_LENGTH: Final = frozenset(
    {"mp4", "flac", "flv", "asf", "avi", "caf", "ape", "wv", "tta", "tak", "mpc", "mpc8", "ogg"}
)
"""Containers whose header counts the audio."""

_ENDS_ARE_FOUND: Final = frozenset({"mpegts", "mpeg", "mxf", "nut", "rm", "wtv"})
"""Containers whose end FFmpeg finds, by the last timestamps or in a header that counts no audio."""

_CHECKED_CODECS: Final = frozenset({"flac"})
"""Codecs whose packets have checksums that FFmpeg ignores unless told to check."""

_GAPLESS_JITTER_SECONDS: Final = {"flac": 0.001, "ogg": 0.02}
"""Containers that count samples: a gap between timestamps is damage. Those of Vorbis are wrong by
a block at first."""

_MICROSECONDS: Final = 1_000_000


def import_av() -> ModuleType:
    """PyAV, which is optional.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import av  # noqa: PLC0415  optional and heavy
    except ImportError as error:
        raise ConfigError("PyAV is not installed: pip install 'beam_audio[media]'") from error
    return av


def open_container(source: ByteSource) -> InputContainer:
    """Open a file of recorded sound; FFmpeg follows no address that it may hold."""
    container: InputContainer = import_av().open(
        source, mode="r", metadata_errors="ignore", options=_OPTIONS
    )
    return container


def choose_track(
    container: InputContainer, track: int | None
) -> tuple[AudioStream, tuple[int, ...]]:
    """The audio stream asked for, and the numbers of the others.

    Args:
        container: An open file.
        track: Its number among the audio streams, from 0; None takes the one that the file marks
            as its default, else the first.

    Raises:
        DecodeError: There is no audio stream, or its codec is unknown.
        InputError: There is no such track.
    """
    streams = container.streams.audio
    if not streams:
        raise DecodeError(f"no audio stream in this {container.format.name} file")
    if track is None:
        default = import_av().stream.Disposition.default
        marked = [each for each, stream in enumerate(streams) if stream.disposition & default]
        track = marked[0] if marked else 0
    if not 0 <= track < len(streams):
        raise InputError(
            f"track {track} was asked for, and the file has {len(streams)} audio tracks, "
            "counted from 0"
        )
    stream = streams[track]
    if stream.codec_context is None:  # decoding such a stream crashes PyAV before 18.1
        raise DecodeError(f"unknown codec in this {container.format.name} file")
    if stream.codec_context.codec.name in _CHECKED_CODECS:
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
    return stream, tuple(each for each in range(len(streams)) if each != track)


def _header_seconds(container: InputContainer, stream: AudioStream) -> float | None:
    """Length that FFmpeg reads in the header, or estimates."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / _MICROSECONDS


def stated_seconds(
    container: InputContainer, stream: AudioStream, source: ByteSource
) -> float | None:
    """Length that the container states; None where FFmpeg can only estimate it."""
    family = container_name(container)
    if family == "mp3":
        count = stated.mpeg_count(source)
        return None if count is None else count.seconds
    if family == "matroska":
        return stated.matroska_seconds(source)
    return _header_seconds(container, stream) if family in _STATES_LENGTH else None


def timeline_of(
    container: InputContainer, stream: AudioStream, length: float | None, size_bytes: int
) -> Timeline:
    """Where timestamps count from, and how far they go."""
    family, start = container_name(container), container.start_time
    begins = None if start is None else start / _MICROSECONDS
    own = None
    if stream.start_time is not None and stream.time_base is not None:
        own = float(stream.start_time * stream.time_base)
    origin = None
    if family in _ZERO_BASED and length and own is not None and own < length:
        origin = min(0.0, own)
    elif family in _TIMED and len(container.streams) > 1:
        origin = begins
    end = length
    if end is None and family in _ENDS_ARE_FOUND and container.duration and begins is not None:
        end = begins + container.duration / _MICROSECONDS
    gap: Hole = "damaged_packets" if family in _GAPLESS_JITTER_SECONDS else "time_gaps"
    jitter = _GAPLESS_JITTER_SECONDS.get(family, JITTER_SECONDS)
    longest = size_bytes / LEAST_BYTES_PER_SECOND
    return Timeline(origin, end, timed=family in _TIMED, gap=gap, jitter=jitter, longest=longest)


def format_of(
    container: InputContainer, stream: AudioStream, first: av.AudioFrame | None
) -> AudioFormat:
    """Take rate and channels from the first frame, which is more reliable than the header."""
    codec = stream.codec_context
    return AudioFormat(
        codec=codec_name(stream),
        container=container_name(container),
        sample_rate_hz=codec.sample_rate if first is None else first.sample_rate,
        channels=(codec.layout if first is None else first.layout).nb_channels,
        header_seconds=_header_seconds(container, stream),
    )
