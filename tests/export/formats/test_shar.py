"""Lhotse Shar's two files, in the shape that its reader pairs."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from support.export_items import WORDS, item, noise, written

from beam_audio.export.formats.shar import SharShard

if TYPE_CHECKING:
    from pathlib import Path


def test_each_cut_has_its_audio_and_then_its_recording(tmp_path: Path) -> None:
    items = [item(words=WORDS, speaker="anna"), item("b", start=4.0, columns={"wer": 0.5})]
    names, _ = written(tmp_path, SharShard, items)
    paths = {path.name.partition(".")[0]: path for path in names.values()}
    cuts = [json.loads(line) for line in gzip.decompress(paths["cuts"].read_bytes()).splitlines()]
    with tarfile.open(paths["recording"]) as tar:
        members = [(each.name, tar.extractfile(each)) for each in tar]
        contents = [(name, file.read()) for name, file in members if file]
    for each, cut, audio, manifest in zip(items, cuts, contents[::2], contents[1::2], strict=True):
        assert (audio[0], manifest[0]) == (f"{each.item_id}.flac", f"{each.item_id}.json")
        assert np.array_equal(soundfile.read(io.BytesIO(audio[1]))[0], noise(each))
        assert json.loads(manifest[1]) == cut["recording"]
        assert cut["recording"]["num_samples"] == len(noise(each))
        assert cut["supervisions"][0]["text"] == each.text
    (supervision,) = cuts[0]["supervisions"]
    assert supervision["alignment"]["word"][1] == [" it", 0.5, 0.25, None]
    assert cuts[1]["custom"]["wer"] == 0.5


def test_the_same_items_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (
        {
            name: path.read_bytes()
            for name, path in written(tmp_path / each, SharShard, [item()])[0].items()
        }
        for each in ("one", "two")
    )
    assert first == second
