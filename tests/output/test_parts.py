"""Part files: hive folders, the schema, whole files or none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import StoreError
from beam_audio.output.parts import PartWriter, folder_keys, partition_folder, rows_of
from beam_audio.store.relative_names import outside

if TYPE_CHECKING:
    from pathlib import Path


HOSTILE = ["..", "../..", "/etc", "C:\\x", "a//b", "\0", "a\nb", "a=b/c=d", "%2e%2e", "é" * 300]


def failure(number: int, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - column values
    row = {
        "unit": "input",
        "stage": "read",
        "source_id": f"s{number}",
        "uri": f"/a/{number}",
        "error_type": "InputError",
        "message": "no",
        "when": datetime.now(UTC),
        "attempt": 1,
    }
    return row | changed


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_rows_are_in_their_partitions_and_nothing_else_is_left(tmp_path: Path) -> None:
    with PartWriter(str(tmp_path)) as writer:
        for number, date in enumerate(["2026-01-01", "2026-01-02", "2026-01-01"]):
            writer.write("failures", (("date", date),), failure(number))
        names = writer.finish("u1")
    assert list(names) == [
        "failures/date=2026-01-01/part-u1.parquet",
        "failures/date=2026-01-02/part-u1.parquet",
    ]
    assert files(tmp_path) == list(names)
    assert writer.rows == {"segments": 0, "recordings": 0, "failures": 3}
    table = ds.dataset(f"{tmp_path}/failures", partitioning="hive").to_table()
    assert sorted(zip(table["date"].to_pylist(), table["source_id"].to_pylist(), strict=True)) == [
        ("2026-01-01", "s0"),
        ("2026-01-01", "s2"),
        ("2026-01-02", "s1"),
    ]


def test_leaving_without_finishing_leaves_nothing(tmp_path: Path) -> None:
    def stop_midway() -> None:
        with PartWriter(str(tmp_path)) as writer:
            writer.write("failures", (("date", "d"),), failure(1))
            raise InterruptedError

    with pytest.raises(InterruptedError):
        stop_midway()
    assert files(tmp_path) == []


def test_finishing_again_replaces_the_files(tmp_path: Path) -> None:
    for message in ("first", "second"):
        with PartWriter(str(tmp_path)) as writer:
            writer.write("failures", (), failure(1, message=message))
            (name,) = writer.finish("u1")
    assert pq.read_table(tmp_path / name)["message"].to_pylist() == ["second"]
    assert len(files(tmp_path)) == 1


def test_a_missing_required_value_is_an_error_not_a_null(tmp_path: Path) -> None:
    with PartWriter(str(tmp_path)) as writer:
        writer.write("failures", (), failure(1, message=None))
        with pytest.raises((pa.ArrowInvalid, OSError)):
            writer.finish("u1")
    assert files(tmp_path) == []


@given(
    st.none()
    | st.text(max_size=40)
    | st.text(min_size=100, max_size=300)
    | st.sampled_from(HOSTILE)
)
def test_any_value_names_one_folder_that_hive_readers_read_back(value: str | None) -> None:
    folder = partition_folder("segments", (("speaker", value),))
    assert folder.count("/") == 1
    assert len(folder.rpartition("/")[2].encode()) < 240
    assert outside(f"{folder}/part-1.parquet") is None
    hive = ds.partitioning(pa.schema([("speaker", pa.string())]), flavor="hive")
    read = ds.get_partition_keys(hive.parse(f"/{folder}/"))["speaker"]
    assert folder_keys(f"{folder}/part-1.parquet") == {"speaker": read}
    if not value:
        assert read is None
    elif len(value) <= 15:
        assert read == value


def test_long_values_that_differ_late_have_different_folders() -> None:
    long = "x" * 500
    folders = {partition_folder("segments", (("k", long + end),)) for end in ("", "a", "b")}
    assert len(folders) == 3


def test_a_file_has_the_keys_of_all_its_folders() -> None:
    folder = partition_folder("segments", (("date", "2026-01-05"), ("room", None), ("k", "a/b=c")))
    found = folder_keys(f"{folder}/part-1.parquet")
    assert found == {"date": "2026-01-05", "room": None, "k": "a/b=c"}
    assert folder_keys("segments/part-1.parquet") == {}


@pytest.mark.parametrize("part_id", ["a/../../x", "x\0", "a\nb"])
def test_a_part_with_the_name_of_another_place_is_not_written(tmp_path: Path, part_id: str) -> None:
    root = tmp_path / "deep" / "out"
    with PartWriter(str(root)) as writer:
        writer.write("failures", (), failure(1))
        with pytest.raises(StoreError, match="is not written below"):
            writer.finish(part_id)
    assert files(tmp_path) == []


def test_damage_to_values_is_noticed(tmp_path: Path) -> None:
    """Pages have checksums: a damaged number is never taken for a row."""
    with PartWriter(str(tmp_path)) as writer:
        writer.write("failures", (), failure(1))
        (name,) = writer.finish("u1")

    def rows() -> list[Any] | None:
        try:
            return [r for batch in rows_of(str(tmp_path), name, {"s1"}) for r in batch.to_pylist()]
        except StoreError:
            return None

    whole, right = (tmp_path / name).read_bytes(), rows()
    assert right
    pages_end = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    found = []
    for at in range(4, pages_end, 11):
        (tmp_path / name).write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        found.append(rows())
    assert None in found
    assert all(each in (None, right) for each in found)


def test_rows_of_all_inputs_are_all_rows(tmp_path: Path) -> None:
    with PartWriter(str(tmp_path)) as writer:
        for number in (1, 2):
            writer.write("failures", (), failure(number))
        (name,) = writer.finish("u1")
    (every,) = rows_of(str(tmp_path), name, None, ["stage"])
    (both,) = rows_of(str(tmp_path), name, set(every.column("source_id").to_pylist()), ["stage"])
    assert every.num_rows == 2
    assert every == both
