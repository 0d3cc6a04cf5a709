"""Hugging Face: Parquet with an Audio feature, and a dataset card."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from beam_audio.export.formats.shard import as_json, facts_of
from beam_audio.export.options import UNSPLIT
from beam_audio.export.shard_files import SHARD

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beam_audio.export.item import Clip, ExportItem
    from beam_audio.export.shard_files import ShardFiles
    from beam_audio.export.totals import Totals
    from beam_audio.types import Row

CARD: Final = "README.md"

_GROUP_BYTES: Final = 64 << 20
"""Audio in a row group: a reader holds one at a time."""
_GROUP_ROWS: Final = 1_000
_WORDS: Final = pa.list_(
    pa.struct(
        [
            ("word", pa.string()),
            ("start_seconds", pa.float64()),
            ("end_seconds", pa.float64()),
            ("probability", pa.float64()),
        ]
    )
)
_FIELDS: Final = (
    ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    ("text", pa.string()),
    ("duration", pa.float64()),
    ("id", pa.string()),
    ("recording_id", pa.string()),
    ("source", pa.string()),
    ("channel", pa.int64()),
    ("start_seconds", pa.float64()),
    ("end_seconds", pa.float64()),
    ("language", pa.string()),
    ("speaker", pa.string()),
    ("segments", pa.list_(pa.string())),
    ("words", _WORDS),
)
_FEATURES: Final = {"info": {"features": {"audio": {"_type": "Audio"}}}}
_UNSPLIT_NAME: Final = "train"
"""What the library calls the only split."""


class HuggingFaceShard:
    """A Parquet file; further columns are text, JSON where they are more than that."""

    def __init__(self, files: ShardFiles) -> None:
        self._file = files.create(f"{SHARD}.parquet")
        self._rows: list[Row] = []
        self._bytes = 0
        self._writer: pq.ParquetWriter | None = None
        self._schema = pa.schema([])

    def add(self, item: ExportItem, clip: Clip) -> None:
        """Add a row."""
        facts = facts_of(item) | {name: _text(value) for name, value in item.columns.items()}
        audio = {"bytes": clip.encoded, "path": f"{item.item_id}.{clip.suffix}"}
        row = {"audio": audio, "text": item.text, "duration": clip.duration_seconds, **facts}
        if self._writer is None:
            self._schema = _schema(item)
            self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._rows.append(row)
        self._bytes += len(clip.encoded)
        if self._bytes >= _GROUP_BYTES or len(self._rows) >= _GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """End the file."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
        self._file.close()

    def _flush(self) -> None:
        if self._writer is not None and self._rows:
            self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._rows, self._bytes = [], 0


def card(totals: Totals) -> str:
    """The dataset card: which files are which split, hours, languages and licences."""
    about = {
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": _split_name(split), "path": f"{split}/**/*.parquet"}
                    for split in sorted({folder.partition("/")[0] for folder in totals.items})
                ],
            }
        ],
        "language": sorted(each for each in totals.languages if each),
        "task_categories": ["automatic-speech-recognition"],
    }
    # JSON is YAML.
    lines = [f"{name}: {json.dumps(value)}" for name, value in about.items()]
    tables = [
        _table("split", _hours_by_split(totals)),
        _table("language", _hours(totals.languages)),
        _table("licence", _hours(totals.licences)),
    ]
    return "\n".join(["---", *lines, "---", "", "# Dataset", "", "\n\n".join(tables), ""])


def _schema(item: ExportItem) -> pa.Schema:
    further = [(name, pa.string()) for name in item.columns]
    known = {name for name, _ in further}
    fields = [each for each in _FIELDS if each[0] not in known] + further
    return pa.schema(fields, metadata={"huggingface": json.dumps(_FEATURES)})


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else as_json(value)


def _split_name(folder: str) -> str:
    return _UNSPLIT_NAME if folder == UNSPLIT else folder


def _hours_by_split(totals: Totals) -> dict[str, str]:
    found: dict[str, float] = {}
    for folder, seconds in totals.seconds.items():
        split = _split_name(folder.partition("/")[0])
        found[split] = found.get(split, 0.0) + seconds
    return _hours(found)


def _hours(seconds: Mapping[str, float]) -> dict[str, str]:
    return {name or "not stated": f"{each / 3600:.2f}" for name, each in sorted(seconds.items())}


def _table(what: str, hours: Mapping[str, str]) -> str:
    rows = "\n".join(f"| {name} | {each} |" for name, each in hours.items())
    return f"| {what} | hours |\n| --- | --- |\n{rows}"
