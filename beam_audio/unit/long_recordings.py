"""Long recordings of a unit: their work is saved part by part, and what is saved is not done again.

A part is all that begins in so many seconds of a recording. A recording is long once something of
it begins after its first part; no header is believed. Where a part ends decides no row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, NamedTuple

from beam_audio.errors import StoreError
from beam_audio.output.saved_work import (
    SavedSegment,
    Span,
    read_ends,
    read_spans,
    saved_inputs,
    work_folder,
    write_ends,
    write_span,
)
from beam_audio.store.output_names import SAVED_WORK
from beam_audio.types import AudioRef, stable_id
from beam_audio.unit.events import PreparedSegment, RecordingEnd
from beam_audio.unit.results import Outcome, Recognised
from beam_audio.unit.saved_outcomes import (
    ends_content,
    ends_of_content,
    outcome_content,
    outcome_of_content,
)
from beam_audio.unit.scratch import append_bytes, read_bytes
from beam_audio.unit.spooled_list import SpooledList
from beam_audio.unit.stored_rows import StoredRecording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from beam_audio.audio.mixing import Channels
    from beam_audio.types import Segment
    from beam_audio.unit.hearing import Passage
    from beam_audio.unit.recut import RedoEvent
    from beam_audio.unit.tasks import Task


@dataclass(frozen=True, slots=True)
class WorkKey:
    """What the saved work of a unit was made with.

    Attributes:
        root: The output folder.
        layers: Hash of each layer that decides what is recognised in a segment.
        part_seconds: Length of a part.
        provider: Execution provider of the recogniser.
        stated_languages: Whether the recogniser is given the languages that are stated.
    """

    root: str
    layers: Mapping[str, str]
    part_seconds: float
    provider: str
    stated_languages: bool

    @property
    def settings_id(self) -> str:
        """Name of the folder of these settings."""
        return settings_id(self.layers, self.part_seconds)

    def folder(self, task: Task) -> str:
        """Folder of an input, relative to the output."""
        return work_folder(self.settings_id, self.input_id(task))

    def input_id(self, task: Task) -> str:
        """Name of an input's folder: its source id, and what else decides its texts."""
        said = task.item.language if isinstance(task.item, AudioRef) else None
        language = said if self.stated_languages else None
        redo = task.redo.name if task.redo else ""
        return f"{task.source_id}-{stable_id(redo, language, self.provider)[:8]}"


def settings_id(layers: Mapping[str, str], part_seconds: float) -> str:
    """Name of the settings that saved work was made with; how texts are judged is none of them."""
    heard = {name: each for name, each in layers.items() if name not in {"metrics", "rules"}}
    return stable_id("saved work", heard, part_seconds)


class _Known(NamedTuple):
    """A segment of which the outcome was saved, and its place among all that were."""

    segment_index: int
    place: int
    recording_id: str


@dataclass(slots=True)
class _Part:
    """A part that is not saved yet: passages wait, or more may begin in it."""

    folder: str
    span: Span
    waiting: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    has_new: bool = False
    is_closed: bool = False


class LongRecordings:
    """The long recordings of one unit.

    Args:
        key: What the work is done with.
        channels: The policy of ``--channels``.
        tasks: The inputs of the unit; what was saved of them is read.
        scratch_file: The unit's temporary file.
        first: The first part that is recognised here.
    """

    def __init__(
        self,
        key: WorkKey,
        channels: Channels,
        tasks: Sequence[Task],
        scratch_file: IO[bytes],
        first: int = 0,
    ) -> None:
        self._key = key
        self._channels = channels
        self._scratch_file = scratch_file
        self._first = first
        self._folders = {task.source_id: key.folder(task) for task in tasks}
        self._saved_outcomes = SpooledList[Outcome](scratch_file)
        self._known: dict[str, _Known] = {}
        self._done: defaultdict[str, list[Span]] = defaultdict(list)
        self._ends: dict[str, list[tuple[RecordingEnd, int]]] = {}
        self._present: dict[str, _Part] = {}
        self._of_segment: dict[str, _Part] = {}
        self._used: set[str] = set()
        saved = saved_inputs(key.root, key.settings_id)
        for task in tasks:
            if isinstance(task.item, AudioRef) and key.input_id(task) in saved:
                self._load(task.item, self._folders[task.source_id])

    @property
    def folders(self) -> frozenset[str]:
        """Folders of saved work that are not needed once the unit is committed."""
        return frozenset(self._used)

    def measured_from(self, recording_id: str) -> float:
        """Up to which second nothing of a recording is to be recognised."""
        stop = self._first
        for span in sorted(self._done[recording_id]):
            stop = max(stop, span.stop) if span.first <= stop else stop
        return stop * self._key.part_seconds

    def number(self, passage: Passage) -> int:
        """The part that a passage begins in."""
        return self._part_of(passage[0].segment)

    def whole(self, task: Task) -> list[StoredRecording]:
        """The recordings of an input of which all was saved; empty if something lacks."""
        ends = self._ends.get(task.source_id, [])
        by_recording: defaultdict[str, list[_Known]] = defaultdict(list)
        for known in self._known.values():
            by_recording[known.recording_id].append(known)
        found = [(end, count, by_recording.get(end.source.recording_id, [])) for end, count in ends]
        if any(len(known) != count for _, count, known in found):
            return []
        return [
            StoredRecording(
                end, self._saved_outcomes.arranged(each.place for each in sorted(known))
            )
            for end, _, known in found
        ]

    def noted(self, task: Task, events: Iterable[RedoEvent]) -> Iterator[RedoEvent]:
        """The events of an input; what is known at its end is saved if it is long.

        It may be read in any thread.
        """
        ends: list[RecordingEnd] = []
        counts: Counter[str] = Counter()
        is_whole = True
        for event in events:
            match event:
                case PreparedSegment():
                    counts[event.source.recording_id] += 1
                case RecordingEnd():
                    ends.append(event)
                case _:
                    is_whole = False
            yield event
        if is_whole and any(map(self._is_long, ends)):
            folder = self._folders[task.source_id]
            content = ends_content(ends, [counts[each.source.recording_id] for each in ends])
            write_ends(self._key.root, folder, content)
            self._used.add(folder)

    def begin(self, passage: Passage) -> bool:
        """Take note of a passage that is to be recognised; returns whether it begins a part."""
        source, number = passage[0].source, self._part_of(passage[0].segment)
        part = self._present.get(source.recording_id)
        begins = part is not None and part.span.stop <= number
        if part is None or begins:
            first = number if begins else self._first
            if part is not None:
                self._close(part, number)
            span = Span(source.recording_id, first, number + 1)
            part = _Part(self._folders[source.ref.source_id], span)
            self._present[source.recording_id] = part
        part.waiting += len(passage)
        for item in passage:
            self._of_segment[item.segment.segment_id] = part
        return begins

    def known(self, passage: Passage) -> list[Outcome]:
        """What was saved of a passage; empty if something lacks."""
        found = [self._known.get(item.segment.segment_id) for item in passage]
        return [self._saved_outcomes[each.place] for each in found if each] if all(found) else []

    def measured(self, passage: Passage) -> Passage:
        """The passage, if there is audio to recognise.

        Raises:
            StoreError: What was saved of it vanished meanwhile.
        """
        if any(not item.clip.size for item in passage):
            raise StoreError(
                f"{self._key.root}/{SAVED_WORK} has lost work on {passage[0].source.ref.uri!r}; "
                "run again"
            )
        return passage

    def settle(self, outcome: Outcome) -> None:
        """Take note of what became of a segment; its part is saved if it was the last one."""
        segment_id = outcome.segment.segment_id
        part = self._of_segment.pop(segment_id)
        part.waiting -= 1
        part.outcomes.append(outcome)
        part.has_new |= segment_id not in self._known
        self._save_if_done(part)

    def end(self, end: RecordingEnd) -> None:
        """Take note of the end of a recording, after its last passage."""
        part = self._present.pop(end.source.recording_id, None)
        if part is not None and self._is_long(end):
            rate_hz = end.source.format.sample_rate_hz
            last = int(end.decoded_samples / rate_hz / self._key.part_seconds)
            self._close(part, max(part.span.stop, last + 1))

    def leave(self, recording_id: str, stop: int) -> None:
        """Take note that nothing more of a recording begins before part ``stop``, nor is noted."""
        part = self._present.pop(recording_id, None)
        if part is not None:
            self._close(part, stop)

    def _load(self, ref: AudioRef, folder: str) -> None:
        """Read what was saved of an input; what is damaged is recognised again."""
        for span, segments in read_spans(self._key.root, folder):
            with suppress(StoreError):
                for outcome in [self._outcome(each, ref) for each in segments]:
                    segment, place = outcome.segment, len(self._saved_outcomes)
                    known = _Known(segment.segment_index, place, segment.recording_id)
                    self._known[segment.segment_id] = known
                    self._saved_outcomes.append(outcome)
                self._done[span.recording_id].append(span)
        content = read_ends(self._key.root, folder)
        if content is not None:
            self._ends[ref.source_id] = ends_of_content(content, ref, self._channels)
        self._used.add(folder)

    def _outcome(self, saved: SavedSegment, ref: AudioRef) -> Outcome:
        audio = append_bytes(self._scratch_file, saved.audio) if saved.audio is not None else None
        return outcome_of_content(saved.content, ref, audio)

    def _close(self, part: _Part, stop: int) -> None:
        part.span = Span(part.span.recording_id, part.span.first, stop)
        part.is_closed = True
        self._save_if_done(part)

    def _save_if_done(self, part: _Part) -> None:
        if not part.is_closed or part.waiting or not part.has_new:
            return
        write_span(self._key.root, part.folder, part.span, map(self._saved, part.outcomes))
        part.has_new = False
        self._used.add(part.folder)

    def _saved(self, outcome: Outcome) -> SavedSegment:
        result = outcome.result
        stored = result.audio if isinstance(result, Recognised) else None
        audio = read_bytes(self._scratch_file, stored) if stored else None
        return SavedSegment(outcome_content(outcome), audio)

    def _part_of(self, segment: Segment) -> int:
        return int(segment.start_seconds / self._key.part_seconds)

    def _is_long(self, end: RecordingEnd) -> bool:
        seconds = end.decoded_samples / end.source.format.sample_rate_hz
        return seconds > self._key.part_seconds
