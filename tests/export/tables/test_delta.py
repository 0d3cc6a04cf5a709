"""Delta tables: what their log tells, and where they cannot be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.registered import registration

from beam_audio.errors import ConfigError
from beam_audio.export.tables.delta import DeltaTables
from beam_audio.export.tables.register import register

if TYPE_CHECKING:
    from pathlib import Path


def test_the_log_holds_no_value_but_those_of_partitions(out: Path) -> None:
    register(str(out), registration("delta"))
    text = (out / "segments" / "_delta_log" / f"{1:020}.json").read_text(encoding="utf-8")
    adds = [each["add"] for line in text.splitlines() if "add" in (each := json.loads(line))]
    assert [json.loads(each["stats"]) for each in adds] == [{"numRecords": 1}] * len(adds)
    assert {tuple(sorted(each["partitionValues"].items())) for each in adds} == {
        (("event_date", "2026-01-05"), ("text_language", "en")),
        (("event_date", None), ("text_language", "de")),
    }


def test_a_folder_that_the_library_cannot_open_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="percent sign"):
        DeltaTables(str(tmp_path / "a%20b"))
