"""Greedy decoding of transducers of Parakeet's size: a batch at once, and one utterance a call.

The networks have random weights. The audio decides which frames have a token, as it does in speech,
and a frame has one at most: frames are random numbers that are moved towards the blank or away from
it. The encoder is left out: it is the same for all. Each round decodes the same utterances in every
way, in turns. The first way is that of onnx-asr and of most other code around these exports: one
utterance and one frame a call, and the choice in numpy.

    python benchmarks/transducer.py
    python benchmarks/transducer.py --provider=cuda --batch=64
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from machine import describe_machine, machine_line
from reference import markdown_table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.random_transducer import (
    PARAKEET,
    Array,
    TransducerWeights,
    random_transducer,
    write_decoder_joint,
)

from beam_audio.asr.device_values import Device
from beam_audio.asr.frames.label_loop import TransducerRules
from beam_audio.asr.frames.transducer import Encoded, TransducerDecoder
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.session import make_session, resolve_provider

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Tokens = list[list[tuple[int, int]]]  # token and frame, for each utterance

FRAMES_A_SECOND: Final = 12.5  # of 80 ms
WAYS: Final = ("one utterance, one frame a call", "one utterance a call", "a batch a call")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of wall time and of CPU time; the latter say more where other work is running."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Shape:
    """A transducer to measure.

    Attributes:
        name: Its name in the table.
        tokens: Number of tokens, blank included.
        durations: Number of durations; 0 for an RNN-T.
        spoken: Share of the frames that have a token if they are looked at.
    """

    name: str
    tokens: int
    durations: int
    spoken: float


SHAPES: Final = (
    Shape("RNN-T, 1,024 tokens", 1025, 0, 0.3),
    Shape("TDT, 1,024 tokens", 1025, 5, 0.6),
    Shape("TDT, 8,192 tokens", 8193, 5, 0.6),
)
_PUSH: Final = 20.0  # of a frame, whose own numbers are 32 long


def speech(weights: TransducerWeights, lengths: Sequence[int], spoken: float) -> list[Array]:
    """Utterances (frames, width), a share of whose frames has tokens."""
    rng = np.random.default_rng(0)
    towards_blank = weights.from_encoder @ weights.out[:, weights.tokens - 1]
    towards_blank /= np.linalg.norm(towards_blank)
    clips = []
    for length in lengths:
        frames = rng.standard_normal((length, PARAKEET.width), np.float32)
        push = np.where(rng.random(length) < spoken, -_PUSH, _PUSH)
        clips.append(frames + push[:, None].astype(np.float32) * towards_blank)
    return clips


def frame_by_frame(session: Any, rules: TransducerRules, clip: Array) -> list[tuple[int, int]]:  # noqa: ANN401 (the library has no types)
    """Tokens and frames of one utterance (frames, width), by a call a frame."""
    names = ["outputs", "output_states_1", "output_states_2"]
    shape = (PARAKEET.layers, 1, PARAKEET.hidden)
    states = [np.zeros(shape, np.float32)] * 2
    before, frame, on_frame, found = rules.blank, 0, 0, []
    while frame < len(clip):
        feed = {
            "encoder_outputs": np.ascontiguousarray(clip[frame][None, :, None]),
            "targets": np.array([[before]], np.int32),
            "target_length": np.ones(1, np.int32),
            "input_states_1": states[0],
            "input_states_2": states[1],
        }
        outputs, *after = session.run(names, feed)
        scores = outputs.reshape(-1)
        token = int(scores[: rules.vocabulary].argmax())
        if token != rules.blank:
            found.append((token, frame))
            before, states, on_frame = token, after, on_frame + 1
        skip = int(scores[rules.vocabulary :].argmax()) if rules.has_durations else 0
        if skip == 0 and (token == rules.blank or on_frame == rules.max_tokens_per_frame):
            skip = 1
        if skip:
            frame, on_frame = frame + skip, 0
    return found


def ways(
    shape: Shape, lengths: Sequence[int], options: ModelOptions
) -> dict[str, Callable[[], Tokens]]:
    """Each way to decode utterances of so many frames."""
    sizes = replace(PARAKEET, tokens=shape.tokens)
    weights = random_transducer(1, durations=shape.durations, sizes=sizes)
    clips = speech(weights, lengths, shape.spoken)
    rules = TransducerRules(shape.tokens - 1, shape.tokens, 1, shape.durations > 0)
    device = Device(resolve_provider(options.provider))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "decoder_joint-model.onnx"
        write_decoder_joint(path, weights)
        session = make_session(path, options)
        decoder = TransducerDecoder(path, rules, device, options)
    # The encoder leaves its frames on the device.
    apart = [
        Encoded((0,), device.put(np.ascontiguousarray(clip.T[None])), np.array([len(clip)]))
        for clip in clips
    ]
    joined = np.zeros((len(clips), PARAKEET.width, max(lengths)), np.float32)
    for row, clip in enumerate(clips):
        joined[row, :, : len(clip)] = clip.T
    together = Encoded(tuple(range(len(clips))), device.put(joined), np.array(lengths))

    def places(encoded: Encoded) -> Tokens:
        return [[(one.token, one.frame) for one in clip] for clip in decoder.decode([encoded])]

    return {
        WAYS[0]: lambda: [frame_by_frame(session, rules, clip) for clip in clips],
        WAYS[1]: lambda: [places(one)[0] for one in apart],
        WAYS[2]: lambda: places(together),
    }


def measure(decode: dict[str, Callable[[], Tokens]], rounds: int) -> dict[str, list[Spent]]:
    """What each way takes, round by round.

    Raises:
        SystemExit: The ways differ in their tokens.
    """
    if len({str(work()) for work in decode.values()}) > 1:  # this warms up, too
        raise SystemExit("the ways to decode differ in their tokens")
    found: dict[str, list[Spent]] = {way: [] for way in decode}
    for number in range(rounds):
        for way in decode if number % 2 else reversed(decode):
            wall, cpu = time.perf_counter(), time.process_time()
            decode[way]()
            spent = Spent(time.perf_counter() - wall, time.process_time() - cpu)
            found[way].append(spent)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--provider", default="cpu")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=8.0, help="of the longest utterance")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    options = ModelOptions(provider=given.provider, require_provider=True, threads=1)
    rng = np.random.default_rng(0)
    most = round(given.seconds * FRAMES_A_SECOND)
    # A run sorts clips by length, so that those of a batch are about equally long.
    lengths = rng.integers(round(0.9 * most), most + 1, given.batch).tolist()
    seconds = sum(lengths) / FRAMES_A_SECOND
    print(machine_line(describe_machine()))
    print(f"{given.batch} utterances, {seconds:.0f} s, {given.rounds} rounds, one thread\n")
    rows: list[tuple[object, ...]] = []
    for shape in SHAPES:
        decode = ways(shape, lengths, options)
        tokens = sum(map(len, decode[WAYS[2]]()))
        about = (shape.name, f"{tokens / seconds:.1f}")
        rows += [(*about, *row) for row in table(measure(decode, given.rounds), seconds)]
    columns = ("network", "tokens a second", "calls", "wall s", "CPU s", "x real time")
    print(markdown_table((*columns, "ratio of wall", "of CPU"), rows))


def table(found: dict[str, list[Spent]], seconds: float) -> list[tuple[str, ...]]:
    """Medians of each way, and of how many times as long the first takes."""
    rows: list[tuple[str, ...]] = []
    for way, spent in found.items():
        wall = statistics.median(each.wall for each in spent)
        cpu = statistics.median(each.cpu for each in spent)
        pairs = list(zip(found[WAYS[0]], spent, strict=True))
        faster = statistics.median(first.wall / each.wall for first, each in pairs)
        cheaper = statistics.median(first.cpu / each.cpu for first, each in pairs)
        times = f"{seconds / wall:,.0f}"
        rows.append((way, f"{wall:.3f}", f"{cpu:.3f}", times, f"{faster:.1f}", f"{cheaper:.1f}"))
    return rows


if __name__ == "__main__":
    main()
