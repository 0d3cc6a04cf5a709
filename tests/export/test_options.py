"""Splits, buckets, and options that make no sense."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from beam_audio.errors import ConfigError
from beam_audio.export.options import ExportOptions

SPLITS = (("train", 0.8), ("dev", 0.1), ("test", 0.1))


def test_splits_have_their_shares_and_never_change() -> None:
    options = ExportOptions("nemo", splits=SPLITS)
    folders = [options.folder(f"speaker {number}", 1.0) for number in range(5_000)]
    counts = Counter(folders)
    assert counts["train"] / 5_000 == pytest.approx(0.8, abs=0.02)
    assert counts["dev"] / 5_000 == pytest.approx(0.1, abs=0.02)
    assert folders[:8] == ["train", "train", "dev", "train", "train", "train", "test", "train"]


def test_shares_need_not_add_up_to_one() -> None:
    options = ExportOptions("nemo", splits=(("a", 98), ("b", 2)))
    same = ExportOptions("nemo", splits=(("a", 0.98), ("b", 0.02)))
    values = [str(number) for number in range(200)]
    assert [options.folder(each, 1.0) for each in values] == [
        same.folder(each, 1.0) for each in values
    ]


def test_a_bucket_holds_what_lasts_up_to_its_border() -> None:
    options = ExportOptions("nemo", buckets=(5.0, 10.0))
    found = [options.folder("x", seconds) for seconds in (0.1, 5.0, 5.001, 10.0, 30.0)]
    assert [each.removeprefix("data/bucket") for each in found] == ["1", "1", "2", "2", "3"]
    assert ExportOptions("nemo").folder("x", 1.0) == "data"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"columns": ("wer", "text")}, "--columns=text: the export has something else"),
        ({"splits": (("a", 1.0), ("a", 1.0))}, "twice"),
        ({"splits": (("a/b", 1.0),)}, "letters"),
        ({"splits": (("a", 0.0),)}, "above 0"),
        ({"splits": (("a", float("nan")),)}, "above 0"),
        ({"pack_seconds": (5.0, 4.0)}, "MIN <= MAX"),
        ({"pack_seconds": (0.0, 4.0)}, "0 < MIN"),
        ({"buckets": (5.0, 5.0)}, "rising"),
        ({"buckets": (-1.0, 5.0)}, "rising"),
        ({"shard_seconds": 0.0}, "above 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        ExportOptions("nemo", **given)


def test_other_options_have_another_id() -> None:
    ids = {
        ExportOptions("nemo").options_id,
        ExportOptions("kaldi").options_id,
        ExportOptions("nemo", columns=("wer",)).options_id,
        ExportOptions("nemo", pack_seconds=(5.0, 20.0)).options_id,
    }
    assert len(ids) == 4
    assert ExportOptions("nemo").options_id in ids
