"""Pairs on each level, and what is no pair."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.unit_runs import speech

from beam_audio.curate.duplicates.pairs import by_shard, entries_of, find_pairs
from beam_audio.curate.duplicates.places import Item, Level, Place, Source
from beam_audio.quality.fingerprint import fingerprint
from beam_audio.types import stable_id

TEXT = b"when the rain stopped we walked home along the river"


def item(name: str, stored: bytes | None, **facts: Any) -> Item:  # noqa: ANN401  fields of Place
    place = Place(stable_id(name), "segments", Source(stable_id(name), name), "unit")
    return Item(replace(place, **facts), stored or b"")


def names(items: list[Item], level: Level) -> list[set[str]]:
    return [{pair.first.source.uri, pair.second.source.uri} for pair in find_pairs(items, level)]


@pytest.mark.parametrize("level", ["bytes", "samples", "text"])
def test_equal_prints_are_pairs(level: Level) -> None:
    other = b"somebody else says something that is not at all like it"
    items = [item("a", TEXT), item("b", other), item("c", TEXT)]
    assert names(items, level) == [{"a", "c"}]


def test_copies_of_a_sound_are_pairs() -> None:
    backwards = np.ascontiguousarray(speech()[::-1])
    items = [
        item("a", fingerprint(speech())),
        item("b", fingerprint(backwards)),
        item("c", fingerprint(speech()[5_000:] * np.float32(0.25))),
    ]
    assert names(items, "sound") == [{"a", "c"}]


def test_the_same_words_by_another_speaker_are_no_pair() -> None:
    first, second = item("a", TEXT, speaker="1"), item("b", TEXT, speaker="2")
    assert names([first, second], "text") == []
    assert names([first, item("b", TEXT)], "text") == [{"a", "b"}]


def test_rows_of_a_test_set_are_not_compared_with_each_other() -> None:
    items = [item("a", TEXT, unit_id=""), item("b", TEXT, unit_id=""), item("c", TEXT)]
    assert names(items, "text") in (
        [{"a", "c"}, {"b", "c"}],
        [{"b", "c"}, {"a", "c"}],
    )


def test_shares_of_the_work_are_all_of_it() -> None:
    entries = entries_of([item("a", TEXT), item("b", TEXT)], "text")
    shares = list(by_shard(entries, entries["key"] % np.uint64(5)))
    assert [shard for shard, _ in shares] == sorted({int(key) % 5 for key in entries["key"]})
    again = np.concatenate([np.frombuffer(share, entries.dtype) for _, share in shares])
    assert sorted(again.tolist()) == sorted(entries.tolist())
    assert list(by_shard(entries[:0], entries["key"][:0])) == []
