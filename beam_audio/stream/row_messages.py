"""Messages for a topic: rows of the output and alerts, each as one JSON object."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from beam_audio import schema
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beam_audio.schema import Table
    from beam_audio.types import Row

ID_COLUMNS: Final[dict[Table, str]] = {"segments": "segment_id", "recordings": "recording_id"}
"""The tables whose rows are published, and the column that identifies a row."""
ALERTS: Final = "alerts"
_BYTES: Final = frozenset({schema.AUDIO, schema.FINGERPRINT})
MAX_DATA_BYTES: Final = 9_000_000
"""Pub/Sub accepts 10 MB, including the attributes and the request around them."""


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """A message to publish."""

    data: bytes
    attributes: dict[str, str]


def row_message(table: Table, row: Row, version: int) -> TopicMessage:
    """The message of a row of ``segments`` or ``recordings``.

    Members are named as the columns; a column that the row's file lacks is null. Metadata is an
    object, stored audio and fingerprints are left out. If a row is too long for a message, its
    longest columns are left out, and ``omitted`` names them.

    Args:
        table: The table.
        row: The row, with the keys of its folder.
        version: Version of the unit's commit record.
    """
    names = dict.fromkeys([*schema.file_schema(table).names, *row])
    content = {name: _plain(row.get(name)) for name in names if name not in _BYTES}
    content["metadata"] = json.loads(row["metadata"])
    data = _fitting(content)
    return TopicMessage(
        data,
        {
            **_identity(table, row[ID_COLUMNS[table]], data),
            "recording_id": row["recording_id"],
            "source_id": row["source_id"],
            "config_id": row["config_id"],
            "version": str(version),
        },
    )


def alert_message(alert: Mapping[str, object]) -> TopicMessage:
    """The message of an alert; its values are text, numbers, times, lists or mappings."""
    data = _fitting({name: _plain(value) for name, value in alert.items()})
    return TopicMessage(data, _identity(ALERTS, stable_id(ALERTS, data.decode()), data))


def _identity(table: str, identifier: str, data: bytes) -> dict[str, str]:
    return {
        "table": table,
        "id": identifier,
        # Equal if the same message is published again, different if the row has changed.
        "content_id": stable_id("message", table, data.decode()),
        "schema_version": schema.SCHEMA_VERSION,
    }


def _plain(value: object) -> object:
    """A value that JSON can hold; NaN and infinity become null."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
    return value


def _fitting(content: Mapping[str, object]) -> bytes:
    """JSON; if it is too long, without the longest members."""
    data = _json(content)
    left, omitted = dict(content), list[str]()
    while len(data) > MAX_DATA_BYTES:
        longest = max(left, key=lambda name: len(_json(left[name])))
        omitted.append(longest)
        del left[longest]
        data = _json({**left, "omitted": sorted(omitted)})
    return data


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()
