"""Which inputs are done, and how much of each: the configuration and statements, then and now.

A change in one layer of the configuration leaves the results of the layers before it as they are;
see :mod:`beam_audio.unit.layers`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from beam_audio.types import AudioRef, Failure
from beam_audio.unit.contradictions import distinct_inputs
from beam_audio.unit.recut import AddEvidence, FromAudio, FromRows, Recut, Remeasure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from beam_audio.output.commits import Commit, InputState
    from beam_audio.unit.recut import Redo

Input = AudioRef | Failure


@dataclass(frozen=True, slots=True)
class Task:
    """One input and how much of it is done.

    Attributes:
        item: The input.
        redo: How much is done again of an input that is committed; None for a new one.
        known: Recording ids at the input's place whose rows are up to date.
        held_by: The new unit of this run that has already committed the input. It is set when a
            runner repeats the work of the run.
    """

    item: Input
    redo: Redo | None = None
    known: tuple[str, ...] = ()
    held_by: str = ""

    @property
    def source_id(self) -> str:
        """Identity of the input."""
        return self.item.source_id

    @property
    def file_id(self) -> str:
        """Identity of what is opened for the input."""
        return self.item.file_id if isinstance(self.item, AudioRef) else self.source_id

    @property
    def replaces(self) -> str:
        """The source id of the stored rows; empty for a new input."""
        return self.redo.replaces if self.redo else ""

    @property
    def only_judges(self) -> bool:
        """Whether its rows stay but for what rules decide."""
        return isinstance(self.redo, FromRows) and self.redo.only_rules

    @property
    def is_touched(self) -> bool:
        """Whether the stored rows may be of other content."""
        return self.redo is not None and self.redo.replaces != self.source_id


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of an input, and the unit, version and run whose record says so."""

    unit_id: str
    version: int
    source_id: str
    state: InputState
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the rows should be made with.

    Attributes:
        layers: Hash of each layer of the configuration.
        stated_languages: Whether the model is given the language that is stated for an input.
        retry_failures: Whether failed inputs and segments are tried again.
        run_id: The run that makes the rows.
    """

    layers: Mapping[str, str]
    stated_languages: bool = False
    retry_failures: bool = False
    run_id: str = ""

    def tasks(
        self, inputs: Iterable[Input], committed: Sequence[Committed]
    ) -> Iterator[tuple[Committed | None, Task]]:
        """What is to be done at one place.

        Args:
            inputs: All that were listed there, repeats included.
            committed: All that was ever committed there.

        Yields:
            A task, and the committed input whose unit does it again; None for a task of a new unit.
        """
        held = {each.source_id: each.unit_id for each in committed if self._made_here(each)}
        done = sorted((each for each in committed if not self._made_here(each)), key=_merit)
        for item in distinct_inputs(inputs):
            if item.source_id in held:
                yield None, Task(item, held_by=held[item.source_id])
            elif isinstance(item, Failure) and item.stated is not None:
                yield from self._gone(item, item.stated, done)
            elif found := self._task(item, done):
                yield found

    def _gone(
        self, item: Failure, stated: AudioRef, done: Sequence[Committed]
    ) -> Iterator[tuple[Committed | None, Task]]:
        """The tasks of an input that is gone: its rows are made again if they tell all it takes."""
        own = next((each for each in done if each.source_id == item.source_id), None)
        recorded = [each for each in done if each.state.outcome == "recorded"]
        refs = [replace(stated, rows_of=each.source_id) for each in recorded]
        again = [
            (each, ref, self._redo(each, ref)) for each, ref in zip(recorded, refs, strict=True)
        ]
        if not recorded or any(redo and not isinstance(redo, FromRows) for *_, redo in again):
            failure = replace(item, stated=None)
            if own is not None and own.state.outcome == "known":
                yield own, Task(failure, FromAudio(item.source_id))
            elif found := self._task(failure, done):
                yield found
            return
        yield from ((each, Task(ref, redo)) for each, ref, redo in again if redo)
        known = tuple(name for each in recorded for name in each.state.recording_ids)
        if own is None:
            yield None, Task(item, known=known)
        elif own.state.outcome == "failed":
            yield own, Task(item, FromAudio(item.source_id), known=known)

    def _made_here(self, committed: Committed) -> bool:
        """Whether this run found the input new: a repeated plan must put it in the same unit."""
        return committed.run_id == self.run_id != "" and committed.version == 1

    def _task(self, item: Input, done: Sequence[Committed]) -> tuple[Committed | None, Task] | None:
        """The task of one input, as :meth:`tasks` yields it; None when nothing is to be done."""
        own = next((each for each in done if each.source_id == item.source_id), None)
        if own is not None and own.state.outcome == "failed":
            return self._retry(item, own)
        recorded = _rows_of(own, done)
        for each in recorded:
            if redo := self._redo(each, item):
                return each, Task(item, redo)
        if own is None:
            known = tuple(name for each in recorded for name in each.state.recording_ids)
            return None, Task(item, known=known)
        if not recorded:  # the unit that had its rows no longer exists
            return own, Task(item, FromAudio(item.source_id))
        return None

    def _retry(self, item: Input, failed: Committed) -> tuple[Committed, Task] | None:
        """The task that tries a failed input again, if it is to be tried or failed otherwise."""
        is_same = self._fails_alike(item, failed.state)
        if is_same and not self.retry_failures and not self._differ(failed.state, "decode"):
            return None
        retried = item.retried(failed.state.attempt + 1)
        return failed, Task(retried, FromAudio(item.source_id))

    def _fails_alike(self, item: Input, failed: InputState) -> bool:
        """Whether an input that failed would fail as it did."""
        if isinstance(item, Failure):
            return not failed.stated_id
        if not failed.stated_id:
            return False  # the lines of the input contradicted one another
        other_language = failed.stated_language != item.language
        return not (failed.lacks_model and (other_language or self._differ(failed, "model")))

    def _redo(self, committed: Committed, item: Input) -> Redo | None:
        """How much is done again of an input that has rows: the one place that decides it."""
        state, replaces = committed.state, committed.source_id
        if isinstance(item, Failure):
            # The lines of the input contradict one another now: its rows go.
            return FromAudio(replaces) if replaces == item.source_id else None
        retry = self.retry_failures and state.failed_segments > 0
        if retry or self._differ(state, "decode", "segment"):
            return FromAudio(replaces)
        other_language = self.stated_languages and state.stated_language != item.language
        is_measured = not self._differ(state, "measures")
        if other_language or self._differ(state, "model") or self._hears_otherwise(state):
            # Only the core of a failed segment is stored, not where the segment began.
            can_recut = is_measured and not state.failed_segments
            return Recut(replaces) if can_recut else FromAudio(replaces)
        ask_again = self.retry_failures and state.failed_opinions > 0 and "second" in self.layers
        asks_second = ask_again or self._differ(state, "second")
        if asks_second or self._differ(state, "dnsmos", "events", "speakers"):
            can_add = is_measured and not state.failed_segments
            return AddEvidence(replaces, asks_second) if can_add else FromAudio(replaces)
        if not is_measured:
            return Remeasure(replaces)
        is_same = state.stated_id == item.stated_id
        is_stale = not is_same or self._differ(state)
        only_rules = is_same and not self._differ(state, *(self.layers.keys() - {"rules"}))
        return FromRows(replaces, only_rules and replaces == item.source_id) if is_stale else None

    def _hears_otherwise(self, state: InputState) -> bool:
        """Whether noise is taken out of the audio now and was not then, or the other way round."""
        return state.layers.get("enhance") != self.layers.get("enhance")

    def _differ(self, state: InputState, *names: str) -> bool:
        """Whether any of these layers has changed; any layer at all without names.

        A layer that the run does not ask for has not changed.
        """
        return any(
            name in self.layers and state.layers.get(name) != self.layers[name]
            for name in names or self.layers
        )


def committed_sources(commits: Iterable[Commit]) -> Iterator[tuple[str, Committed]]:
    """Every input of these units, by its place."""
    for commit in commits:
        for source_id, state in commit.sources.items():
            yield (
                state.place_id,
                Committed(commit.unit_id, commit.version, source_id, state, commit.run_id),
            )


def _rows_of(own: Committed | None, done: Sequence[Committed]) -> list[Committed]:
    """Which of what is done at a place has rows of an input.

    Args:
        own: What was committed under the input's own source id; None when nothing was.
        done: All that is done at the place. Without ``own`` the file is new or was touched, and all
            rows of the place may be of its content.
    """
    recorded = [each for each in done if each.state.outcome == "recorded"]
    if own is None:
        return recorded
    if own.state.outcome == "recorded":
        return [own]
    ids = set(own.state.recording_ids)
    return [each for each in recorded if ids & set(each.state.recording_ids)]


def _merit(committed: Committed) -> tuple[int, int, str]:
    """Rows before pointers to rows before failures; the latest attempt first among failures."""
    rank = ("recorded", "known", "failed").index(committed.state.outcome)
    return rank, -committed.state.attempt, committed.unit_id
