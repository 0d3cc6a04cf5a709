"""Documents of recordings, twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
from support.export_items import item

from beam_audio.export.formats.documents import write_documents
from beam_audio.export.shard_files import ShardFiles

if TYPE_CHECKING:
    from pathlib import Path


def test_a_document_is_what_was_said_in_a_recording(tmp_path: Path) -> None:
    other = "0" * 32
    items = [
        item("one", columns={"room": "R1"}),
        item("two", start=3.0, seconds=2.0),
        item("雨が", language="ja", recording_id=other, licence="CC0"),
        item("止んだ", start=4.0, language="ja", recording_id=other),
    ]
    with ShardFiles(str(tmp_path), "data") as files:
        write_documents(items, files)
        names = files.finish()
    paths = {name.rpartition(".")[2]: tmp_path / name for name in names}
    found = [json.loads(line) for line in paths["jsonl"].read_text("utf-8").splitlines()]
    assert [(each["id"], each["text"]) for each in found] == [
        (items[0].recording_id, "one two"),
        (other, "雨が止んだ"),
    ]
    assert found[0]["source"] == items[0].uri
    assert found[0]["metadata"] == {"language": "en", "seconds": 3.0, "segments": 2, "room": "R1"}
    assert found[1]["metadata"]["licence"] == "CC0"
    rows = pq.read_table(paths["parquet"]).to_pylist()
    assert [row | {"metadata": json.loads(row["metadata"])} for row in rows] == found
