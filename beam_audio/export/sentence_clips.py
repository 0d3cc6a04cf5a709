"""Recordings with their text as clips of one sentence each, and what reader and text differ in.

Two files are written. ``clips.jsonl`` is a manifest: a line per sentence that was read, with its
place in the recording, so that a run over it takes the clips out of the recordings.
``differences.jsonl`` has a line for each sentence that was not read or misread, and for what was
added.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.export.note import note_export, require_beside
from beam_audio.output.commits import read_commits
from beam_audio.output.parts import rows_of
from beam_audio.quality.book_text import read_sentences
from beam_audio.quality.normalizers import normalizer_for
from beam_audio.quality.pauses import Spoken
from beam_audio.types import Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.output.commits import Commit
    from beam_audio.quality.book_text import Reading
    from beam_audio.schema import Table
    from beam_audio.types import Row

CLIPS: Final = "clips.jsonl"
DIFFERENCES: Final = "differences.jsonl"
_FORMAT: Final = "sentences"
_OF_RECORDING: Final = (
    *("recording_id", "uri", "channel", "offset_seconds", "decoded_seconds"),
    *("language", "stated_language", "reference_text", "stated_reference_text"),
)
_OF_SEGMENT: Final = (
    *("recording_id", "core_start_seconds", "core_end_seconds", "words", "speech", "redactions"),
)


@dataclass(frozen=True, slots=True)
class CutOut:
    """What was written.

    Attributes:
        recordings: Recordings that were cut.
        sentences: Sentences of their texts, and what was added, by kind.
        clip_seconds: Length of all clips.
        left_out: Recordings that were not cut, by why.
    """

    recordings: int
    sentences: Counter[str]
    clip_seconds: float
    left_out: Counter[str]


def cut_out(root: str, target: str) -> CutOut:
    """Cut the recordings of an output that have a text at its sentences.

    Args:
        root: The output folder.
        target: Where both files go; those that are there are replaced.

    Raises:
        ConfigError: The target is in the output, or no recording can be cut.
        StoreError: A file cannot be read or written.
    """
    require_beside(root, target)
    clips: list[str] = []
    differences: list[str] = []
    sentences, left_out = Counter[str](), Counter[str]()
    recordings, seconds = 0, 0.0
    for recording, segments in _recordings(root):
        if (why := _why_not(recording, segments)) is not None:
            left_out[why] += 1
            continue
        recordings += 1
        for number, reading in enumerate(_readings(recording, segments)):
            sentences[reading.kind] += 1
            line = json.dumps(_line(recording, reading, number), ensure_ascii=False)
            if reading.kind == "read":
                clips.append(line)
                seconds += (reading.end_seconds or 0.0) - (reading.start_seconds or 0.0)
            else:
                differences.append(line)
    if not recordings:
        reasons = "; ".join(f"{count} {why}" for why, count in sorted(left_out.items()))
        raise ConfigError(f"no recording of {root} can be cut: {reasons or 'it has none'}")
    note_export(root, target, _FORMAT)
    for name, lines in ((CLIPS, clips), (DIFFERENCES, differences)):
        store.write_whole(target, name, "".join(f"{line}\n" for line in lines).encode())
    return CutOut(recordings, sentences, seconds, left_out)


def _why_not(recording: Row, segments: Sequence[Row]) -> str | None:
    """Why a recording cannot be cut; None if it can."""
    if not _text(recording):
        return "have no text"
    if any(each["words"] is None for each in segments):
        return "have no word times"
    if any(each.get("redactions") for each in segments):
        return "have redacted words"
    return None


def _text(recording: Row) -> str:
    """What is stated for a recording; corrections are joined in another spelling."""
    return recording.get("stated_reference_text") or recording["reference_text"] or ""


def _readings(recording: Row, segments: Sequence[Row]) -> list[Reading]:
    language = recording["stated_language"] or recording["language"]
    return read_sentences(
        _text(recording),
        Spoken(_words(segments), _speech(segments), recording["decoded_seconds"]),
        normalizer_for(language),
    )


def _words(segments: Sequence[Row]) -> list[Word]:
    """The words of all segments; where two overlap, each has those of its core."""
    return [
        Word(**word)
        for row in segments
        for word in row["words"]
        if row["core_start_seconds"]
        <= (word["start_seconds"] + word["end_seconds"]) / 2
        < row["core_end_seconds"]
    ]


def _speech(segments: Sequence[Row]) -> list[tuple[float, float]]:
    return sorted(
        (each["start_seconds"], each["end_seconds"]) for row in segments for each in row["speech"]
    )


def _line(recording: Row, reading: Reading, number: int) -> Row:
    """A sentence as a line: of a manifest if it was read."""
    origin = recording["offset_seconds"] or 0.0
    line: Row = {"audio_filepath": recording["uri"], "text": reading.text}
    if reading.start_seconds is not None and reading.end_seconds is not None:
        line["offset"] = round(origin + reading.start_seconds, 3)
        line["duration"] = round(reading.end_seconds - reading.start_seconds, 3)
    if recording["channel"] is not None:
        line["channel"] = recording["channel"]
    if language := recording["stated_language"] or recording["language"]:
        line["lang"] = language
    line |= {"recording": recording["recording_id"], "sentence": number}
    if reading.kind != "read":
        line |= {"difference": reading.kind, "heard": reading.heard}
    return line if reading.cer is None else line | {"heard_cer": reading.cer}


def _recordings(root: str) -> Iterator[tuple[Row, list[Row]]]:
    """Recordings of an output, a unit at a time, each with its segments in order of time."""
    for commit in read_commits(root):
        segments: defaultdict[str, list[Row]] = defaultdict(list)
        for row in _rows(root, commit, "segments", _OF_SEGMENT):
            segments[row["recording_id"]].append(row)
        recordings = _rows(root, commit, "recordings", _OF_RECORDING)
        for row in sorted(recordings, key=lambda each: (each["uri"], each["recording_id"])):
            own = segments[row["recording_id"]]
            yield row, sorted(own, key=lambda each: float(each["core_start_seconds"]))


def _rows(root: str, commit: Commit, table: Table, columns: Sequence[str]) -> Iterator[Row]:
    for name in commit.files_of(table):
        for rows in rows_of(root, name, commit.sources, columns):
            yield from rows.to_pylist()
