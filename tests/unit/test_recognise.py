from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.unit_runs import (
    SCRIPTED_FACTS,
    Scripted,
    fail_when_loud,
    hear_loudness,
    is_loud,
    tones,
)

from beam_audio.asr import Request
from beam_audio.errors import MachineError, ModelError, RecognizerCrash
from beam_audio.types import AudioRef, Segment, Transcript
from beam_audio.unit.events import PreparedSegment
from beam_audio.unit.recognise import (
    PassageBuilder,
    language_failure,
    model_language,
    passage_seconds,
    recognise,
    recognise_passages,
    require_alive,
)

if TYPE_CHECKING:
    from collections.abc import Callable

RATE_HZ = 1000


@dataclass(frozen=True)
class Item:
    segment: Segment


def segment(recording: str, start: float, end: float) -> Segment:
    first, stop = round(start * RATE_HZ), round(end * RATE_HZ)
    return Segment(
        recording_id=recording,
        segment_id=f"{recording}{first}",
        segment_index=0,
        channel=None,
        sample_rate_hz=RATE_HZ,
        start_sample=first,
        end_sample=stop,
        core_start_sample=first,
        core_end_sample=stop,
        speech=(),
        samples=np.zeros(0, np.float32),
    )


def group(segments: list[Segment], longest_seconds: float) -> list[list[Segment]]:
    builder = PassageBuilder[Item](longest_seconds)
    found = [builder.add(Item(one)) for one in segments]
    found += [builder.end(name) for name in dict.fromkeys(one.recording_id for one in segments)]
    return [[item.segment for item in passage] for passage in found if passage]


def test_neighbours_share_a_passage_as_long_as_they_fit() -> None:
    spans = [(0, 4), (5, 9), (9, 11), (11, 31), (40, 41)]
    segments = [segment("a", *span) for span in spans]
    assert [len(one) for one in group(segments, 10)] == [3, 1, 1]
    assert [len(one) for one in group(segments, 0)] == [1] * 5


def test_segments_that_overlap_are_recognised_apart() -> None:
    segments = [segment("a", start, start + 2) for start in (0, 1, 2, 3)]
    assert group(segments, 20) == [[one] for one in segments]


starts = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0.3, 12), st.floats(0, 5)))


@given(starts, st.floats(0, 30))
def test_passages_hold_every_segment_once_in_order(
    steps: list[tuple[str, float, float]], longest: float
) -> None:
    ends = {"a": 0.0, "b": 0.0}
    segments = []
    for name, seconds, gap in steps:
        start = ends[name] + gap
        ends[name] = start + seconds
        segments.append(segment(name, start, ends[name]))
    found = group(segments, longest)
    for name in ends:
        own = [one for one in segments if one.recording_id == name]
        passages = [one for one in found if one[0].recording_id == name]
        assert [one for passage in passages for one in passage] == own
        # A passage depends on its own recording only, whatever comes between its segments.
        assert passages == group(own, longest)
        for before, after in pairwise(passages):
            assert passage_seconds(map(Item, [*before, after[0]])) > longest
    assert all(len(one) == 1 or passage_seconds(map(Item, one)) <= longest for one in found)


def prepared(place: int, level: float) -> PreparedSegment:
    cut = segment("a", place, place + 1)
    return PreparedSegment(None, cut, None, tones([level]))  # type: ignore[arg-type]  # not read


def hear_pieces(request: Request) -> Transcript:
    """The loudness of each piece; a passage with a loud one fails."""
    if is_loud(request):
        raise ValueError("this clip hurts")
    return Transcript("all", pieces=tuple(map(hear_loudness, request.pieces)))


def test_each_segment_of_a_passage_has_its_own_result() -> None:
    batch = [[prepared(0, 0.1), prepared(1, 0.4)], [prepared(2, 0.2), prepared(3, 0.3)]]
    found = recognise_passages(Scripted(hear_pieces), batch, ["en", None])
    expected = [
        [hear_loudness(Request(item.clip, language)) for item in passage]
        for passage, language in zip(batch, ["en", None], strict=True)
    ]
    assert found == expected


def test_a_passage_that_fails_costs_the_guilty_segment_only() -> None:
    def hear(request: Request) -> Transcript:
        return hear_pieces(request) if request.pieces else fail_when_loud(request)

    batch = [[prepared(0, 0.1), prepared(1, 0.95), prepared(2, 0.3)], [prepared(3, 0.2)]]
    (first, failed, last), (other,) = recognise_passages(Scripted(hear), batch, ["en", "en"])
    assert isinstance(failed, ValueError)
    assert [first, last, other] == [
        hear_loudness(Request(item.clip, "en")) for item in (batch[0][0], batch[0][2], batch[1][0])
    ]


def test_a_recogniser_that_dies_within_a_batch_is_noticed() -> None:
    """One segment of the batch was recognised before; the others are not bad segments."""
    alive = iter([True, True])  # in the batch, and again when it is halved

    def die(request: Request) -> Transcript:
        if request.samples.max() < 0.2 and next(alive, False):
            return hear_loudness(request)
        raise RuntimeError("device lost")

    batch = [[prepared(0, 0.1)], [prepared(1, 0.4)], [prepared(2, 0.5), prepared(3, 0.6)]]
    with pytest.raises(ModelError, match="device lost"):
        recognise_passages(Scripted(die), batch, ["en", "en", "en"])


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_bisecting_finds_only_the_guilty(guilty: list[bool]) -> None:
    fine, bad = Request(tones([0.1])[:800]), Request(tones([0.95])[:800])
    recognizer = Scripted(fail_when_loud)
    results = recognise(recognizer, [bad if is_bad else fine for is_bad in guilty])
    assert [isinstance(result, ValueError) for result in results] == guilty
    assert {result for result in results if isinstance(result, Transcript)} <= {hear_loudness(fine)}
    halvings = max(1, len(guilty) - 1).bit_length()
    assert len(recognizer.batches) <= 1 + 2 * halvings * sum(guilty)


def test_a_recogniser_that_fails_on_silence_is_dead() -> None:
    def crash(_: Request) -> Transcript:
        raise RuntimeError("device lost")

    require_alive(Scripted(fail_when_loud))
    with pytest.raises(ModelError, match=r"silence included.*device lost"):
        require_alive(Scripted(crash))


def test_a_process_that_dies_of_everything_is_noticed() -> None:
    """One segment that ends the recogniser's process is at fault; not if silence ends it, too."""

    def die_of(is_guilty: Callable[[Request], bool]) -> Callable[[Request], Transcript]:
        def hear(request: Request) -> Transcript:
            if is_guilty(request):
                raise RecognizerCrash("died of this segment (SIGSEGV)")
            return hear_loudness(request)

        return hear

    batch = [[prepared(0, 0.1)], [prepared(1, 0.95)]]
    (fine,), (failed,) = recognise_passages(Scripted(die_of(is_loud)), batch, ["en", "en"])
    assert isinstance(fine, Transcript)
    assert isinstance(failed, RecognizerCrash)
    with pytest.raises(ModelError, match=r"silence included.*SIGSEGV"):
        recognise_passages(Scripted(die_of(lambda _: True)), batch, ["en", "en"])


def test_a_fault_of_the_machine_fails_no_segment() -> None:
    def fail(request: Request) -> Transcript:
        if is_loud(request):
            raise MachineError("the process was killed")
        return hear_loudness(request)

    with pytest.raises(MachineError, match="killed"):
        recognise(Scripted(fail), [Request(tones([level])) for level in (0.1, 0.95, 0.2)])


def test_a_model_is_asked_by_its_own_name_for_a_language() -> None:
    facts = replace(SCRIPTED_FACTS, languages=frozenset({"en", "jw"}))
    recognizer = Scripted(facts=facts)
    assert model_language(recognizer, "jv") == "jw"
    assert model_language(recognizer, "en") == "en"
    assert model_language(recognizer, None) is None
    assert language_failure(recognizer, AudioRef("/a.wav", 1, language="jv")) is None
    failure = language_failure(recognizer, AudioRef("/a.wav", 1, language="de"))
    assert failure is not None
    assert (failure.unit, failure.error_type) == ("input", "LanguageUnsupported")
