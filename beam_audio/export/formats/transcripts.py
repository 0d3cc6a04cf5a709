"""One text file a recording: subtitles (SRT, VTT), plain text, TextGrid, CTM, RTTM."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from beam_audio.export.formats.shard import by_recording
from beam_audio.export.item import ID_DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from beam_audio.export.item import ExportItem
    from beam_audio.export.shard_files import ShardFiles

    Lines = Callable[[Sequence[ExportItem]], Iterator[str]]

_UNFIT: Final = re.compile(r"[^\w.-]+")
_STEM_CHARACTERS: Final = 80
_ALMOST_NOTHING: Final = 1e-9


def write_srt(items: Sequence[ExportItem], files: ShardFiles) -> None:
    """SubRip subtitles."""
    _write(items, files, "srt", _srt)


def write_vtt(items: Sequence[ExportItem], files: ShardFiles) -> None:
    """WebVTT subtitles."""
    _write(items, files, "vtt", _vtt)


def write_txt(items: Sequence[ExportItem], files: ShardFiles) -> None:
    """A line a segment."""
    _write(items, files, "txt", lambda together: (item.text for item in together))


def write_textgrid(items: Sequence[ExportItem], files: ShardFiles) -> None:
    """Praat's TextGrid, with a tier of segments, and one of words where they have times."""
    _write(items, files, "TextGrid", _textgrid)


def write_ctm(items: Sequence[ExportItem], files: ShardFiles) -> None:
    """A line a word: recording, channel, start, seconds, word, probability."""
    _write(items, files, "ctm", _ctm)


def write_rttm(items: Sequence[ExportItem], files: ShardFiles) -> None:
    """A line a turn: recording, channel, start, seconds, speaker."""
    _write(items, files, "rttm", _rttm)


def transcript_stem(item: ExportItem) -> str:
    """The name of a recording's file without its suffix: that of the audio, and digits of an id."""
    stem = _UNFIT.sub("_", PurePosixPath(item.uri).stem)[:_STEM_CHARACTERS].lstrip(".")
    return f"{stem or 'recording'}-{item.recording_id[:ID_DIGITS]}"


def cue_seconds(items: Sequence[ExportItem]) -> list[tuple[float, float]]:
    """Start and end of each item; where two overlap, they meet in the middle."""
    starts = [item.start_seconds for item in items]
    ends = [item.end_seconds for item in items]
    for number in range(1, len(items)):
        if starts[number] < ends[number - 1]:
            middle = (starts[number] + ends[number - 1]) / 2
            starts[number] = ends[number - 1] = middle
    return list(zip(starts, ends, strict=True))


def _write(items: Sequence[ExportItem], files: ShardFiles, suffix: str, lines: Lines) -> None:
    for together in by_recording(items):
        content = "".join(f"{line}\n" for line in lines(together))
        files.write(f"{transcript_stem(together[0])}.{suffix}", content.encode())


def _srt(items: Sequence[ExportItem]) -> Iterator[str]:
    for number, (item, cue) in enumerate(zip(items, cue_seconds(items), strict=True), 1):
        start, end = (_clock(each, ",") for each in cue)
        yield f"{number}\n{start} --> {end}\n{item.text}\n"


def _vtt(items: Sequence[ExportItem]) -> Iterator[str]:
    yield "WEBVTT\n"
    for item, cue in zip(items, cue_seconds(items), strict=True):
        start, end = (_clock(each, ".") for each in cue)
        text = item.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        yield f"{start} --> {end}\n{text}\n"


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, milliseconds = divmod(milliseconds, 1000)
    return f"{hours:02d}:{minutes:02d}:{whole:02d}{point}{milliseconds:03d}"


def _ctm(items: Sequence[ExportItem]) -> Iterator[str]:
    for item in items:
        for word in item.words or ():
            seconds = word["end_seconds"] - word["start_seconds"]
            probability = word["probability"]
            told = [
                item.recording_id,
                _channel(item),
                f"{word['start_seconds']:.3f}",
                f"{seconds:.3f}",
                "".join(word["word"].split()),
                *([] if probability is None else [f"{probability:.4f}"]),
            ]
            yield " ".join(told)


def _rttm(items: Sequence[ExportItem]) -> Iterator[str]:
    for item in items:
        for turn in item.turns:
            start = turn["start_seconds"]
            times = f"{start:.3f} {turn['end_seconds'] - start:.3f}"
            speaker = turn["speaker"] or "<NA>"
            where = f"{item.recording_id} {_channel(item)} {times}"
            yield f"SPEAKER {where} <NA> <NA> {speaker} <NA> <NA>"


def _channel(item: ExportItem) -> str:
    return str((item.channel or 0) + 1)


def _textgrid(items: Sequence[ExportItem]) -> Iterator[str]:
    end = max(items[0].recording_seconds, items[-1].end_seconds)
    segments = [
        (start, stop, item.text)
        for item, (start, stop) in zip(items, cue_seconds(items), strict=True)
    ]
    tiers = {"segments": _whole(segments, end)}
    if all(item.words is not None for item in items):
        words = [
            (word["start_seconds"], word["end_seconds"], word["word"].strip())
            for item in items
            for word in item.words or ()
        ]
        tiers["words"] = _whole(words, end)
    yield 'File type = "ooTextFile"\nObject class = "TextGrid"\n'
    yield f"xmin = 0\nxmax = {end!r}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:"
    for number, (name, intervals) in enumerate(tiers.items(), 1):
        yield f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"'
        yield f"        xmin = 0\n        xmax = {end!r}"
        yield f"        intervals: size = {len(intervals)}"
        for place, (start, stop, text) in enumerate(intervals, 1):
            mark = text.replace('"', '""')
            yield f"        intervals [{place}]:\n            xmin = {start!r}"
            yield f'            xmax = {stop!r}\n            text = "{mark}"'


def _whole(
    intervals: Sequence[tuple[float, float, str]], end: float
) -> list[tuple[float, float, str]]:
    """Intervals with empty ones between them, so that they fill the recording.

    What begins before the one before it has ended begins then, and what has no length is left out.
    """
    made: list[tuple[float, float, str]] = []
    filled = 0.0
    for start, stop, text in intervals:
        first = max(start, filled)
        if stop - first <= _ALMOST_NOTHING:
            continue
        if first - filled > _ALMOST_NOTHING:
            made.append((filled, first, ""))
        else:
            first = filled
        made.append((first, stop, text))
        filled = stop
    if end - filled > _ALMOST_NOTHING:
        made.append((filled, end, ""))
    return made
