"""The audio of a segment, from its row or from a file that is still there, as a clip to play."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from beam_audio import store
from beam_audio.audio.decode import resample
from beam_audio.audio.decoders.request import Cut, DecodeRequest
from beam_audio.audio.encode import encode
from beam_audio.audio.isolated.stream import IsolatedStream
from beam_audio.audio.mixing import Mixer
from beam_audio.errors import BeamAudioError
from beam_audio.output.parts import opened_part, rows_of
from beam_audio.schema import AUDIO
from beam_audio.types import Audio, AudioRef, Segment
from beam_audio.unit.content import spool
from beam_audio.unit.spool_file import SpoolFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from beam_audio.audio.mixing import Channels
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_MOST_SOURCE_BYTES: Final = 1 << 30
_CLIP_RATE_HZ: Final = 16_000
_OPUS: Final = b"OpusHead"
_HEAD_BYTES: Final = 64
_PEAKS: Final = 160
"""Points of a waveform."""

_TOO_MANY: Final = "left out to keep the page small; beam-audio explain --play writes it"
_TOO_SLOW: Final = (
    "left out because reading audio took too long; beam-audio explain --play writes it"
)


@dataclass(frozen=True, slots=True)
class Clip:
    """A segment's audio to look at and to listen to.

    Attributes:
        opus: Ogg Opus, one channel at 16 kHz.
        peaks: Its outline: the largest sample of each stretch, 0 to 100 in parts of the loudest.
        origin: Where it is from: ``stored`` or ``source``.
    """

    opus: bytes = field(repr=False)
    peaks: tuple[int, ...]
    origin: str


@dataclass(frozen=True, slots=True)
class ClipLimits:
    """What clips of a page may take together: bytes of Opus, and seconds of waiting."""

    most_bytes: int = 12 << 20
    most_seconds: float = 30.0


_LIMITS: Final = ClipLimits()


def clips_of(
    tables: Tables,
    segments: Sequence[Row],
    recordings: dict[str, Row],
    limits: ClipLimits = _LIMITS,
) -> dict[str, Clip | str]:
    """A clip for each segment, or why there is none.

    Segments that come first are served first. Those of one recording are read together.

    Args:
        tables: The output.
        segments: Rows of segments.
        recordings: Rows of their recordings by id.
        limits: What all clips may take; the rest is left out.
    """
    deadline = time.monotonic() + limits.most_seconds
    together: defaultdict[str, list[Row]] = defaultdict(list)
    for segment in segments:
        together[segment["recording_id"]].append(segment)
    stored = stored_audio(tables, segments)

    def of_recording(recording_id: str) -> dict[str, Clip | str]:
        wanted = together[recording_id]
        if time.monotonic() > deadline:
            return {each["segment_id"]: _TOO_SLOW for each in wanted}
        return {
            segment_id: audio
            if isinstance(audio, str)
            else _clip(*audio, segment_id, stored.get(segment_id))
            for segment_id, audio in audio_of(wanted, recordings[recording_id], stored)
        }

    # The encoder takes a core for a thirtieth of a clip's length, and lets other threads run.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = {
            name: clip for each in pool.map(of_recording, together) for name, clip in each.items()
        }
    return dict(_within(limits.most_bytes, made))


def _within(most_bytes: int, made: Mapping[str, Clip | str]) -> Iterator[tuple[str, Clip | str]]:
    """The first clips that fit, and why there are no others."""
    left = most_bytes
    for name, clip in made.items():
        left -= len(clip.opus) if isinstance(clip, Clip) else 0
        yield name, clip if left >= 0 or isinstance(clip, str) else _TOO_MANY


def audio_of(
    segments: Sequence[Row], recording: Row, stored: Mapping[str, bytes]
) -> Iterator[tuple[str, tuple[Audio, str] | str]]:
    """Yield the id of each segment of a recording with its audio and where that is from.

    In place of the audio stands why there is none.

    Args:
        segments: Rows of segments of one recording.
        recording: Its row.
        stored: What :func:`stored_audio` found of them.
    """
    for segment in segments:
        if (encoded := stored.get(segment["segment_id"])) is not None:
            with SpoolFile() as file:
                file.write(encoded)
                file.seek(0)
                yield segment["segment_id"], _decoded(file, Cut(), None, "stored")
    others = [each for each in segments if each["segment_id"] not in stored]
    if others:
        yield from _from_source(others, recording)


def stored_audio(tables: Tables, segments: Sequence[Row]) -> dict[str, bytes]:
    """Stored audio of the segments that have some, by id, as it is encoded."""
    found: dict[str, bytes] = {}
    wanted: defaultdict[str, set[str]] = defaultdict(set)
    for segment in segments:
        wanted[segment["part"]].add(segment["segment_id"])
    sources = {segment["source_id"] for segment in segments}
    for part, ids in wanted.items():
        with opened_part(store.join(tables.root, part)) as file:
            has_audio = AUDIO in file.schema_arrow.names
        if has_audio:
            for batch in rows_of(tables.root, part, sources, ["segment_id", AUDIO]):
                for row in batch.to_pylist():
                    if row["segment_id"] in ids and row[AUDIO]:
                        found[row["segment_id"]] = row[AUDIO]["bytes"]
    return found


def _from_source(
    segments: Sequence[Row], recording: Row
) -> Iterator[tuple[str, tuple[Audio, str] | str]]:
    """Audio cut out of the recording's file, if that is still what it was."""
    ref = AudioRef(recording["uri"], recording["source_size_bytes"])
    try:
        file, content_sha256 = spool(ref, _MOST_SOURCE_BYTES)
    except Exception as error:  # noqa: BLE001 - whatever it is, the rows can be shown
        why = f"its file cannot be read, and no audio is stored: {_line(error)}"
        yield from ((each["segment_id"], why) for each in segments)
        return
    with file:
        for segment in segments:
            if content_sha256 != recording["content_sha256"]:
                yield segment["segment_id"], "its file has changed since, and no audio is stored"
                continue
            cut = Cut(
                (recording["offset_seconds"] or 0.0) + segment["start_seconds"],
                segment["duration_seconds"],
                segment["track"],
            )
            yield segment["segment_id"], _decoded(file, cut, segment["channel"], "source")


def _decoded(file: BinaryIO, cut: Cut, channel: int | None, origin: str) -> tuple[Audio, str] | str:
    policy: Channels = "mix" if channel is None else channel
    try:
        with IsolatedStream(file, DecodeRequest(cut=cut)) as stream:
            mixer = Mixer(policy, stream.format, stream.decoder)
            (own,) = mixer.channels
            parts: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
            for block in stream.blocks():
                parts += [mixed.signals[own] for mixed in mixer.push(block)]
            parts += [mixed.signals[own] for mixed in mixer.finish()]
            return Audio(np.concatenate(parts), stream.format.sample_rate_hz), origin
    except BeamAudioError as error:
        return f"it cannot be decoded: {_line(error)}"


def _clip(audio: Audio, origin: str, segment_id: str, stored: bytes | None) -> Clip | str:
    """A clip of decoded audio; audio that is stored as Opus stays as it is."""
    samples = resample(audio.samples, audio.sample_rate_hz, _CLIP_RATE_HZ)
    if not len(samples):
        return "it has no samples"
    if stored is not None and _OPUS in stored[:_HEAD_BYTES]:
        return Clip(stored, _peaks(samples), origin)
    clip = Audio(samples, _CLIP_RATE_HZ)
    return Clip(encode(as_segment(clip, segment_id), "opus"), _peaks(samples), origin)


def as_segment(audio: Audio, segment_id: str) -> Segment:
    """Audio of a segment as the encoder takes it."""
    end = len(audio.samples)
    return Segment(
        recording_id="",
        segment_id=segment_id,
        segment_index=0,
        channel=None,
        sample_rate_hz=audio.sample_rate_hz,
        start_sample=0,
        end_sample=end,
        core_start_sample=0,
        core_end_sample=end,
        speech=(),
        samples=audio.samples,
    )


def _peaks(samples: NDArray[np.float32]) -> tuple[int, ...]:
    edges = np.linspace(0, len(samples), min(_PEAKS, len(samples)), endpoint=False).astype(int)
    peaks = np.maximum.reduceat(np.abs(samples), edges)
    loudest = float(peaks.max()) or 1.0
    return tuple(int(each) for each in np.round(peaks / loudest * 100))


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
