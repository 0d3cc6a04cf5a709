"""Where segments lie, given where speech is: pure arithmetic in whole source samples.

A cutter is fed as speech becomes known. It returns each piece as soon as nothing to come can change
it. The pieces do not depend on the steps in which it is fed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

Stretch = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment without its samples: [start, end), its core, and the speech inside it."""

    start: int
    end: int
    core_start: int
    core_end: int
    speech: tuple[Stretch, ...]


class Cutter(Protocol):
    """Decides where segments lie, as speech becomes known; all positions are source samples."""

    def mark(self, start: int, end: int) -> None:
        """Add speech; a stretch that begins where the last one ends continues it."""

    def take(self, decided: int, *, ended: bool) -> list[Piece]:
        """Return the pieces that are certain.

        Args:
            decided: All speech before this position is marked.
            ended: The recording ends at ``decided``.
        """

    def needed_from(self, decided: int) -> int:
        """The first position that later pieces may contain."""


class SpeechCutter:
    """Pads speech, lets pads that would overlap meet in the middle, and cuts what is too long.

    Args:
        pad: Samples kept on each side of speech.
        longest: Longest piece, at least four pads.
        quietest: Returns where to cut within [first, last].
    """

    def __init__(self, *, pad: int, longest: int, quietest: Callable[[int, int], int]) -> None:
        self._pad = pad
        self._longest = longest
        self._quietest = quietest
        self._marks: deque[Stretch] = deque()
        self._floor = 0

    def mark(self, start: int, end: int) -> None:
        """Add speech; see :class:`Cutter`."""
        _extend(self._marks, start, end)

    def take(self, decided: int, *, ended: bool) -> list[Piece]:
        """Return the pieces that are certain; see :class:`Cutter`."""
        pieces: list[Piece] = []
        while self._marks and (piece := self._next(decided, ended=ended)):
            pieces.append(piece)
        return pieces

    def needed_from(self, decided: int) -> int:
        """The first position that later pieces may contain; see :class:`Cutter`."""
        speech = self._marks[0][0] if self._marks else decided
        return max(speech - self._pad, self._floor)

    def _next(self, decided: int, *, ended: bool) -> Piece | None:
        """The first piece of the first stretch of speech; None when it is not certain yet."""
        start, end = self._marks[0]
        begin = self.needed_from(decided)
        if end - begin > self._longest:
            stop = self._quietest(begin + self._longest // 2, begin + self._longest)
            self._floor = stop
            return Piece(begin, stop, begin, stop, ((max(start, begin), stop),))
        if len(self._marks) == 1 and not ended and decided < max(end + 1, end + 2 * self._pad):
            return None  # this speech may go on, or the pads of the next may meet its own
        if len(self._marks) > 1:
            meeting = (end + self._marks[1][0]) // 2
        else:  # speech that may still follow lies beyond both pads
            meeting = decided if ended else (end + decided) // 2
        stop = min(end + self._pad, meeting, begin + self._longest)
        self._floor = meeting
        self._marks.popleft()
        return Piece(begin, stop, begin, stop, ((max(start, begin), end),))


class WindowCutter:
    """Windows of ``window`` samples every ``step`` samples until the recording is covered."""

    def __init__(self, *, window: int, step: int) -> None:
        self._window = window
        self._step = step
        self._marks: deque[Stretch] = deque()
        self._start = 0
        self._core_start = 0

    def mark(self, start: int, end: int) -> None:
        """Add speech; see :class:`Cutter`."""
        _extend(self._marks, start, end)

    def take(self, decided: int, *, ended: bool) -> list[Piece]:
        """Return the pieces that are certain; see :class:`Cutter`."""
        pieces: list[Piece] = []
        while self._start + self._window < decided:
            end = self._start + self._window
            following = self._start + self._step
            pieces.append(self._piece(end, core_end=(following + end) // 2))
            self._start = following
        if ended and self._core_start < decided:
            pieces.append(self._piece(decided, core_end=decided))
        return pieces

    def needed_from(self, decided: int) -> int:  # noqa: ARG002 - windows do not depend on speech
        """The first position that later pieces may contain; see :class:`Cutter`."""
        return self._start

    def _piece(self, end: int, *, core_end: int) -> Piece:
        start = self._start
        while self._marks and self._marks[0][1] <= start:
            self._marks.popleft()
        speech = tuple((max(a, start), min(b, end)) for a, b in self._marks if a < end)
        piece = Piece(start, end, self._core_start, core_end, speech)
        self._core_start = core_end
        return piece


def _extend(marks: deque[Stretch], start: int, end: int) -> None:
    if marks and marks[-1][1] == start:
        marks[-1] = (marks[-1][0], end)
    else:
        marks.append((start, end))
