"""A list in a temporary file: the same values in the same order, in little memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.unit_runs import read, ref, tones, transcribe, write

from beam_audio.errors import MachineError
from beam_audio.unit import spooled_list
from beam_audio.unit.spooled_list import IN_MEMORY, SpooledList

if TYPE_CHECKING:
    from collections.abc import Sequence


@given(
    st.integers(0, 2 * IN_MEMORY), st.lists(st.integers(0, 2 * IN_MEMORY)), st.slices(2 * IN_MEMORY)
)
def test_it_is_a_list(count: int, places: Sequence[int], part: slice) -> None:
    values = [(each, str(each)) for each in range(count)]
    with TemporaryFile() as file:
        spooled = SpooledList(file, values)
        assert len(spooled) == count
        assert list(spooled) == values
        assert list(spooled[part]) == values[part]
        there = [place for place in places if place < count]
        assert [spooled[place] for place in there] == [values[place] for place in there]
        assert list(spooled.arranged(there)) == [values[place] for place in there]
        with pytest.raises(IndexError):
            spooled[count]


def test_it_needs_memory_for_the_first_values_only() -> None:
    size_bytes = 4000
    with TemporaryFile() as file:
        tracemalloc.start()
        try:
            spooled = SpooledList(file, (bytes(size_bytes) for _ in range(10 * IN_MEMORY)))
            held_bytes, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert sum(map(len, spooled)) == 10 * IN_MEMORY * size_bytes
    assert held_bytes < 2 * IN_MEMORY * size_bytes


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_the_machines_fault() -> None:
    with Path("/dev/full").open("wb", buffering=0) as file:
        spooled = SpooledList[int](file, range(IN_MEMORY))
        with pytest.raises(MachineError, match="TMPDIR"):
            spooled.append(1)


def test_rows_do_not_depend_on_where_results_were_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4, 0.2])), reference_text="a b")
    rows = {}
    for kept in (IN_MEMORY, 0):
        monkeypatch.setattr(spooled_list, "IN_MEMORY", kept)
        output = tmp_path / f"out-{kept}"
        transcribe(output, source)
        rows[kept] = [read(output, table) for table in ("recordings", "segments")]
    assert len(rows[0][1]) == 5
    assert rows[0] == rows[IN_MEMORY]
