"""WebDataset's examples: members of one name, one after the other."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from support.export_items import item, noise, written

from beam_audio.export.formats.webdataset import WebDatasetShard

if TYPE_CHECKING:
    from pathlib import Path


def test_members_of_an_example_share_its_id(tmp_path: Path) -> None:
    items = [item(columns={"date": "2026-01-05"}), item("b", start=4.0)]
    ((_, path),) = written(tmp_path, WebDatasetShard, items)[0].items()
    with tarfile.open(path) as tar:
        members = [(each.name, tar.extractfile(each)) for each in tar]
        contents = {name: file.read() for name, file in members if file}
    assert list(contents) == [
        f"{each.item_id}.{suffix}" for each in items for suffix in ("flac", "json", "txt")
    ]
    for each in items:
        samples, _ = soundfile.read(io.BytesIO(contents[f"{each.item_id}.flac"]))
        assert np.array_equal(samples, noise(each))
        facts = json.loads(contents[f"{each.item_id}.json"])
        assert facts["text"] == contents[f"{each.item_id}.txt"].decode() == each.text
        assert facts["duration"] == each.duration_seconds
    assert json.loads(contents[f"{items[0].item_id}.json"])["date"] == "2026-01-05"
