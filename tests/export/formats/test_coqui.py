"""Coqui's table."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from support.export_items import item, noise, written

from beam_audio.export.formats.coqui import HEADER, TABLE, CoquiShard

if TYPE_CHECKING:
    from pathlib import Path


def test_a_line_names_a_wav_file_its_size_and_its_text(tmp_path: Path) -> None:
    items = [item('she said "so", and went'), item("b", start=4.0)]
    _, lines = written(tmp_path, CoquiShard, items, "wav")
    for each, row in zip(items, csv.DictReader([HEADER, *lines[TABLE]]), strict=True):
        path = tmp_path / "data" / row["wav_filename"]
        assert np.array_equal(soundfile.read(path)[0], noise(each))
        assert int(row["wav_filesize"]) == path.stat().st_size
        assert row["transcript"] == each.text
