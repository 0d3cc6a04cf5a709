"""What a topic got, what is noted for it, and what the part files say it should be."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from support.unit_runs import read

from beam_audio.store.output_names import OUTBOX
from beam_audio.stream.subscription import Subscription

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from support.pubsub_emulator import Channel

    from beam_audio.schema import Table
    from beam_audio.types import Row


def as_json(row: Row) -> dict[str, Any]:
    """A row of a part file as the JSON of a message."""
    content = dict(row) | {"metadata": json.loads(row["metadata"])}
    content.pop("audio", None)
    content.pop("fingerprint", None)
    for name in ("event_date", "event_time", "source_updated"):
        if row.get(name) is not None:
            content[name] = row[name].isoformat().replace("+00:00", "Z")
    return content


def expected(out: Path, table: Table) -> list[dict[str, Any]]:
    return in_order(as_json(row) for row in read(out, table))


def in_order(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row.get("segment_id", row["recording_id"])))


def received(channel: Channel) -> list[tuple[bytes, dict[str, str]]]:
    found = []
    with Subscription(channel.subscription) as subscription:
        while held := subscription.collect(2.0, threading.Event()):
            found += [(each.message.data, dict(each.message.attributes)) for each in held]
            subscription.acknowledge(held)
    return sorted(found, key=repr)


def notes(out: Path) -> list[str]:
    return sorted(path.name for path in (out / OUTBOX).iterdir())
