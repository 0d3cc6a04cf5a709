"""Cost of Beam: ``beam-audio run`` against the same work in a bare loop, in one table.

Both take the same files from their bytes to text, through the same functions for decoding,
splitting, reading ahead, batching and recognising. The command also measures, judges, writes
Parquet and keeps the ledger, inside a Beam graph. Each is started again every round, in turns.
Start-up (imports, loading the model, checks) is reported separately.

    python benchmarks/overhead.py --data ../shared/data --json
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from corpus import WINDOW_SECONDS, Recording, balanced
from cuts import Cut, hear
from machine import describe_machine, machine_line
from reference import RATE_HZ, join_clips, markdown_table
from tools import Configuration, Pipeline
from workers import Heard, Layout, Workers

from beam_audio.audio.decode import open_audio, read_signal, resample
from beam_audio.segments.splitter import SegmentSettings, Splitter
from beam_audio.unit.read_ahead import read_ahead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workers import Tool

    from beam_audio.asr import Recognizer
    from beam_audio.types import Segment

FILE_MINUTES = 5.0
QUICK_MINUTES = 1.0
GOAL = 0.95
_NO_SAMPLES = np.zeros(0, np.float32)


class BareLoop:
    """Decode, split, batch and recognise files in a plain loop: no Beam, no Parquet."""

    warms_up = False

    def __init__(self, configuration: Configuration) -> None:
        from beam_audio.asr import ModelOptions, load_model  # noqa: PLC0415 - imports count as start-up

        precision, padding = configuration.own_precision
        self._budget_seconds = WINDOW_SECONDS * configuration.batch
        # As many threads as the command takes: one a core it may use.
        options = ModelOptions(
            precision=precision,
            padding=padding,
            provider=configuration.provider,
            require_provider=True,
        )
        self._recognizer: Recognizer = load_model(configuration.model, options)

    def plan(self, recordings: list[Recording], processes: int) -> list[list[int]]:
        """The same shares as the command's."""
        return balanced([recording.seconds for recording in recordings], processes)

    def transcribe(self, recordings: list[Recording]) -> Heard:
        """Text of each file, its segments joined."""
        texts: dict[str, list[tuple[int, str]]] = {recording.path: [] for recording in recordings}
        with read_ahead(
            [_cuts(recordings)],
            seconds=lambda cut: cut.segment.duration_seconds,
            budget_seconds=self._budget_seconds,
        ) as cuts:
            for segment, transcript in hear(
                self._recognizer, cuts, budget_seconds=self._budget_seconds
            ):
                texts[segment.recording_id].append((segment.segment_index, transcript.text))
        return Heard([" ".join(text for _, text in sorted(found)) for found in texts.values()])


def _cuts(recordings: list[Recording]) -> Iterator[Cut]:
    for recording in recordings:
        with Path(recording.path).open("rb") as file, open_audio(file) as stream:
            splitter = Splitter(
                recording_id=recording.path,
                channel=None,
                sample_rate_hz=stream.format.sample_rate_hz,
                settings=SegmentSettings(),
            )
            for mono in read_signal(stream):
                yield from (_cut(segment) for segment in splitter.push(mono))
            yield from (_cut(segment) for segment in splitter.finish())


def _cut(segment: Segment) -> Cut:
    return Cut(segment, resample(segment.samples, segment.sample_rate_hz, RATE_HZ))


@dataclass(slots=True)
class _Measured:
    """Per round: seconds of work and of start-up; and the texts."""

    seconds: list[float]
    start_up_seconds: list[float]
    texts: list[str]


def main() -> None:
    """Run the rounds, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="whisper-tiny.en")
    parser.add_argument("--precision", default="int8", help="with /condensed for that padding")
    parser.add_argument("--provider", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--batch", type=int, default=8, help="windows of 30 s in a batch")
    parser.add_argument(
        "--layout", type=Layout.parse, default=Layout(1, 2), help="processes x threads"
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two minutes, one round")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    arguments = parser.parse_args()
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    configuration = Configuration(
        tool="pipeline",
        model=arguments.model,
        weights="",
        precision=arguments.precision,
        batch=arguments.batch,
        layout=arguments.layout,
        provider=arguments.provider,
    )
    with tempfile.TemporaryDirectory() as name:
        minutes = 2 * QUICK_MINUTES if arguments.quick else arguments.minutes
        each = QUICK_MINUTES if arguments.quick else FILE_MINUTES
        recordings = _write_files(arguments.data, Path(name), minutes, each)
        measured = _measure(configuration, recordings, 1 if arguments.quick else arguments.rounds)
    _report(configuration, measured, recordings, machine, as_json=arguments.json)


def _write_files(data: Path, folder: Path, minutes: float, each: float) -> list[Recording]:
    """Files of so many minutes each, of LibriSpeech clips that begin at another one every time."""
    clips = sorted((data / "librispeech").glob("*.flac"))
    recordings = []
    for number in range(math.ceil(minutes / each)):
        path = folder / f"{number}.flac"
        start = number * 7 % len(clips)
        join_clips([*clips[start:], *clips[:start]], 60 * each, path)
        recordings.append(Recording(str(path), "", soundfile.info(path).duration, _NO_SAMPLES))
    return recordings


def _measure(
    configuration: Configuration, recordings: list[Recording], rounds: int
) -> dict[str, _Measured]:
    tools: dict[str, Callable[[Configuration], Tool]] = {
        "bare loop": BareLoop,
        "beam-audio run": Pipeline,
    }
    measured = {name: _Measured([], [], []) for name in tools}
    for number in range(rounds):
        for name, tool in tools.items() if number % 2 == 0 else reversed(tools.items()):
            # Started again every time, like the command, so that neither is warmed up.
            workers = Workers(
                functools.partial(tool, configuration),
                recordings,
                configuration.layout,
                pinned=configuration.is_pinned,
            )
            played = workers.play_round()
            workers.close()
            found = measured[name]
            found.seconds.append(played.seconds)
            found.start_up_seconds.append(workers.load_seconds + played.start_up_seconds)
            found.texts = played.texts
            line = f"round {number + 1}: {name} {played.seconds:.1f} s"
            print(line, file=sys.stderr, flush=True)
    return measured


def _report(
    configuration: Configuration,
    measured: dict[str, _Measured],
    recordings: list[Recording],
    machine: dict[str, object],
    *,
    as_json: bool,
) -> None:
    audio_seconds = sum(recording.seconds for recording in recordings)
    speeds = {
        name: audio_seconds / statistics.median(found.seconds) for name, found in measured.items()
    }
    start_ups = {
        name: statistics.median(found.start_up_seconds) for name, found in measured.items()
    }
    bare, run = measured.values()
    ratio = speeds["beam-audio run"] / speeds["bare loop"]
    same = sum(a.split() == b.split() for a, b in zip(bare.texts, run.texts, strict=True))
    rows: list[tuple[object, ...]] = [
        (name, f"{speeds[name]:.2f}", f"{start_ups[name]:.1f}", len(found.seconds))
        for name, found in measured.items()
    ]
    print(
        f"{audio_seconds / 60:.1f} minutes in {len(recordings)} files, {configuration.model} "
        f"{configuration.precision} b{configuration.batch} {configuration.layout}\n"
    )
    print(markdown_table(("", "× real time", "start-up s", "rounds"), rows))
    print(f"\nratio {ratio:.3f} (goal {GOAL}); same text in {same} of {len(recordings)} files")
    if as_json:
        content = {
            "machine": machine,
            "audio_seconds": audio_seconds,
            "model": configuration.model,
            "precision": configuration.precision,
            "batch": configuration.batch,
            "layout": str(configuration.layout),
            "times_real_time": speeds,
            "round_seconds": {name: found.seconds for name, found in measured.items()},
            "start_up_seconds": start_ups,
            "ratio": ratio,
        }
        print(json.dumps(content))


if __name__ == "__main__":
    main()
