"""Rows of a committed unit, read back into what they were made of.

This is the inverse of :mod:`beam_audio.unit.rows`. What it returns gives the same rows again when
it goes through ``recording_rows``. With other rules, another normaliser or other statements about
the input it gives their rows, without the audio.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields, replace
from typing import IO, TYPE_CHECKING

import numpy as np

from beam_audio.audio.decode import is_stream_reason
from beam_audio.audio.mixing import MIX_REASONS
from beam_audio.output.parts import rows_of
from beam_audio.quality.second_opinion import Opinion
from beam_audio.types import (
    AudioFormat,
    AudioRef,
    Failure,
    Quality,
    Row,
    Segment,
    Transcript,
    Word,
)
from beam_audio.unit.channels import Channel, ref_of_channels, ref_of_tracks
from beam_audio.unit.events import RecordingEnd
from beam_audio.unit.quality_content import events_of
from beam_audio.unit.results import Outcome, Recognised
from beam_audio.unit.scratch import append_bytes
from beam_audio.unit.speaker_columns import stored_voices

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from beam_audio.audio.mixing import Channels
    from beam_audio.output.commits import Commit
    from beam_audio.schema import Table

_NO_SAMPLES = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """One recording (or channel) as its rows describe it; its segments in order of time."""

    end: RecordingEnd
    outcomes: Sequence[Outcome]


class StoredUnit:
    """The rows of some inputs of a committed unit. Once they are read, threads may share it.

    Args:
        root: The output folder.
        commit: The unit's record.
        source_ids: The inputs whose rows are read.
        scratch_file: A temporary file; stored audio is appended to it.

    Attributes:
        root: As given.
        commit: As given.
    """

    def __init__(
        self, root: str, commit: Commit, source_ids: Container[str], scratch_file: IO[bytes]
    ) -> None:
        self.root, self.commit = root, commit
        self._scratch_file = scratch_file
        self._recordings: defaultdict[str, list[Row]] = defaultdict(list)
        self._segments: defaultdict[str, list[Row]] = defaultdict(list)
        self._failures: defaultdict[str, list[Row]] = defaultdict(list)
        by: tuple[tuple[Table, str, defaultdict[str, list[Row]]], ...] = (
            ("recordings", "source_id", self._recordings),
            ("failures", "recording_id", self._failures),
            ("segments", "recording_id", self._segments),
        )
        for table, key, found in by:
            for name in commit.files_of(table):
                for batch in rows_of(root, name, source_ids):
                    for row in batch.to_pylist():
                        found[row[key]].append(self._without_audio(row))

    def recordings(
        self, source_id: str, ref: AudioRef, channels: Channels
    ) -> list[StoredRecording]:
        """The recordings of an input.

        Args:
            source_id: The input.
            ref: Stands in for the reference that they were made of.
            channels: The policy of ``--channels``.
        """
        rows = self._recordings.get(source_id, [])
        ref = _as_it_was(ref, rows)
        ref = ref_of_tracks(ref, len({row.get("track") for row in rows}))
        return [
            self._recording(row, ref_of_channels(ref, channels, row["channels"]))
            for row in sorted(rows, key=_place)
        ]

    def failed_tracks(self, source_id: str, ref: AudioRef) -> list[Failure]:
        """Failures of those tracks of an input that have no recording."""
        ref = _as_it_was(ref, self._recordings.get(source_id, []))
        ids = {row["recording_id"] for row in self._recordings.get(source_id, [])}
        return [
            _failure(row, ref)
            for recording_id, rows in self._failures.items()
            if recording_id is not None and recording_id not in ids
            for row in rows
            if row["source_id"] == source_id
        ]

    def contents(self, source_id: str) -> frozenset[str]:
        """sha256 of the bytes of an input, one for each content it was recorded with."""
        return frozenset(row["content_sha256"] for row in self._recordings.get(source_id, []))

    def _without_audio(self, row: Row) -> Row:
        """Move stored audio into the temporary file: that of a long day does not fit in memory."""
        audio = row.pop("audio", None)
        if audio is not None:
            row["stored_audio"] = append_bytes(self._scratch_file, audio["bytes"])
        return row

    def _recording(self, row: Row, ref: AudioRef) -> StoredRecording:
        """One recording from its row, the rows of its segments and those of its failures."""
        failures = self._failures.get(row["recording_id"], [])
        # A recording that could not be scored is scored again.
        truncation = next((each for each in failures if each["stage"] == "decode"), None)
        rate_hz = row["sample_rate_hz"]
        source = Channel(
            ref=ref,
            recording_id=row["recording_id"],
            channel=row["channel"],
            track=row.get("track"),
            content_sha256=row["content_sha256"],
            format=AudioFormat(
                codec=row["codec"],
                container=row["container"],
                sample_rate_hz=rate_hz,
                channels=row["channels"],
                header_seconds=row["header_seconds"],
            ),
        )
        end = RecordingEnd(
            source,
            decoded_samples=round(row["decoded_seconds"] * rate_hz),
            speech_samples=round(row["speech_seconds"] * rate_hz),
            truncation=_failure(truncation, ref) if truncation else None,
            concealed_seconds=row["concealed_seconds"] or 0.0,
            reasons=tuple(
                each for each in row["reasons"] if is_stream_reason(each) or each in MIX_REASONS
            ),
            audio_sha256=row["audio_sha256"],
        )
        segments = self._segments.get(row["recording_id"], [])
        opinions = {
            each["segment_id"]: _failure(each, ref)
            for each in failures
            if each["unit"] == "opinion"
        }
        recognised = [_outcome(each, source, opinions.get(each["segment_id"])) for each in segments]
        failed = [_failed(each, source) for each in failures if each["unit"] == "segment"]
        ordered = sorted(recognised + failed, key=lambda each: each.segment.core_start_sample)
        return StoredRecording(end, tuple(ordered))


def _as_it_was(ref: AudioRef, rows: Sequence[Row]) -> AudioRef:
    """The reference to an input that is gone, with what its rows say of the object it was."""
    if not ref.rows_of or not rows:
        return ref
    updated = rows[0]["source_updated"]
    return replace(
        ref,
        size_bytes=rows[0]["source_size_bytes"],
        updated=updated,
        event_time=ref.event_time or updated,
    )


def _place(row: Row) -> tuple[int, int]:
    """Orders the recordings of an input; outputs of schema 2.0 have no column for tracks."""
    return row.get("track") or 0, row["channel"] or 0


def _outcome(row: Row, source: Channel, failed_opinion: Failure | None) -> Outcome:
    """A recognised segment, without its samples."""
    rate_hz = source.format.sample_rate_hz
    segment = Segment(
        recording_id=source.recording_id,
        segment_id=row["segment_id"],
        segment_index=row["segment_index"],
        channel=source.channel,
        sample_rate_hz=rate_hz,
        start_sample=round(row["start_seconds"] * rate_hz),
        end_sample=round(row["end_seconds"] * rate_hz),
        core_start_sample=round(row["core_start_seconds"] * rate_hz),
        core_end_sample=round(row["core_end_seconds"] * rate_hz),
        speech=tuple(
            (round(each["start_seconds"] * rate_hz), round(each["end_seconds"] * rate_hz))
            for each in row["speech"]
        ),
        samples=_NO_SAMPLES,
    )
    transcript = Transcript(
        text=row["text"],
        language=row["heard_language"],
        language_probability=row["language_probability"],
        avg_logprob=row["avg_logprob"],
        no_speech_prob=row["no_speech_prob"],
        words=None if row["words"] is None else tuple(Word(**each) for each in row["words"]),
    )
    audio = row.get("stored_audio")
    return Outcome(
        segment, Recognised(transcript, _quality(row), audio, _second(row, failed_opinion))
    )


def _second(row: Row, failure: Failure | None) -> Opinion | None:
    """What a second model heard; rows of schemas before 2.2 have no columns for it."""
    if row.get("second_model_id") is None:
        return None
    heard = None
    if row["second_text"] is not None:
        heard = Transcript(
            text=row["second_text"],
            language=row["second_language"],
            language_probability=row["second_language_probability"],
            avg_logprob=row["second_avg_logprob"],
            no_speech_prob=row["second_no_speech_prob"],
        )
    return Opinion(row["second_model_id"], row["second_model_sha256"], heard, failure)


def _failed(row: Row, source: Channel) -> Outcome:
    """A segment that failed: only its core is stored, and nothing more is needed."""
    rate_hz = source.format.sample_rate_hz
    start, end = (round(row[f"{edge}_seconds"] * rate_hz) for edge in ("start", "end"))
    segment = Segment(
        recording_id=source.recording_id,
        segment_id=row["segment_id"],
        segment_index=-1,
        channel=source.channel,
        sample_rate_hz=rate_hz,
        start_sample=start,
        end_sample=end,
        core_start_sample=start,
        core_end_sample=end,
        speech=(),
        samples=_NO_SAMPLES,
    )
    return Outcome(segment, _failure(row, source.ref))


def _failure(row: Row, ref: AudioRef) -> Failure:
    stored = {field.name: row[field.name] for field in fields(Failure) if field.name in row}
    return Failure(**stored | {"source_id": ref.source_id, "event_time": ref.event_time})


def _quality(row: Row) -> Quality:
    # Outputs of schema 2.1 and before have no fingerprints and no DNSMOS, of 2.4 no events.
    stored: Row = {field.name: row.get(field.name) for field in fields(Quality)}
    heard = {"audio_events": events_of(stored["audio_events"]), "voices": stored_voices(row)}
    return Quality(**stored | heard)
