"""Which inputs are to be done, and how much of each: configuration and claims, then and now.

The layers of the configuration, from the audio to the decision: ``decode`` and ``segment`` decide
where segments are, ``model`` what is heard in them, ``metrics`` and ``rules`` how it is judged. A
changed one leaves what lies before it as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from beam_audio.output.commits import Commit, InputState

Input = AudioRef | Failure

Redo = Literal["audio", "recognise", "rows"]
"""What is done again: all, from the audio; all but finding segments and measuring them; or nothing
but rows, from those there are."""


@dataclass(frozen=True, slots=True)
class Task:
    """One input and what is to be done with it.

    Attributes:
        item: The input.
        redo: What of its stored rows is to be done again, None when it has none.
        replaces: The source id these rows have: another one when the file was touched since.
        known: Recording ids of this place whose rows are as they should be.
        held_by: The new unit of this very run that has committed it already, when a runner does
            the run's work a second time.
    """

    item: Input
    redo: Redo | None = None
    replaces: str = ""
    known: tuple[str, ...] = ()
    held_by: str = ""

    @property
    def source_id(self) -> str:
        """Identity of the input."""
        return self.item.source_id

    @property
    def is_touched(self) -> bool:
        """Whether the stored rows may be of other content."""
        return self.redo is not None and self.replaces != self.item.source_id


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of an input, and the unit, version and run that tell of it."""

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
        stated_languages: Whether the model is told the language that is stated of an input.
        retry_failures: Whether what failed is tried again.
        run_id: The run they are made in.
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
            inputs: All that were listed there, repeats too.
            committed: All that was ever committed there.

        Yields:
            A task, and the unit that is to do it again; None for a task of a new unit.
        """
        held = {each.source_id: each.unit_id for each in committed if self._made_here(each)}
        done = sorted((each for each in committed if not self._made_here(each)), key=_merit)
        distinct = {item.source_id: item for item in sorted(inputs, key=_stable_order)}
        for item in distinct.values():
            if item.source_id in held:
                yield None, Task(item, held_by=held[item.source_id])
                continue
            found = next((each for each in done if each.source_id == item.source_id), None)
            if found is not None and found.state.outcome == "failed":
                if self._is_to_be_tried_again(found.state):
                    retried = item.retried(found.state.attempt + 1)
                    yield found, Task(retried, "audio", item.source_id)
                continue
            yield from self._task(item, found, [each for each in done if _is_recorded(each)])

    def _made_here(self, committed: Committed) -> bool:
        """Whether this run found it new: planned again, it must come into the same unit again."""
        return committed.run_id == self.run_id != "" and committed.version == 1

    def _task(
        self, item: Input, found: Committed | None, recorded: Sequence[Committed]
    ) -> Iterator[tuple[Committed | None, Task]]:
        """The task of an input that did not fail: none when it has rows as they should be."""
        if found is not None and found.state.outcome == "known":
            ids = set(found.state.recording_ids)
            recorded = [each for each in recorded if ids & set(each.state.recording_ids)]
        elif found is not None:
            recorded = [found]
        for each in recorded:
            redo = self._redo(each.state, item)
            if redo is not None:
                yield each, Task(item, redo, each.source_id)
                return
        if found is None:
            known = tuple(name for each in recorded for name in each.state.recording_ids)
            yield None, Task(item, known=known)
        elif not recorded:  # the unit that had its rows is no more
            yield found, Task(item, "audio", item.source_id)

    def _is_to_be_tried_again(self, state: InputState) -> bool:
        return self.retry_failures or self._differ(state, "decode")

    def _redo(self, state: InputState, item: Input) -> Redo | None:
        """What is to be done again of an input that has rows."""
        if isinstance(item, Failure):
            return None
        retry = self.retry_failures and state.failed_segments > 0
        if retry or self._differ(state, "decode", "segment"):
            return "audio"
        told_another = self.stated_languages and state.stated_language != item.language
        if told_another or self._differ(state, "model"):
            # Where a failed segment began is not stored, only what of it was its own.
            return "audio" if state.failed_segments else "recognise"
        return "rows" if state.stated_id != item.stated_id or self._differ(state) else None

    def _differ(self, state: InputState, *names: str) -> bool:
        """Whether any of these layers, or any at all, is another than it was."""
        return any(state.layers.get(name) != self.layers[name] for name in names or self.layers)


def committed_sources(commits: Iterable[Commit]) -> Iterator[tuple[str, Committed]]:
    """Every input of these units, by its place."""
    for commit in commits:
        for source_id, state in commit.sources.items():
            yield (
                state.place_id,
                Committed(commit.unit_id, commit.version, source_id, state, commit.run_id),
            )


def _is_recorded(committed: Committed) -> bool:
    return committed.state.outcome == "recorded"


def _merit(committed: Committed) -> tuple[int, int, str]:
    """Rows before pointers to rows before failures; of failures the last attempt first."""
    rank = ("recorded", "known", "failed").index(committed.state.outcome)
    return rank, -committed.state.attempt, committed.unit_id


def _stable_order(item: Input) -> tuple[str, str]:
    # Of two claims about one source the same one must win whatever order they arrive in.
    return item.source_id, repr(item)
