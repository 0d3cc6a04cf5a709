"""Parquet with an Audio feature, and the dataset card."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import soundfile
import yaml
from support.export_items import WORDS, item, noise, written

from beam_audio.export.formats.huggingface import HuggingFaceShard, card
from beam_audio.export.totals import Totals

if TYPE_CHECKING:
    from pathlib import Path


def test_rows_hold_audio_text_and_columns(tmp_path: Path) -> None:
    items = [
        item(words=WORDS, columns={"wer": 0.5, "reasons": ["a", "b"]}),
        item("b", start=4.0, columns={"wer": None, "reasons": []}),
    ]
    ((_, path),) = written(tmp_path, HuggingFaceShard, items)[0].items()
    table = pq.read_table(path)
    features = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    assert features == {"audio": {"_type": "Audio"}}
    rows = table.to_pylist()
    for each, row in zip(items, rows, strict=True):
        samples, _ = soundfile.read(io.BytesIO(row["audio"]["bytes"]))
        assert np.array_equal(samples, noise(each))
        assert row["audio"]["path"] == f"{each.item_id}.flac"
        assert (row["text"], row["duration"]) == (each.text, each.duration_seconds)
    assert (rows[0]["wer"], rows[0]["reasons"]) == ("0.5", '["a", "b"]')
    assert rows[1]["wer"] is None
    assert [word["word"] for word in rows[0]["words"]] == [" so", " it"]


def test_the_card_says_which_files_are_which_split_and_gives_hours() -> None:
    totals = Totals(
        items={"train/bucket1": 1, "train/bucket2": 1, "test": 1},
        seconds={"train/bucket1": 3600.0, "train/bucket2": 1800.0, "test": 36.0},
        languages={"en": 5400.0, "": 36.0},
        licences={"CC0 | public": 36.0, "": 5400.0},
    )
    text = card(totals)
    about = yaml.safe_load(text.split("---")[1])
    assert about["configs"][0]["data_files"] == [
        {"split": "test", "path": "test/**/*.parquet"},
        {"split": "train", "path": "train/**/*.parquet"},
    ]
    assert about["language"] == ["en"]
    for row in ("| train | 1.50 |", "| test | 0.01 |", "| en | 1.50 |", "| not stated | 1.50 |"):
        assert row in text


def test_without_splits_there_is_one_split_to_train_on() -> None:
    about = yaml.safe_load(card(Totals(items={"data": 1}, seconds={"data": 1.0})).split("---")[1])
    assert about["configs"][0]["data_files"] == [{"split": "train", "path": "data/**/*.parquet"}]
