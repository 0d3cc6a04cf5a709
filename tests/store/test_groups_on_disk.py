"""Values by key on disk."""

from __future__ import annotations

from beam_audio.store.groups_on_disk import GroupsOnDisk, batches


def test_values_of_a_key_come_together_in_their_order() -> None:
    held = GroupsOnDisk[int]()
    held.add([("b", 1), ("a", 2), ("b", 3)])
    held.add([("c", 4), ("b", 5)])
    assert len(held) == 5
    assert list(held.groups()) == [[2], [1, 3, 5], [4]]
    assert list(held) == [2, 1, 3, 5, 4]


def test_a_batch_ends_where_a_key_does() -> None:
    groups = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert list(batches(groups, 4)) == [groups[:2], groups[2:]]
    assert list(batches(iter([]), 4)) == []


def test_keys_may_be_names_that_are_no_unicode() -> None:
    held = GroupsOnDisk[str]()
    held.add([("\udcff.wav", "b"), ("a.wav", "a")])
    assert list(held.groups()) == [["a"], ["b"]]
