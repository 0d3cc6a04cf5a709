"""NeMo's manifests and tar files, by the rules of its loaders."""

from __future__ import annotations

import io
import json
import re
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from support.export_items import WORDS, item, noise, written

from beam_audio.export.formats.nemo import MANIFEST, NemoShard, NemoTarredShard

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = [
    item(words=WORDS, speaker="anna", columns={"wer": 0.5}),
    item("größer\u2028als", start=3.0, seconds=1.5, language="de"),
]


def test_a_line_names_a_clip_by_a_path_from_its_manifest(tmp_path: Path) -> None:
    names, lines = written(tmp_path, NemoShard, ITEMS)
    found = [json.loads(line) for line in lines[MANIFEST]]
    assert all("\n" not in line for line in lines[MANIFEST])
    for each, line in zip(ITEMS, found, strict=True):
        samples, rate_hz = soundfile.read(tmp_path / "data" / line["audio_filepath"])
        assert np.array_equal(samples, noise(each))
        assert (line["text"], line["lang"], line["duration"], line["sampling_rate"]) == (
            each.text,
            each.language,
            each.duration_seconds,
            rate_hz,
        )
    assert (found[0]["speaker"], found[0]["wer"], found[0]["id"]) == ("anna", 0.5, ITEMS[0].item_id)
    assert found[0]["words"][0]["start_seconds"] == 0.0
    assert {path.suffix for path in names.values()} == {".flac"}


def test_tar_and_manifest_share_a_number_and_their_order(tmp_path: Path) -> None:
    names, _ = written(tmp_path, NemoTarredShard, ITEMS)
    paths = {path.suffix: path for path in names.values()}
    numbers = [
        re.search(pattern, str(path))
        for pattern, path in (
            (r"audio[^/]*_(\d+)[^/]*\.tar", paths[".tar"]),
            (r"manifest[^/]*_(\d+)[^/]*\.json", paths[".json"]),
        )
    ]
    assert len({number[1] for number in numbers if number}) == 1
    lines = [json.loads(line) for line in paths[".json"].read_text("utf-8").split("\n") if line]
    with tarfile.open(paths[".tar"]) as tar:
        assert tar.getnames() == [line["audio_filepath"] for line in lines]
        for each, line in zip(ITEMS, lines, strict=True):
            member = tar.extractfile(line["audio_filepath"])
            assert member is not None
            assert np.array_equal(soundfile.read(io.BytesIO(member.read()))[0], noise(each))
            assert line["shard_id"] == int(numbers[0][1])  # type: ignore[index] # it was found
