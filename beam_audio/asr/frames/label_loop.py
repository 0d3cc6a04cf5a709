"""Greedy decoding of a transducer as one ONNX graph, built around an exported network.

The export has the prediction network, an LSTM over the tokens so far, and the joint network, which
scores the next token from its output and one frame of audio. They are taken apart, because a blank
changes nothing of the prediction network's input. The graph holds two loops::

    for the next label of each clip:   # as long as a clip has frames left
        run the prediction network for all clips
        over blanks:                   # as long as more clips look for a token than have one
            run the joint network, at each clip's own frame
            take the likeliest token, and move on

A clip that has no token when the others go on is asked again in the next round: its prediction is
computed from the same tokens and is the same. What depends on the audio alone is computed before,
for all frames.

Everything stays in the memory in which the session computes. The order in which frames and tokens
are looked at is that of RNN-T (Graves, 2012) and TDT (Xu et al., 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.frames.decoder_joint import FLOATS, DecoderJoint
from beam_audio.errors import ModelError
from beam_audio.models.onnx_graph import GraphWriter

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.onnx_graph import Kind

FOUND: Final[dict[str, Kind]] = {
    "token": "int64",
    "frame": "int64",
    "frames": "int64",
    "logprob": "float",
}
"""Outputs of the graph, each (labels, clips); where a clip has no token, the token is the blank."""

_TO_THE_END: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class TransducerRules:
    """What decoding needs to know of a model.

    Attributes:
        blank: The token without text; it is also the previous token at the start.
        vocabulary: Number of tokens, blank included; the scores after them are of durations.
        max_tokens_per_frame: After this many tokens on one frame, decoding moves on.
        has_durations: Whether it is a TDT; its n-th duration is n frames.
    """

    blank: int
    vocabulary: int
    max_tokens_per_frame: int
    has_durations: bool


def label_loop(path: Path, rules: TransducerRules) -> bytes:
    """The model that decodes a batch.

    Its inputs are ``packed`` (clips, width, frames), the encoder's frames, in the number type of
    the joint network, and ``lengths`` (clips,), int64, at most ``frames`` each. Its outputs are
    those of ``FOUND``.

    Args:
        path: ``decoder_joint-model.onnx`` as NeMo exports it.
        rules: How the scores are read.

    Raises:
        ModelError: The file is of another kind, or its scores do not fit the rules.
    """
    export = DecoderJoint.read(path)
    _require_fit(export, rules)
    graph = GraphWriter("clips")
    packed = graph.input("packed", export.kind, ("b", "w", "t"))
    lengths = graph.input("lengths", "int64", ("b",))
    graph.node("Sub", lengths, graph.integers(1), to="last_frame")
    part, audio = export.audio(packed)
    graph.adopt(part.nodes, part.weights)
    if not audio:
        audio = (graph.node("Transpose", packed, perm=[0, 2, 1]),)
    clips = graph.node("Shape", lengths)
    nowhere = graph.node("Mul", lengths, graph.integers(0))
    start = graph.node("Add", nowhere, graph.integers(rules.blank))
    states = [
        graph.node(
            "Expand",
            graph.weight(f"no_state_{export.kind}", np.zeros(1, FLOATS[export.kind])),
            graph.node("Concat", graph.integers(layers), clips, graph.integers(size), axis=0),
        )
        for layers, size in export.states
    ]
    graph.cast(graph.node("Add", nowhere, graph.integers(1)), export.length_kind, to="one_token")
    going = _any(graph, graph.node("Greater", lengths, graph.integers(0)))
    ends = tuple(f"end_{number}" for number in range(3 + len(states)))
    graph.nodes(
        "Loop",
        *("", going, start, nowhere, nowhere, *states),
        to=(*ends, *FOUND),
        body=_labels(export, rules, audio).graph(),
    )
    for name, kind in FOUND.items():
        graph.output(name, kind, ("labels", "b"))
    return graph.model_bytes(export.opsets)


def _require_fit(export: DecoderJoint, rules: TransducerRules) -> None:
    if export.scores is None:
        return
    durations = export.scores - rules.vocabulary
    if durations < 0 or (durations > 0) != rules.has_durations:
        raise ModelError(
            f"the joint network gives {export.scores} scores for {rules.vocabulary} tokens: it is "
            "of another kind, or the vocabulary of another model"
        )


def _labels(export: DecoderJoint, rules: TransducerRules, audio: tuple[str, ...]) -> GraphWriter:
    """The loop over labels: from token to next token, for all clips."""
    graph = GraphWriter("labels")
    graph.input("label", "int64", ())
    graph.input("labels_going", "bool", ())
    before = graph.input("before", "int64", ("b",))
    frame = graph.input("frame_before", "int64", ("b",))
    on_frame = graph.input("on_frame_before", "int64", ("b",))
    states = [
        graph.input(f"state_{number}", export.kind, (layers, "b", size))
        for number, (layers, size) in enumerate(export.states)
    ]
    column = graph.node("Reshape", before, graph.integers(-1, 1))
    targets = graph.cast(column, export.target_kind)
    part, states_after = export.prediction(targets, "one_token", states)
    graph.adopt(part.nodes, part.weights)

    blank = graph.integers(rules.blank)
    nowhere = graph.node("Sub", before, before)
    none = graph.node("Add", nowhere, blank)
    searching = graph.node("Less", frame, "lengths")
    to = ("frame_after", "on_frame_after", "searching_after", *(f"{name}_found" for name in FOUND))
    graph.nodes(
        "Loop",
        *("", _any(graph, searching), frame, on_frame, searching),
        *(none, nowhere, nowhere, graph.cast(nowhere, "float")),
        to=to,
        body=_blanks(export, rules, audio).graph(),
    )
    spoken = graph.node("Not", graph.node("Equal", "token_found", blank))
    graph.output(_any(graph, graph.node("Less", "frame_after", "lengths")), "bool", ())
    graph.output(graph.node("Where", spoken, "token_found", before), "int64", ("b",))
    graph.output("frame_after", "int64", ("b",))
    graph.output("on_frame_after", "int64", ("b",))
    rows = graph.node("Reshape", spoken, graph.integers(1, -1, 1))
    for old, new, (layers, size) in zip(states, states_after, export.states, strict=True):
        graph.output(graph.node("Where", rows, new, old), export.kind, (layers, "b", size))
    for name, kind in FOUND.items():
        graph.output(f"{name}_found", kind, ("b",))
    return graph


def _blanks(export: DecoderJoint, rules: TransducerRules, audio: tuple[str, ...]) -> GraphWriter:
    """The loop over blanks: from frame to frame, for all clips, with one prediction."""
    graph = GraphWriter("blanks")
    graph.input("step", "int64", ())
    graph.input("blanks_going", "bool", ())
    frame = graph.input("frame_now", "int64", ("b",))
    on_frame = graph.input("on_frame_now", "int64", ("b",))
    searching = graph.input("searching", "bool", ("b",))
    found = {name: graph.input(f"{name}_so_far", kind, ("b",)) for name, kind in FOUND.items()}
    scores = _scores(graph, export, audio, frame)
    of_tokens = _columns(graph, scores, 0, rules.vocabulary)
    logprob, token = _likeliest(graph, graph.node("LogSoftmax", of_tokens, axis=1))
    silent = graph.node("Equal", token, graph.integers(rules.blank))
    spoken = graph.node("And", searching, graph.node("Not", silent))
    on_frame = graph.node("Add", on_frame, graph.cast(spoken, "int64"))
    most = graph.integers(rules.max_tokens_per_frame)
    over = graph.node("Or", silent, graph.node("GreaterOrEqual", on_frame, most))
    step, one = graph.cast(over, "int64"), graph.integers(1)
    frames = one
    if rules.has_durations:
        _, skip = _likeliest(graph, _columns(graph, scores, rules.vocabulary, _TO_THE_END))
        step = graph.node("Where", graph.node("Greater", skip, graph.integers(0)), skip, step)
        frames = graph.node("Max", skip, one)
    step = graph.node("Mul", step, graph.cast(searching, "int64"))
    moved = graph.node("Greater", step, graph.integers(0))
    ahead = graph.node("Add", frame, step)
    left = graph.node("Less", ahead, "lengths")
    still = graph.node("And", graph.node("And", searching, silent), left)

    values = {"token": token, "frame": frame, "frames": frames, "logprob": logprob}
    kept = {name: graph.node("Where", spoken, values[name], found[name]) for name in FOUND}
    waiting = graph.node("Not", graph.node("Equal", kept["token"], graph.integers(rules.blank)))
    more = graph.node("Greater", _count(graph, still), _count(graph, waiting))
    graph.output(more, "bool", ())
    graph.output(ahead, "int64", ("b",))
    graph.output(graph.node("Where", moved, graph.integers(0), on_frame), "int64", ("b",))
    graph.output(still, "bool", ("b",))
    for name, kind in FOUND.items():
        graph.output(kept[name], kind, ("b",))
    return graph


def _scores(graph: GraphWriter, export: DecoderJoint, audio: tuple[str, ...], frame: str) -> str:
    """Scores (clips, tokens + durations) of the frame at which each clip is."""
    place = graph.node("Unsqueeze", graph.node("Min", frame, "last_frame"), graph.integers(1))
    time = graph.integers(1 if export.ahead else 2)
    heard = [
        graph.node("Unsqueeze", graph.node("GatherND", name, place, batch_dims=1), time)
        for name in audio
    ]
    part, scores = export.joint(heard)
    graph.adopt(part.nodes, part.weights)
    return graph.cast(graph.node("Reshape", scores, graph.integers(0, -1)), "float")


def _any(graph: GraphWriter, mask: str) -> str:
    """Whether any of these is true: a scalar."""
    return graph.cast(_count(graph, mask), "bool")


def _count(graph: GraphWriter, mask: str) -> str:
    """How many of these are true: a scalar."""
    return graph.node("ReduceSum", graph.cast(mask, "int64"), graph.integers(0), keepdims=0)


def _columns(graph: GraphWriter, x: str, start: int, stop: int) -> str:
    ranges = (graph.integers(number) for number in (start, stop, 1))
    return graph.node("Slice", x, *ranges)


def _likeliest(graph: GraphWriter, x: str) -> tuple[str, str]:
    """Largest value and its number in each row of (clips, n)."""
    to = (graph.fresh("value"), graph.fresh("number"))
    graph.nodes("TopK", x, graph.integers(1), to=to, axis=1)
    flat = graph.integers(-1)
    value, number = (graph.node("Reshape", name, flat) for name in to)
    return value, number
