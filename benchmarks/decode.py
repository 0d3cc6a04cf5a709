"""CPU-seconds per hour of audio to get from encoded audio to segments, in one table.

The same speech, resampled and encoded, goes through the functions ``beam-audio run`` uses, a second
at a time: decoding, resampling (to the 16 kHz of voice activity detection, and each segment's to
the recogniser's), detection with splitting, and measuring. All threads of the process are counted.
The goal, without measuring, is 4 CPU-seconds per hour of FLAC at 16 kHz.

    python benchmarks/decode.py --data ../shared/data --json
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import av
import numpy as np
import soundfile
import soxr
from machine import describe_machine, machine_line
from reference import RATE_HZ, join_clips, markdown_table

from beam_audio.audio.decode import open_audio, read_signal, resample
from beam_audio.quality.signal import measure
from beam_audio.segments.splitter import SegmentSettings, Splitter, split
from beam_audio.segments.vad import VadInput
from beam_audio.types import Audio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from beam_audio.types import Segment

RATES_HZ = (8000, 16000, 44100, 48000)
GOAL_CPU_SECONDS = 4.0
AAC = "m4a/aac"
AAC_FRAME_SAMPLES = 1024
SOUNDFILE_FORMATS = {
    "wav/pcm16": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg/vorbis": ("OGG", "VORBIS"),
    "ogg/opus": ("OGG", "OPUS"),
}
NO_OPUS_HZ = 44100  # a rate Opus does not have
_HOUR_SECONDS = 3600.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU-seconds of each stage and wall seconds of all but measuring, per hour of audio."""

    decode: float
    resample: float
    vad_and_split: float
    measure: float
    wall: float

    @property
    def total(self) -> float:
        """What the goal is set for: all but measuring."""
        return self.decode + self.resample + self.vad_and_split


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one minute, one round")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    arguments = parser.parse_args()
    minutes, rounds = (1.0, 1) if arguments.quick else (arguments.minutes, arguments.rounds)
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    encoded = _encode_all(_speech(arguments.data, minutes))
    split(Audio(np.zeros(RATE_HZ, np.float32), RATE_HZ))  # loads the model
    costs: dict[tuple[str, int], list[Cost]] = {key: [] for key in encoded}
    for number in range(rounds):
        for key, data in encoded.items():
            costs[key].append(_cost(data))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    medians = {key: _median(found) for key, found in costs.items()}
    print(f"\nCPU-seconds an hour of speech; medians of {rounds} rounds over {minutes:g} minutes\n")
    print(_table(medians))
    flac = medians["flac", RATE_HZ].total
    print(f"\nFLAC at 16 kHz: {flac:.1f} CPU-seconds an hour, the goal is {GOAL_CPU_SECONDS:g}")
    if arguments.json:
        rows = [
            {"format": name, "rate_hz": rate_hz, "total": cost.total, **asdict(cost)}
            for (name, rate_hz), cost in medians.items()
        ]
        content = {"machine": machine, "minutes": minutes, "rounds": rounds, "formats": rows}
        print(json.dumps({**content, "flac_16k_cpu_seconds_per_hour": flac}))


def _speech(data: Path, minutes: float) -> NDArray[np.float32]:
    with tempfile.TemporaryDirectory() as folder:
        joined = Path(folder) / "speech.flac"
        join_clips(sorted((data / "librispeech").glob("*.flac")), 60 * minutes, joined)
        samples, _ = soundfile.read(joined, dtype="float32")
    return np.asarray(samples)


def _encode_all(speech: NDArray[np.float32]) -> dict[tuple[str, int], bytes]:
    encoded = {}
    for rate_hz in RATES_HZ:
        samples = soxr.resample(speech, RATE_HZ, rate_hz).clip(-1.0, 1.0)
        for name, (container, subtype) in SOUNDFILE_FORMATS.items():
            if subtype == "OPUS" and rate_hz == NO_OPUS_HZ:
                continue
            encoded[name, rate_hz] = _by_soundfile(samples, rate_hz, container, subtype)
        encoded[AAC, rate_hz] = _aac(samples, rate_hz)
    return encoded


def _by_soundfile(
    samples: NDArray[np.float32], rate_hz: int, container: str, subtype: str
) -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate_hz, 1, subtype, format=container) as target:
        # A second at a time: libsndfile's Vorbis encoder overflows the stack on minutes at once.
        for first in range(0, len(samples), rate_hz):
            target.write(samples[first : first + rate_hz])
    return file.getvalue()


def _aac(samples: NDArray[np.float32], rate_hz: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=rate_hz, layout="mono")
        for first in range(0, len(samples), AAC_FRAME_SAMPLES):
            part = samples[np.newaxis, first : first + AAC_FRAME_SAMPLES]
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.sample_rate = rate_hz
            frame.pts = first
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def _cost(data: bytes) -> Cost:
    """Run each stage over all of the audio, one after the other."""
    start = time.perf_counter()
    with open_audio(io.BytesIO(data)) as stream:
        rate_hz = stream.format.sample_rate_hz
        # The header is read above: cheap, and counted in the wall time only.
        blocks, decode_seconds = _timed(lambda: [*read_signal(stream)])
    wall_seconds = time.perf_counter() - start
    start = time.perf_counter()
    segments, split_seconds = _timed(lambda: _segments(blocks, rate_hz))
    _, clip_seconds = _timed(
        lambda: [resample(segment.samples, rate_hz, RATE_HZ) for segment in segments]
    )
    wall_seconds += time.perf_counter() - start
    # Splitting resamples for itself; once more alone, to tell the two apart.
    _, vad_input_seconds = _timed(lambda: _to_vad_rate(blocks, rate_hz))
    _, measure_seconds = _timed(lambda: [measure(segment) for segment in segments])
    an_hour = _HOUR_SECONDS * rate_hz / sum(map(len, blocks))
    return Cost(
        decode=decode_seconds * an_hour,
        resample=(vad_input_seconds + clip_seconds) * an_hour,
        vad_and_split=(split_seconds - vad_input_seconds) * an_hour,
        measure=measure_seconds * an_hour,
        wall=wall_seconds * an_hour,
    )


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result, and the CPU-seconds of all threads it took."""
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def _segments(blocks: list[NDArray[np.float32]], rate_hz: int) -> list[Segment]:
    splitter = Splitter(
        recording_id="benchmark", channel=None, sample_rate_hz=rate_hz, settings=SegmentSettings()
    )
    found = [segment for block in blocks for segment in splitter.push(block)]
    return [*found, *splitter.finish()]


def _to_vad_rate(blocks: list[NDArray[np.float32]], rate_hz: int) -> None:
    stream = VadInput(rate_hz)
    for block in blocks:
        stream.push(block)
    stream.finish()


def _median(costs: list[Cost]) -> Cost:
    columns = zip(*(asdict(cost).values() for cost in costs), strict=True)
    return Cost(*map(statistics.median, columns))


def _table(costs: dict[tuple[str, int], Cost]) -> str:
    header = ("format", "kHz", "decode", "resample", "VAD + split", "together", "× real time")
    rows: list[tuple[object, ...]] = [
        (
            *(name, f"{rate_hz / 1000:g}"),
            *(f"{part:.1f}" for part in (cost.decode, cost.resample, cost.vad_and_split)),
            *(f"{cost.total:.1f}", f"{_HOUR_SECONDS / cost.wall:.0f}", f"{cost.measure:.1f}"),
        )
        for (name, rate_hz), cost in sorted(costs.items())
    ]
    return markdown_table((*header, "measure, beside it"), rows)


if __name__ == "__main__":
    main()
