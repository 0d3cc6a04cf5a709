"""The ids of a run's inputs: what its ledger and status read of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import BeamAudioError
from beam_audio.output.input_ids import (
    delete_ids,
    read_ids,
    read_left_out,
    read_unfinished,
    write_ahead,
    write_ids,
    write_left_out,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> str:
    return str(tmp_path / "out")


def test_parts_are_read_back_with_their_repeats_and_without_the_number_ahead(root: str) -> None:
    write_ahead(root, "r", 7)
    write_ids(root, "r", "0", ["a"])
    write_ids(root, "r", "1", ["b", "b"])
    write_ids(root, "r", "0", ["a", "c"])
    assert sorted(read_ids(root, "r")) == [["a", "c"], ["b", "b"]]


def test_runs_that_have_not_ended_say_what_they_have_listed(root: str) -> None:
    assert list(read_unfinished(root)) == []
    write_ahead(root, "r", 9)
    write_ahead(root, "r", 7)
    write_left_out(root, "r", "3 hidden")
    write_ids(root, "r", "0", ["a"])
    write_ids(root, "other", "0", ["b"])
    found = list(read_unfinished(root))
    assert sorted(name for names, _ in found for name in names) == ["a", "b"]
    assert sum(ahead for _, ahead in found) == 7


def test_a_run_without_ids_never_got_to_list(root: str) -> None:
    write_ids(root, "r", "0", ["a"])
    delete_ids(root, "r")
    with pytest.raises(BeamAudioError, match="run it again"):
        read_ids(root, "r")


@pytest.mark.parametrize("summary", ["", "3 hidden, 2 tables (.csv)"])
def test_what_is_no_input_is_kept_in_words(root: str, summary: str) -> None:
    write_left_out(root, "r", summary)
    assert read_left_out(root, "r") == summary
    assert list(read_ids(root, "r")) == []
