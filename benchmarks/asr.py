"""Speed of our speech recognition beside its peers', on equal terms, in one table per model.

Ours (the library, and all of ``beam-audio run``), faster-whisper and Hugging Face transformers
transcribe the same English clips, and a long recording joined from them, with the same weights,
greedily. Every configuration runs once per round. Throughput is a median over the rounds; loading
is reported separately. Texts are compared with the references after Whisper's English normaliser.

    python benchmarks/asr.py --data ../shared/data --json
    python benchmarks/asr.py --provider=cuda --layouts=1x8,2x4 --batches=16,32
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from comparison import (
    FASTER_WHISPER,
    LIBRARY,
    PIPELINE,
    TRANSFORMERS,
    Figures,
    contenders,
    ratios,
    smallest,
)
from corpus import Recording, english_recordings
from machine import available_bytes, describe_machine, gpu_load, machine_line
from peers import able_tools
from reference import ctranslate2_directory, markdown_table, word_errors
from tools import Configuration, require_peers
from workers import Layout, Round, Workers

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = "whisper-tiny.en,whisper-base"
OURS = {"cpu": "float32,float32/condensed,int8,int8/condensed", "cuda": "float32,float16"}
QUICK_EVERY = 24
# Processes stay loaded from round to round if at least this much memory is free after a round.
FREE_BYTES = 6 << 30


def main() -> None:
    """Run the rounds, print the tables."""
    parser = _parser()
    arguments = parser.parse_args()
    ours = (arguments.precisions or OURS[arguments.provider]).split(",")
    if LIBRARY not in arguments.tools.split(",") or "float32" not in ours:
        parser.error("ours in float32 must be measured: its error rate is the yardstick")
    require_peers()
    # Nothing is to be asked of a hub: all weights are here.
    os.environ["HF_HUB_OFFLINE"] = "1"
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    figures: list[Figures] = []
    with tempfile.TemporaryDirectory() as name:
        every = (QUICK_EVERY, QUICK_EVERY) if arguments.quick else (arguments.every, 1)
        recordings = english_recordings(
            arguments.data, Path(name), every=every[0], joined_every=every[1]
        )
        print(_audio_line(recordings), flush=True)
        for model in arguments.model.split(","):
            with _weights(model) as directories:
                configurations = _configurations(model, directories, arguments)
                figures += _measure(configurations, recordings, arguments)
            print(f"\n## {model}\n\n{_table([one for one in figures if one.model == model])}")
    _print_ratios(figures, machine, recordings, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default=MODELS, help="cards, with commas between")
    parser.add_argument("--provider", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--precisions", help=f"of ours (default: {OURS['cpu']}; on cuda: {OURS['cuda']})"
    )
    parser.add_argument("--batches", default="8", help="windows of 30 s in one of our batches")
    parser.add_argument("--peer_batches", default="4,8", help="the same of the peers, beside 1")
    parser.add_argument("--layouts", default="1x2,2x1", help="processes x threads")
    parser.add_argument("--tools", default=f"{LIBRARY},{PIPELINE},{FASTER_WHISPER},{TRANSFORMERS}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--drop_slower",
        type=float,
        metavar="RATIO",
        help="after round 1, go on with each tool's best and what takes at most so many times as "
        "long; of ours, only with what is accurate enough",
    )
    parser.add_argument("--safeguards", action="store_true", help="in our library, too")
    parser.add_argument(
        "--every",
        type=int,
        default=1,
        help="take every Nth clip only, but join all to the long recording",
    )
    parser.add_argument("--quick", action="store_true", help="one round over every 24th clip")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    return parser


@contextlib.contextmanager
def _weights(model: str) -> Iterator[dict[str, str]]:
    """The same weights for each tool, in its own layout."""
    from whisper_transformers import write_transformers  # noqa: PLC0415 - torch is slow to import

    with ctranslate2_directory(model) as directory, tempfile.TemporaryDirectory() as name:
        write_transformers(model, Path(name))
        yield {FASTER_WHISPER: str(directory), TRANSFORMERS: name}


def _configurations(
    model: str, directories: dict[str, str], arguments: argparse.Namespace
) -> list[Configuration]:
    on_gpu = arguments.provider == "cuda"
    ours = (arguments.precisions or OURS[arguments.provider]).split(",")
    batches = [int(batch) for batch in arguments.batches.split(",")]
    peer_batches = [1, *(int(batch) for batch in arguments.peer_batches.split(","))]
    offered = {
        LIBRARY: (ours, batches),
        PIPELINE: (ours, batches),
        FASTER_WHISPER: (["float16"] if on_gpu else ["float32", "int8"], peer_batches),
        TRANSFORMERS: (["float16"] if on_gpu else ["float32", "bfloat16"], peer_batches),
    }
    return [
        Configuration(
            tool=tool,
            model=model,
            weights=directories.get(tool, ""),
            precision=precision,
            batch=batch,
            layout=layout,
            provider=arguments.provider,
            safeguards=arguments.safeguards,
        )
        for tool in able_tools(arguments.tools.split(","), arguments.provider)
        for precision, batch in itertools.product(*offered[tool])
        for layout in map(Layout.parse, arguments.layouts.split(","))
    ]


@dataclasses.dataclass(slots=True)
class _Measured:
    load_seconds: float = 0.0
    rounds: list[Round] = dataclasses.field(default_factory=list)
    gpu_percents: list[float] = dataclasses.field(default_factory=list)


def _measure(
    configurations: list[Configuration],
    recordings: list[Recording],
    arguments: argparse.Namespace,
) -> list[Figures]:
    """All rounds of one model: each configuration once per round, backwards every other round."""
    measured = {configuration: _Measured() for configuration in configurations}
    running = list(configurations)
    with contextlib.ExitStack() as stack:
        kept: dict[Configuration, Workers] = {}
        for number in range(1 if arguments.quick else arguments.rounds):
            for configuration in running if number % 2 == 0 else reversed(running):
                workers = kept.pop(configuration, None)
                if workers is None:
                    workers = _start(configuration, recordings, measured[configuration])
                _play(configuration, workers, number, measured[configuration])
                if available_bytes() < FREE_BYTES:
                    workers.close()
                else:
                    kept[configuration] = workers
                    stack.callback(workers.close)
            if number == 0 and arguments.drop_slower:
                running = _contenders(measured, recordings, arguments.drop_slower)
    return [_figures(one, found, recordings) for one, found in measured.items()]


def _start(
    configuration: Configuration, recordings: list[Recording], measured: _Measured
) -> Workers:
    workers = Workers(
        configuration.load, recordings, configuration.layout, pinned=configuration.is_pinned
    )
    measured.load_seconds = workers.load_seconds
    return workers


def _play(configuration: Configuration, workers: Workers, number: int, measured: _Measured) -> None:
    with gpu_load(wanted=configuration.provider == "cuda") as load:
        played = workers.play_round()
    measured.rounds.append(played)
    if load.percent is not None:
        measured.gpu_percents.append(load.percent)
    line = f"{configuration.model} round {number + 1}: {configuration} {played.seconds:.1f} s"
    print(line, file=sys.stderr, flush=True)


def _contenders(
    measured: dict[Configuration, _Measured], recordings: list[Recording], ratio: float
) -> list[Configuration]:
    figures = {one: _figures(one, found, recordings) for one, found in measured.items()}
    kept = contenders(list(figures.values()), ratio)
    return [one for one, found in figures.items() if found in kept]


def _figures(
    configuration: Configuration, measured: _Measured, recordings: list[Recording]
) -> Figures:
    texts = measured.rounds[0].texts
    start_up = statistics.median(one.start_up_seconds for one in measured.rounds)
    return Figures(
        model=configuration.model,
        tool=configuration.tool,
        precision=configuration.precision,
        batch=configuration.batch,
        layout=str(configuration.layout),
        audio_seconds=sum(recording.seconds for recording in recordings),
        round_seconds=tuple(one.seconds for one in measured.rounds),
        clips_times_real_time=_part_speed(configuration, measured, recordings, joined=False),
        long_times_real_time=_part_speed(configuration, measured, recordings, joined=True),
        wer_percent=_wer_percent(recordings, texts),
        clips_wer_percent=_wer_percent(recordings[1:], texts[1:]),
        long_wer_percent=_wer_percent(recordings[:1], texts[:1]),
        load_seconds=start_up or measured.load_seconds,
        peak_mebibytes=measured.rounds[-1].peak_mebibytes,
        gpu_percent=statistics.mean(measured.gpu_percents) if measured.gpu_percents else None,
    )


def _wer_percent(recordings: list[Recording], texts: list[str]) -> float:
    errors, words = word_errors(recordings, texts)
    return 100 * errors / words


def _part_speed(
    configuration: Configuration,
    measured: _Measured,
    recordings: list[Recording],
    *,
    joined: bool,
) -> float | None:
    """× real time of the clips or of the long recording, as if all processes did only that."""
    if configuration.tool == PIPELINE:
        return None  # its segments share batches, whatever they come from
    audio_seconds = sum(one.seconds for one in recordings if one.is_joined == joined)
    seconds = statistics.median(
        sum(took for places, took in one.jobs if recordings[places[0]].is_joined == joined)
        for one in measured.rounds
    )
    return audio_seconds * configuration.layout.processes / seconds


def _audio_line(recordings: list[Recording]) -> str:
    long, *clips = recordings
    return (
        f"{len(clips)} clips of together {sum(clip.seconds for clip in clips) / 60:.1f} minutes, "
        f"and a recording of {long.seconds / 60:.1f} minutes joined from those of 2 s and more"
    )


def _table(figures: list[Figures]) -> str:
    columns = (
        "tool,precision,batch,layout,× real time,range,clips,long,"
        "WER %,clips,long,peak MiB,start-up s"
    )
    header = (*columns.split(","), "rounds", "GPU %")
    rows: list[tuple[object, ...]] = []
    for one in sorted(figures, key=lambda one: (one.tool, -one.times_real_time)):
        lowest, highest = one.range_times_real_time
        rows.append(
            (
                *(one.tool, one.precision, one.batch, one.layout),
                f"{one.times_real_time:.2f}",
                f"{lowest:.2f} to {highest:.2f}",
                *map(_shown, (one.clips_times_real_time, one.long_times_real_time)),
                *map(_shown, (one.wer_percent, one.clips_wer_percent, one.long_wer_percent)),
                *(f"{one.peak_mebibytes:.0f}", f"{one.load_seconds:.1f}"),
                *(len(one.round_seconds), _shown(one.gpu_percent)),
            )
        )
    return markdown_table(header, rows)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _print_ratios(
    figures: list[Figures],
    machine: dict[str, object],
    recordings: list[Recording],
    arguments: argparse.Namespace,
) -> None:
    half = "float16" if arguments.provider == "cuda" else "bfloat16"
    models = dict.fromkeys(one.model for one in figures)
    per_model = {
        model: ratios([one for one in figures if one.model == model], half=half) for model in models
    }
    names = list(next(iter(per_model.values())))
    rows: list[tuple[object, ...]] = [
        (model, *(_shown(found[name]) for name in names)) for model, found in per_model.items()
    ]
    print("\nOur best (WER within 0.3 points of our float32) over each peer's best:\n")
    print(markdown_table(("model", *names), rows))
    if arguments.json:
        content = {
            "machine": machine,
            "audio_seconds": [recording.seconds for recording in recordings],
            "arguments": {name: str(value) for name, value in vars(arguments).items()},
            "configurations": [
                {**dataclasses.asdict(one), "times_real_time": one.times_real_time}
                for one in figures
            ],
            "models": per_model,
            **smallest(list(per_model.values())),
        }
        print(json.dumps(content))


if __name__ == "__main__":
    main()
