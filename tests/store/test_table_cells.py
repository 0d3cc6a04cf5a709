"""Cells of Parquet files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_audio.errors import InputError
from beam_audio.store import table_cells
from beam_audio.store.table_cells import open_cell
from beam_audio.types import TableCell

if TYPE_CHECKING:
    from pathlib import Path

VALUES = [b"a" * 1000, b"", None, b"d" * 50_000, b"e"]


def written(path: Path, **options: Any) -> str:  # noqa: ANN401 - of pyarrow
    rows = [
        {"audio": {"bytes": value, "path": f"{number}.wav"}} for number, value in enumerate(VALUES)
    ]
    pq.write_table(
        pa.Table.from_pylist([*rows, {"audio": None}]), path, row_group_size=4, **options
    )
    return str(path)


def cell(path: str, number: int) -> TableCell:
    return TableCell(path, number // 4, number % 4, "audio.bytes")


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_cells_are_read_in_any_order_and_beside_one_another(
    compression: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "t.parquet", compression=compression)
    opened = {number: open_cell(cell(path, number)) for number in (4, 0, 3, 1, 0)}
    assert {number: file.read() for number, file in opened.items()} == {
        number: VALUES[number] for number in opened
    }


def test_a_null_is_a_failure(tmp_path: Path) -> None:
    path = written(tmp_path / "t.parquet")
    for number in (2, 5):
        with pytest.raises(InputError, match="null in this row"):
            open_cell(cell(path, number))


def test_damage_costs_the_rows_it_is_in(tmp_path: Path) -> None:
    path = written(
        tmp_path / "t.parquet", compression="zstd", data_page_size=1, use_dictionary=False
    )
    place = pq.read_metadata(path).row_group(1).column(0).data_page_offset
    content = bytearray((tmp_path / "t.parquet").read_bytes())
    content[place : place + 20] = b"\xff" * 20
    (tmp_path / "t.parquet").write_bytes(content)
    assert open_cell(cell(path, 3)).read() == VALUES[3]
    with pytest.raises(InputError, match="cannot read"):
        open_cell(cell(path, 4))


def test_what_was_used_longest_ago_is_dropped_and_can_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_cells, "_KEPT_BYTES", 10)
    path = written(tmp_path / "t.parquet")
    first = open_cell(cell(path, 0))
    assert open_cell(cell(path, 4)).read() == VALUES[4]
    assert first.read() == VALUES[0]
    assert open_cell(cell(path, 3)).read() == VALUES[3]
