"""The rows of an output that an export asks for, and why the others are left out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from beam_audio import store
from beam_audio.output.commits import counted_sources, read_commits, units_by_file
from beam_audio.output.condition import ids_where
from beam_audio.output.parts import folder_keys, opened_part, rows_of
from beam_audio.schema import AUDIO, FINGERPRINT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from beam_audio.export.options import ExportOptions
    from beam_audio.output.commits import Commit
    from beam_audio.types import Row

_REDACTED: Final = "text_redacted"
_COLUMNS: Final = (
    *("segment_id", "recording_id", "segment_index", "start_seconds", "end_seconds"),
    *("core_start_seconds", "core_end_seconds", "text", "text_language", "words", "metadata"),
    *("decision", _REDACTED, "redactions", "corpus_speaker"),
    *("speaker_label", "speaker_turns"),
)
_RECORDING_COLUMNS: Final = (
    *("recording_id", "uri", "channel", "track", "content_sha256", "source_size_bytes"),
    *("offset_seconds", "sample_rate_hz", "decoded_seconds"),
    *("keep_samples", "review_samples", "drop_samples", "failed_samples", "skipped_samples"),
)
NOT_ASKED_FOR: Final = "not in --where"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The rows of a group of units.

    Attributes:
        recordings: Rows of recordings by id.
        segments: Rows of all their segments by recording, in order of time.
        left_out: Why a segment is not asked for, by id.
    """

    recordings: Mapping[str, Row]
    segments: Mapping[str, list[Row]]
    left_out: Mapping[str, str]


def choose(root: str, commits: Sequence[Commit], options: ExportOptions) -> Chosen:
    """Read the rows of some units, without their audio.

    Raises:
        ConfigError: The condition is no SQL, or the extra that it needs is not installed.
        InputError: A part file is missing.
        StoreError: A part file is damaged.
    """
    recordings = {
        row["recording_id"]: row
        for _, batch in _batches(root, commits, "recordings", _RECORDING_COLUMNS)
        for row in batch.to_pylist()
    }
    wanted = None
    if options.where is None:
        wanted = {*_COLUMNS, *options.columns, options.text_column, options.split_by}
    segments: defaultdict[str, list[Row]] = defaultdict(list)
    left_out: dict[str, str] = {}
    for name, batch in _batches(root, commits, "segments", wanted):
        keys = folder_keys(name)
        rows = [keys | row for row in batch.to_pylist()]
        left_out |= _left_out(batch, keys, rows, options)
        for row in rows:
            segments[row["recording_id"]].append(row)
    for each in segments.values():
        each.sort(key=lambda row: (row["start_seconds"], row["segment_index"]))
    return Chosen(recordings, segments, left_out)


def check_where(root: str, where: str) -> None:
    """Try a condition on the columns of an output.

    Raises:
        ConfigError: It is no SQL, names a column that there is not, or DuckDB is not installed.
    """
    files = (name for commit in read_commits(root) for name in commit.files_of("segments"))
    name = next(files, None)
    if name is not None:
        with opened_part(store.join(root, name)) as file:
            columns = file.schema_arrow
        ids_where(columns.empty_table(), folder_keys(name), where)


def is_redacted(root: str) -> bool:
    """Whether personal data is redacted in any segment; only the ends of part files are read."""
    names = {name for commit in read_commits(root) for name in commit.files_of("segments")}
    return any(_has_redacted(store.join(root, name)) for name in sorted(names))


def _has_redacted(uri: str) -> bool:
    with opened_part(uri) as file:
        groups = [file.metadata.row_group(each) for each in range(file.num_row_groups)]
        # file.schema would tell, too, but then only the garbage collector frees the file's end.
        places = range(file.metadata.num_columns if groups else 0)
        columns = [each for each in places if groups[0].column(each).path_in_schema == _REDACTED]
        return any(
            group.column(column).statistics.null_count < group.num_rows
            for column in columns
            for group in groups
        )


def _batches(
    root: str, commits: Sequence[Commit], table: str, columns: Collection[str] | None
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Rows of these units, with the name of their file and those columns that it has."""
    files = units_by_file(commits)
    for name in sorted(each for each in files if each.startswith(f"{table}/")):
        with opened_part(store.join(root, name)) as file:
            held = file.schema_arrow.names
        read = [each for each in held if each not in {AUDIO, FINGERPRINT}]
        if columns is not None:
            read = [each for each in read if each in columns]
        for batch in rows_of(root, name, counted_sources(files[name]), read):
            yield name, batch


def _left_out(
    batch: pa.RecordBatch, keys: Mapping[str, str | None], rows: list[Row], options: ExportOptions
) -> dict[str, str]:
    """Why segments of a batch are not asked for, by id."""
    if options.where is None:
        return {
            row["segment_id"]: f"decision {row['decision']}"
            for row in rows
            if row["decision"] != options.decision
        }
    found = ids_where(pa.Table.from_batches([batch]), keys, options.where)
    return {row["segment_id"]: NOT_ASKED_FOR for row in rows if row["segment_id"] not in found}
