"""Kaldi's data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import soundfile
from support.export_items import item, noise, written

from beam_audio.export.formats.kaldi import LISTS, KaldiShard, speakers

if TYPE_CHECKING:
    from pathlib import Path


def test_each_list_has_a_line_for_each_utterance(tmp_path: Path) -> None:
    items = [item(speaker="Anna B."), item("b c", start=4.0, language=None)]
    _, lines = written(tmp_path, KaldiShard, items, "wav")
    tables = {name: dict(line.split(" ", 1) for line in lines[name]) for name in LISTS}
    assert {frozenset(table) for table in tables.values()} == {frozenset(tables["text"])}
    ids = [f"Anna_B.-{items[0].item_id}", f"{items[1].recording_id}-{items[1].item_id}"]
    for utterance, each in zip(ids, items, strict=True):
        assert tables["text"][utterance] == each.text
        samples, _ = soundfile.read(tables["wav.scp"][utterance])
        assert np.array_equal(samples, noise(each))
        assert float(tables["utt2dur"][utterance]) == each.duration_seconds
    assert tables["utt2spk"][ids[0]] == "Anna_B."
    assert tables["utt2lang"] == {ids[0]: "en", ids[1]: "und"}


def test_sorting_by_utterance_sorts_by_speaker() -> None:
    names = ["a", "a0", "a.b", "A", "ab", "a_b"]
    lines = sorted(f"{name}-{number} {name}" for name in names for number in ("1", "f"))
    found = list(speakers(lines))
    assert found == sorted(found)
    assert found == [f"{name} {name}-1 {name}-f" for name in sorted(names)]
