"""How much of an input is done again: all, recognition, measures, new evidence, only its rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import chain, groupby
from typing import TYPE_CHECKING, ClassVar

from beam_audio.audio.mixing import Mixer
from beam_audio.types import Failure
from beam_audio.unit.channels import channel_policy
from beam_audio.unit.content import from_opened
from beam_audio.unit.events import Event, PreparedSegment, RecordingEnd
from beam_audio.unit.prepare import open_stream, prepare, prepare_opened
from beam_audio.unit.results import Outcome, Recognised
from beam_audio.unit.slicing import Slicer, sliced
from beam_audio.unit.stored_rows import StoredRecording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from beam_audio.types import AudioRef, Quality, Segment
    from beam_audio.unit.clock import StageClock
    from beam_audio.unit.content import Opened
    from beam_audio.unit.layers import Layer
    from beam_audio.unit.prepare_settings import PrepareSettings


@dataclass(frozen=True, slots=True)
class Before:
    """An input that has rows, and what reads its audio.

    Attributes:
        ref: The input.
        recordings: All its stored recordings, with the reference as it is now.
        settings: Decoding and segmentation as they were then; what the recogniser takes as now.
        clock: Where the time spent is added up.
        failed_tracks: The failures of its tracks without a recording.
    """

    ref: AudioRef
    recordings: Sequence[StoredRecording]
    settings: PrepareSettings
    clock: StageClock
    failed_tracks: Sequence[Failure] = ()


@dataclass(frozen=True, slots=True)
class MeasuredRecording:
    """A recording whose audio was measured again; its texts are those that are stored."""

    end: RecordingEnd
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An input whose rows stay as they are: the audio that more evidence needs cannot be read."""

    source_id: str


RedoEvent = Event | StoredRecording | MeasuredRecording | Unreadable

# Each ``name`` below is part of the hash that part files are named after. A retry must write the
# same files, so these names never change. ``keeps`` are the layers that a run need not ask for and
# whose results stay if it does not.


@dataclass(frozen=True, slots=True)
class FromAudio:
    """Everything is done again, from the audio.

    Attributes:
        replaces: The source id of the stored rows. It differs from the input's own when the file
            was touched since.
    """

    name: ClassVar[str] = "audio"
    keeps: ClassVar[tuple[Layer, ...]] = ()

    replaces: str

    def events(self, before: Before) -> Iterator[Event]:
        """Yield what :func:`beam_audio.unit.prepare.prepare` yields.

        Raises:
            ConfigError: The decoder asked for is not installed.
        """
        return prepare(before.ref, before.settings, before.clock)


@dataclass(frozen=True, slots=True)
class Recut:
    """The segments stay, and are recognised again: the model changed, or what it hears.

    The audio is decoded and cut where it was cut before. Speech is not searched and nothing is
    measured again. No segment of the stored recordings may have failed.

    Attributes:
        replaces: The source id of the stored rows; see :class:`FromAudio`.
    """

    name: ClassVar[str] = "recognise"
    keeps: ClassVar[tuple[Layer, ...]] = ("dnsmos", "events", "speakers")

    replaces: str

    def events(self, before: Before) -> Iterator[RedoEvent]:
        """Yield the segments and the end of each recording; all events again for other content.

        A :class:`Failure` comes last if the audio is longer or shorter than it was.

        Raises:
            ConfigError: The decoder asked for is not installed.
        """
        return _if_same_content(before, lambda opened: _recut(opened, before))


@dataclass(frozen=True, slots=True)
class AddEvidence:
    """The texts and measures stay, and what a run asks for beside them is added.

    The audio is cut as in :class:`Recut`, for a second opinion, DNSMOS, events and speakers. If it
    cannot be read, the rows stay without. No segment of the stored recordings may have failed.

    Attributes:
        replaces: The source id of the stored rows; see :class:`FromAudio`.
        asks_second: Whether the second model is asked, even if the rows have an opinion.
    """

    name: ClassVar[str] = "evidence"
    keeps: ClassVar[tuple[Layer, ...]] = ("dnsmos", "events", "speakers", "second")

    replaces: str
    asks_second: bool

    def events(self, before: Before) -> Iterator[RedoEvent]:
        """Yield the segments with what is known of them, and the end of each recording.

        Raises:
            ConfigError: The decoder asked for is not installed.
        """
        known = {
            outcome.segment.segment_id: outcome.result
            for recording in before.recordings
            for outcome in recording.outcomes
            if isinstance(outcome.result, Recognised)
        }
        settings = before.settings
        if not self.asks_second:
            settings = replace(settings, enhancer=None)  # nobody hears the clips
        cut = replace(before, settings=settings)
        events = _if_same_content(before, lambda opened: _recut(opened, cut))
        first = next(events, None)
        if isinstance(first, Failure):
            yield Unreadable(before.ref.source_id)
            yield from _stored(before)
            return
        for event in chain([first] if first else [], events):
            if isinstance(event, PreparedSegment) and event.segment.segment_id in known:
                result = known[event.segment.segment_id]
                second = None if self.asks_second else result.second
                yield replace(event, transcript=result.transcript, second=second)
            else:
                yield event


@dataclass(frozen=True, slots=True)
class Remeasure:
    """The texts stay, and the signal is measured again.

    The audio is decoded, split and measured as in a new input; nothing is recognised.

    Attributes:
        replaces: The source id of the stored rows; see :class:`FromAudio`.
    """

    name: ClassVar[str] = "measure"
    keeps: ClassVar[tuple[Layer, ...]] = ("second",)

    replaces: str

    def events(self, before: Before) -> Iterator[RedoEvent]:
        """Yield each recording with its stored texts; all events again for other content.

        All events come again, too, if the audio is no longer split as it was.

        Raises:
            ConfigError: The decoder asked for is not installed.
        """
        return _if_same_content(before, lambda opened: _remeasured(opened, before))


@dataclass(frozen=True, slots=True)
class FromRows:
    """Only the rows are made again, from those that are stored.

    Attributes:
        replaces: The source id of the stored rows; see :class:`FromAudio`.
        only_rules: Whether nothing but the rules changed: decisions follow from the rows as they
            are.
    """

    name: ClassVar[str] = "rows"
    keeps: ClassVar[tuple[Layer, ...]] = ("dnsmos", "events", "speakers", "second")

    replaces: str
    only_rules: bool = False

    def events(self, before: Before) -> Iterator[RedoEvent]:
        """Yield the stored recordings; all events again if a touched file has other content.

        Raises:
            ConfigError: The decoder asked for is not installed.
        """
        if self.replaces == before.ref.source_id:
            return _stored(before)
        return _if_same_content(before, lambda _: _stored(before))


def _stored(before: Before) -> Iterator[RedoEvent]:
    yield from before.recordings
    yield from before.failed_tracks


Redo = FromAudio | Recut | AddEvidence | Remeasure | FromRows


def _if_same_content(
    before: Before, make: Callable[[Opened], Iterator[RedoEvent]]
) -> Iterator[RedoEvent]:
    """Yield what is made of an input with the bytes of its rows; with others, all its events."""

    def events(opened: Opened) -> Iterator[RedoEvent]:
        if opened.content_sha256 == before.recordings[0].end.source.content_sha256:
            return make(opened)
        return prepare_opened(opened, before.settings, before.clock)

    max_bytes = before.settings.limits.max_source_bytes
    return from_opened(before.ref, max_bytes, before.clock, events, before.settings.opener)


def _remeasured(opened: Opened, before: Before) -> Iterator[RedoEvent]:
    stored = {
        outcome.segment.segment_id: outcome
        for recording in before.recordings
        for outcome in recording.outcomes
    }
    ends: list[RecordingEnd] = []
    failed: list[Failure] = []
    measured: defaultdict[str, list[tuple[Segment, Quality]]] = defaultdict(list)
    # The stored audio stays, as the texts do.
    settings = replace(before.settings, store_audio="none", enhancer=None)
    for event in prepare_opened(opened, settings, before.clock):
        if isinstance(event, PreparedSegment):
            measured[event.source.recording_id].append((event.segment, event.quality))
        elif isinstance(event, RecordingEnd):
            ends.append(event)
        elif isinstance(event, Failure):
            failed.append(event)
    if {segment.segment_id for each in measured.values() for segment, _ in each} != stored.keys():
        yield from prepare_opened(opened, before.settings, before.clock)
        return
    for end in ends:
        yield MeasuredRecording(
            end,
            tuple(
                _with_quality(stored[segment.segment_id], segment, quality)
                for segment, quality in measured[end.source.recording_id]
            ),
        )
    yield from failed


def _with_quality(outcome: Outcome, segment: Segment, quality: Quality) -> Outcome:
    """A stored outcome with new measures; that of a failed segment has none."""
    if not isinstance(outcome.result, Recognised):
        return outcome
    return Outcome(segment, replace(outcome.result, quality=quality))


def _recut(opened: Opened, before: Before) -> Iterator[RedoEvent]:
    asked = before.settings.tracks
    for stored, recordings in groupby(before.recordings, lambda each: each.end.source.track):
        slicers = {each.end.source.channel: Slicer(each) for each in recordings}
        track = stored if asked == "all" else asked
        yield from _recut_track(opened, before, track, slicers)
        for slicer in slicers.values():
            slicer.require_end()
        for slicer in slicers.values():
            yield slicer.end
    yield from before.failed_tracks


def _recut_track(
    opened: Opened, before: Before, track: int | None, slicers: Mapping[int | None, Slicer]
) -> Iterator[PreparedSegment]:
    with open_stream(opened, before.settings, track) as stream:
        policy = channel_policy(opened.ref, before.settings.channels)
        mixer = Mixer(policy, stream.format, stream.decoder)
        for block in before.clock.iterate("decode", stream.blocks()):
            yield from sliced(mixer.push(block), slicers, before.settings, before.clock)
        yield from sliced(mixer.finish(), slicers, before.settings, before.clock)
