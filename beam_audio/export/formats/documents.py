"""Documents for the curation of texts: one a recording, as JSON lines and as Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from beam_audio.export.formats.shard import as_json, by_recording
from beam_audio.export.shard_files import SHARD
from beam_audio.quality.recording_text import join_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.export.item import ExportItem
    from beam_audio.export.shard_files import ShardFiles
    from beam_audio.types import Row

_COLUMNS: Final = pa.schema([(name, pa.string()) for name in ("id", "text", "source", "metadata")])


def write_documents(items: Sequence[ExportItem], files: ShardFiles) -> None:
    """Write the same documents twice: as JSON lines, with metadata as an object, and as Parquet."""
    documents = [_document(together) for together in by_recording(items)]
    with files.create(f"{SHARD}.jsonl") as file:
        for document in documents:
            file.write(f"{as_json(document)}\n".encode())
    rows = [document | {"metadata": as_json(document["metadata"])} for document in documents]
    with files.create(f"{SHARD}.parquet") as file:
        pq.write_table(pa.Table.from_pylist(rows, schema=_COLUMNS), file, compression="zstd")


def _document(items: Sequence[ExportItem]) -> Row:
    first = items[0]
    told = {
        "language": first.language,
        "speaker": first.speaker,
        "licence": first.licence,
        "channel": first.channel,
        "seconds": round(sum(item.duration_seconds for item in items), 3),
        "segments": len(items),
        **first.columns,
    }
    return {
        "id": first.recording_id,
        "text": join_texts([item.text for item in items], first.language),
        "source": first.uri,
        "metadata": {name: value for name, value in told.items() if value is not None},
    }
