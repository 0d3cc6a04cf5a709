"""Outputs of segments in which given texts were said, without any audio."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from beam_audio import schema
from beam_audio.output.commits import Commit, InputState, Written, read_commit, write_commit
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.schema import Table
    from beam_audio.types import Row

SEGMENT_SECONDS = 5.0
_EMPTY: dict[pa.DataType, Any] = {pa.string(): "", pa.int64(): 0, pa.float64(): 0.0}


def say(
    root: Path | str,
    name: str,
    *texts: str,
    offset_seconds: float | None = None,
    **columns: Sequence[object],
) -> str:
    """Commit a unit of one recording, ``NAME.wav``, in which texts were said, five seconds each.

    Called again, the unit has these segments in place of those.

    Args:
        root: The output.
        name: Names the recording.
        texts: What was said.
        offset_seconds: Where in the file the recording begins.
        columns: Further columns of its segments, a value each.

    Returns:
        The id of the recording.
    """
    recording_id, unit_id = stable_id("recording", name), stable_id("unit", name)
    before = read_commit(str(root), unit_id)
    version = before.version + 1 if before else 1
    named = {"recording_id": recording_id, "source_id": recording_id, "uri": f"/calls/{name}.wav"}
    segments = [
        {
            **named,
            "segment_id": stable_id("segment", name, at),
            "segment_index": at,
            "start_seconds": at * SEGMENT_SECONDS,
            "end_seconds": (at + 1) * SEGMENT_SECONDS,
            "text": text,
            "text_language": "en",
            "decision": "keep",
            "metadata": "{}",
            **{column: values[at] for column, values in columns.items()},
        }
        for at, text in enumerate(texts)
    ]
    part = f"date=2026-01-05/part-{unit_id}-{version}-00000000.parquet"
    tables: dict[Table, list[Row]] = {
        "segments": segments,
        "recordings": [
            {
                **named,
                "offset_seconds": offset_seconds,
                "content_sha256": stable_id("content", name),
                "sample_rate_hz": 16_000,
            }
        ],
    }
    for table, rows in tables.items():
        _write(Path(root, table, part), table, rows)
    commit = Commit(
        unit_id,
        sources={recording_id: InputState("recorded", "place", "stated", None, {})},
        layout={},
        files=tuple(f"{table}/{part}" for table in tables),
        rows={table: len(rows) for table, rows in tables.items()},
        run_id=f"run-{version}",
    )
    assert isinstance(write_commit(str(root), replace(commit, version=version)), Written)
    return recording_id


def words(*timed: tuple[str, float]) -> list[Row]:
    """Words with the seconds in the recording at which they begin."""
    return [
        {"word": word, "start_seconds": start, "end_seconds": start + 0.2, "probability": 0.9}
        for word, start in timed
    ]


def _write(path: Path, table: Table, rows: list[Row]) -> None:
    columns = schema.file_schema(table, without=("date",))
    required = {field.name: _EMPTY.get(field.type, []) for field in columns if not field.nullable}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([required | row for row in rows], schema=columns), path)
