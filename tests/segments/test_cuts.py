from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from beam_audio.segments.cuts import Cutter, Piece, SpeechCutter, WindowCutter

if TYPE_CHECKING:
    from collections.abc import Callable

Stretch = tuple[int, int]


@st.composite
def recordings(draw: st.DrawFn) -> tuple[list[Stretch], int]:
    """Speech that does not touch, and the length of the recording around it."""
    position, speech = draw(st.integers(0, 30)), []
    for length, silence in draw(
        st.lists(st.tuples(st.integers(1, 200), st.integers(1, 60)), max_size=8)
    ):
        speech.append((position, position + length))
        position += length + silence
    end = speech[-1][1] if speech else 0
    return speech, draw(st.integers(end, end + 60))


STEPS = st.lists(st.integers(0, 1500), max_size=12) | st.builds(
    lambda start, every: list(range(start, 2200, every)), st.integers(0, 50), st.integers(1, 50)
)


def run(cutter: Cutter, speech: list[Stretch], total: int, steps: list[int]) -> list[Piece]:
    """Feed the cutter up to each step, and check that it keeps within what it says it needs."""
    pieces: list[Piece] = []
    known = 0
    for step in [*sorted(min(step, total) for step in steps), total]:
        for start, end in speech:
            if max(start, known) < min(end, step):
                cutter.mark(max(start, known), min(end, step))
        known = step
        for ended in [False, True] if step == total else [False]:
            needed = cutter.needed_from(step)
            new = cutter.take(step, ended=ended)
            assert all(needed <= piece.start and piece.end <= step for piece in new)
            assert cutter.needed_from(step) >= needed
            pieces += new
        if step == total:
            break
    return pieces


def speech_cutter(pad: int = 10, longest: int = 100) -> SpeechCutter:
    """A cutter that cuts a range at a fixed point of it."""

    def quietest(first: int, last: int) -> int:
        return first + (first * 7919) % (last - first + 1)

    return SpeechCutter(pad=pad, longest=longest, quietest=quietest)


def bounds(pieces: list[Piece]) -> list[Stretch]:
    return [(piece.start, piece.end) for piece in pieces]


def test_speech_is_padded_within_the_recording() -> None:
    assert bounds(run(speech_cutter(), [(3, 50), (90, 120)], 125, [])) == [(0, 60), (80, 125)]


def test_near_pads_meet_in_the_middle() -> None:
    assert bounds(run(speech_cutter(), [(20, 50), (61, 90)], 200, [])) == [(10, 55), (55, 100)]


def test_a_pad_gives_way_to_the_longest_length() -> None:
    assert bounds(run(speech_cutter(), [(10, 95)], 200, [])) == [(0, 100)]


def test_long_speech_is_cut_without_pads() -> None:
    cutter = SpeechCutter(pad=10, longest=100, quietest=lambda first, _last: first + 20)
    pieces = run(cutter, [(30, 200)], 300, [])
    assert bounds(pieces) == [(20, 90), (90, 160), (160, 210)]
    assert [piece.speech for piece in pieces] == [((30, 90),), ((90, 160),), ((160, 200),)]


@given(
    recording=recordings(),
    steps=STEPS,
    pad=st.integers(0, 25),
    longest=st.integers(100, 250),
)
def test_pieces_hold_all_speech_once_in_any_steps(
    recording: tuple[list[Stretch], int], steps: list[int], pad: int, longest: int
) -> None:
    speech, total = recording
    pieces = run(speech_cutter(pad, longest), speech, total, [])
    assert run(speech_cutter(pad, longest), speech, total, steps) == pieces
    for piece in pieces:
        assert 0 <= piece.start < piece.end <= total
        assert piece.end - piece.start <= longest
        assert (piece.core_start, piece.core_end) == (piece.start, piece.end)
        ((start, end),) = piece.speech
        assert piece.start <= start < end <= piece.end
        assert start - piece.start <= pad
        assert piece.end - end <= pad
    assert all(one.end <= other.start for one, other in pairwise(pieces))
    held = [sample for piece in pieces for a, b in piece.speech for sample in range(a, b)]
    assert held == [sample for a, b in speech for sample in range(a, b)]


def test_windows_meet_in_the_middle_of_their_overlap() -> None:
    pieces = run(WindowCutter(window=100, step=80), [(90, 120)], 200, [])
    assert [(p.start, p.end, p.core_start, p.core_end, p.speech) for p in pieces] == [
        (0, 100, 0, 90, ((90, 100),)),
        (80, 180, 90, 170, ((90, 120),)),
        (160, 200, 170, 200, ()),
    ]


def test_no_window_lies_inside_the_one_before() -> None:
    assert bounds(run(WindowCutter(window=100, step=80), [], 180, [])) == [(0, 100), (80, 180)]


def test_a_remainder_of_one_sample_is_covered() -> None:
    assert bounds(run(WindowCutter(window=100, step=100), [], 201, [])) == [
        (0, 100),
        (100, 200),
        (200, 201),
    ]


@given(
    recording=recordings(),
    steps=STEPS,
    window=st.integers(10, 300),
    overlap=st.integers(0, 290),
)
def test_windows_cover_the_recording_once_in_any_steps(
    recording: tuple[list[Stretch], int], steps: list[int], window: int, overlap: int
) -> None:
    speech, total = recording
    step = max(1, window - overlap)
    new: Callable[[], WindowCutter] = lambda: WindowCutter(window=window, step=step)  # noqa: E731
    pieces = run(new(), speech, total, [])
    assert run(new(), speech, total, steps) == pieces
    edges = [0, *(piece.core_end for piece in pieces)]
    assert edges[-1] == total
    assert edges[:-1] == [piece.core_start for piece in pieces]
    assert edges == sorted(set(edges))
    for piece in pieces:
        assert piece.start <= piece.core_start < piece.core_end <= piece.end
        assert piece.end - piece.start <= window
        assert list(piece.speech) == [
            (max(a, piece.start), min(b, piece.end))
            for a, b in speech
            if max(a, piece.start) < min(b, piece.end)
        ]


def test_an_empty_recording_has_no_pieces() -> None:
    assert run(speech_cutter(), [], 0, []) == []
    assert run(WindowCutter(window=100, step=100), [], 0, []) == []
