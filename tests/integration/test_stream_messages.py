"""Messages of all forms over a minute, some twice, late or broken: the rows of a batch."""

from __future__ import annotations

import json
import random
import struct
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import soundfile
from support.bucket_servers import google_bucket, put
from support.pubsub_emulator import new_channel, publish_over, pubsub_emulator
from support.run_outputs import all_rows, run, write_manifest
from support.stream_processes import closed_messages, start_stream

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from beam_audio.types import Row

pytestmark = [pytest.mark.integration, pytest.mark.shared]

SECONDS = 60
LIMIT_SECONDS = 240
MESSAGES, DUPLICATED, LATE, MALFORMED = 200, 20, 10, 10
BROKEN_TWICE, IN_OTHER_FORM = 2, 4
"""Of the duplicates: broken ones, and JSON that names an object which is notified of too."""
TIME_ATTRIBUTE = "recorded"
FIRST_DAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATE_BY = timedelta(days=9)
WITHOUT_SOURCE = {"source_id", "source_updated"}
"""Columns that name the version of a source: bytes in a message are another one than a file."""


@dataclass(frozen=True)
class Sent:
    """A message, and the name of its row; the message's own id if it gets none."""

    data: bytes
    attributes: dict[str, str]
    uri: str | None

    @property
    def is_inline(self) -> bool:
        return "content_type" in self.attributes


@pytest.fixture
def bucket() -> Iterator[str]:
    """Address of a bucket; Pub/Sub's emulator runs too."""
    with (
        pubsub_emulator() as host,
        google_bucket() as address,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield address


def test_two_hundred_messages_of_all_forms_over_a_minute(
    bucket: str, shared_data: Path, manifest_lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    choose = random.Random(3)
    speech = [line for line in manifest_lines if line["kind"] == "speech" and line["decode_ok"]]
    clips = choose.sample(speech, MESSAGES - DUPLICATED - MALFORMED)
    lines, good = [], []
    for index, clip in enumerate(clips):
        late = LATE_BY if index < LATE else timedelta(0)
        at = FIRST_DAY - late + timedelta(hours=choose.uniform(0, 24))
        path, form = shared_data / clip["audio_filepath"], FORMS[index % len(FORMS)]
        line, message = form(bucket, path, tmp_path, clip)
        lines.append({**line, "event_time": at.isoformat()})
        good.append(timed(message, at))
    batch, out = tmp_path / "batch", tmp_path / "out"
    assert run(manifest=write_manifest(tmp_path / "m.jsonl", lines), output=batch).exit_status == 0

    late_ones, timely = good[:LATE], good[LATE:]
    broken = malformed(bucket, tmp_path)
    notified = [each for each in timely if "eventType" in each.attributes]
    again = choose.sample(timely, DUPLICATED - BROKEN_TWICE - IN_OTHER_FORM)
    again += [as_json(each) for each in choose.sample(notified, IN_OTHER_FORM)]
    sent = [*timely, *again, *broken, *broken[:BROKEN_TWICE]]
    choose.shuffle(sent)
    sent += late_ones
    assert len(sent) == MESSAGES

    ids = streamed(sent, out)
    rows, wanted = all_rows(out), all_rows(batch)
    inline = {each.uri for each in good if each.is_inline}
    for table in ("segments", "recordings"):
        assert comparable(rows[table], inline) == comparable(wanted[table], inline)
    uris = [row["uri"] for row in rows["recordings"]]
    assert sorted(uris) == sorted(str(each.uri) for each in good)
    assert_failed_once(rows["failures"], broken, list(zip(sent, ids, strict=True)))


def streamed(sent: Sequence[Sent], out: Path) -> list[str]:
    """Read the messages while they are published; their ids."""
    channel = new_channel()
    flags = ("--max_wait_seconds=2", f"--event_time_attribute={TIME_ATTRIBUTE}")
    stream = start_stream(channel, out, *flags)
    ids: list[str] = []
    messages = [(each.data, each.attributes) for each in sent]
    publisher = threading.Thread(
        target=lambda: ids.extend(publish_over(channel.topic, messages, SECONDS))
    )
    publisher.start()
    try:
        stream.wait_until(lambda: closed_messages(out) >= len(sent), LIMIT_SECONDS)
    finally:
        publisher.join()
    assert stream.stop() == 0
    return ids


def comparable(rows: list[Row], inline: Collection[str | None]) -> list[Row]:
    return [
        {name: row[name] for name in row.keys() - WITHOUT_SOURCE} if row["uri"] in inline else row
        for row in rows
    ]


def assert_failed_once(
    failures: list[Row], broken: list[Sent], sent: list[tuple[Sent, str]]
) -> None:
    """Each broken message is one row, whichever of its copies came first; there are no others."""
    named = [row["uri"] for row in failures]
    for each in broken:
        ids = [f"pubsub:{identifier}" for message, identifier in sent if message is each]
        names = [each.uri] if each.uri else ids
        assert sum(name in names for name in named) == 1, each
    assert len(named) == len(broken) == MALFORMED


Told = tuple[dict[str, Any], Sent]


def named_in_json(_: str, path: Path, __: Path, clip: dict[str, Any]) -> Told:
    line = {"audio_filepath": str(path), **stated(clip)}
    return line, Sent(json.dumps(line).encode(), {}, str(path))


def announced_by_the_bucket(bucket: str, path: Path, _: Path, clip: dict[str, Any]) -> Told:
    uri = f"{bucket}/calls/{clip['audio_filepath']}"
    put(uri, path.read_bytes())
    return {"audio_filepath": uri}, notification(uri, path.stat().st_size)


def sent_inline(_: str, path: Path, folder: Path, clip: dict[str, Any]) -> Told:
    """A file as it is; 16-bit telephone samples without their header, as L16."""
    data, kind = path.read_bytes(), f"audio/{path.suffix[1:]}"
    if clip["audio_filepath"].startswith("fsdd_8k/"):
        samples, rate_hz = soundfile.read(path, dtype="int16")
        data, kind = samples.astype(">i2").tobytes(), f"audio/L16;rate={rate_hz}"
        # The file that a batch needs for the same: samples of unknown number after Sun's header.
        path = folder / f"{path.stem}.au"
        path.write_bytes(struct.pack(">4s5I", b".snd", 24, 0xFFFFFFFF, 3, rate_hz, 1) + data)
    attributes = {**stated(clip), "content_type": kind, "uri": str(path)}
    return {"audio_filepath": str(path), **stated(clip)}, Sent(data, attributes, str(path))


def stated(clip: dict[str, Any]) -> dict[str, str]:
    return {name: clip[name] for name in clip.keys() & {"text", "lang", "speaker"}}


FORMS = (named_in_json, announced_by_the_bucket, sent_inline)


def timed(message: Sent, at: datetime) -> Sent:
    attributes = {**message.attributes, TIME_ATTRIBUTE: at.isoformat()}
    return Sent(message.data, attributes, message.uri)


def as_json(message: Sent) -> Sent:
    """The JSON message for the object of a notification."""
    line = json.dumps({"audio_filepath": message.uri})
    return Sent(line.encode(), {TIME_ATTRIBUTE: message.attributes[TIME_ATTRIBUTE]}, message.uri)


def notification(uri: str, size_bytes: int) -> Sent:
    """As Cloud Storage sends it."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    generation = "1772366400000001"
    resource = {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/{generation}",
        "bucket": bucket,
        "name": name,
        "generation": generation,
        "size": str(size_bytes),
        "timeCreated": "2026-03-01T12:00:00.000Z",
        "updated": "2026-03-01T12:00:00.000Z",
    }
    attributes = {
        "notificationConfig": f"projects/_/buckets/{bucket}/notificationConfigs/1",
        "eventType": "OBJECT_FINALIZE",
        "payloadFormat": "JSON_API_V1",
        "bucketId": bucket,
        "objectId": name,
        "objectGeneration": generation,
        "eventTime": "2026-03-01T12:00:00.000000Z",
    }
    return Sent(json.dumps(resource).encode(), attributes, uri)


def malformed(bucket: str, folder: Path) -> list[Sent]:
    """Messages without audio: unreadable ones, and ones that name unreadable files."""
    garbage = {"content_type": "audio/wav", "uri": "garbage"}
    missing = f"{folder}/none.wav"
    return [
        Sent(b'{"audio_filepath": ', {}, None),
        Sent(b"\xff\xfe\x00", {}, None),
        Sent(b'["a.wav"]', {}, None),
        Sent(b'{"text": "where?"}', {}, None),
        Sent(b'{"audio_filepath": "relative.wav"}', {}, None),
        Sent(b"{}", {"eventType": "OBJECT_FINALIZE", "bucketId": "bucket"}, None),
        Sent(b"\0\0", {"content_type": "audio/L16", "rate": "fast"}, None),
        Sent(b"no audio at all", garbage, "garbage"),
        Sent(json.dumps({"audio_filepath": missing}).encode(), {}, missing),
        notification(f"{bucket}/calls/none.wav", 9),
    ]
