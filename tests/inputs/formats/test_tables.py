"""Parquet and Arrow with audio in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.tables import read_table
from beam_audio.inputs.found import input_of
from beam_audio.store.open_input import open_input
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ["parquet", "arrow stream", "arrow file"]


def written(folder: Path, kind: str, table: pa.Table, **options: Any) -> Path:  # noqa: ANN401 - of pyarrow
    path = folder / "t"
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=2, **options)
        return path
    new = pa.ipc.new_stream if kind == "arrow stream" else pa.ipc.new_file
    with pa.OSFile(str(path), "wb") as file, new(file, table.schema, **options) as out:
        out.write_table(table, max_chunksize=2)
    return path


def read(path: Path) -> list[AudioRef | Failure]:
    return [input_of(each) for each in read_table(store.stat(str(path)))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["audio", "content"])
def test_each_row_is_an_input_with_its_bytes(kind: str, name: str, tmp_path: Path) -> None:
    values = [b"one", b"2" * 5000, b"", b"four", b"five"]
    rows = [
        {
            name: {"bytes": value, "path": "x.wav"} if name == "audio" else value,
            "transcription": f"text {number}",
            "language": "English",
            "rate": 0.5,
            "n": number,
            "when": datetime(2026, 1, 5, tzinfo=UTC),
            "tags": ["a"],
            "embedding": b"\x00",
        }
        for number, value in enumerate(values)
    ]
    path = written(tmp_path, kind, pa.Table.from_pylist(rows))
    refs = [each for each in read(path) if isinstance(each, AudioRef)]
    assert [each.uri for each in refs] == [f"{path}#{number}" for number in range(5)]
    assert [open_input(each).read() for each in refs] == values
    assert [each.reference_text for each in refs] == [f"text {number}" for number in range(5)]
    assert {each.language for each in refs} == {"en"}
    assert dict(refs[3].metadata).items() >= {"n": "3", "rate": "0.5", "tags": '["a"]'}.items()
    assert "embedding" not in dict(refs[0].metadata)
    assert len({each.source_id for each in refs}) == 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_may_name_a_file_beside_the_table(kind: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    kinds = pa.schema(
        [
            ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
            ("text", pa.string()),
        ]
    )
    rows = [{"audio": {"bytes": None, "path": "a.wav"}, "text": "x"}] * 2
    path = written(tmp_path, kind, pa.Table.from_pylist(rows, kinds))
    assert {(each.uri, getattr(each, "reference_text", "")) for each in read(path)} == {
        (f"{tmp_path}/a.wav", "x")
    }
    nothing = [{"audio": {"bytes": None, "path": None}, "text": "x"}, {"audio": None}]
    path = written(tmp_path, kind, pa.Table.from_pylist(nothing, kinds))
    found = read(path)
    assert [isinstance(each, Failure) for each in found] == [True, True]
    assert len({each.source_id for each in found}) == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"PAR1junkPAR1", b"no table", b"ARROW1\0\0", b"\xff\xff\xff\xff\x10\0\0\0"],
)
def test_what_is_no_table_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(InputError):
        read(tmp_path / "t")


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_without_audio_names_its_columns(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind, pa.table({"text": ["a"], "audio": ["a.wav"]}))
    with pytest.raises(InputError, match=r"no column of audio.*text, audio"):
        read(path)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_told(kind: str, tmp_path: Path) -> None:
    rows = [{"audio": b"x" * 2000, "text": f"{number}"} for number in range(8)]
    path = written(tmp_path, kind, pa.Table.from_pylist(rows))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    if kind == "parquet":  # without its footer it is no table
        with pytest.raises(InputError):
            read(path)
        return
    found = read(path)
    assert sum(isinstance(each, AudioRef) for each in found) == 4
    assert "cannot be read after 4 rows" in found[-1].message  # type: ignore[union-attr] # a failure


def test_compressed_arrow_is_refused_with_what_to_do(tmp_path: Path) -> None:
    options = {"options": pa.ipc.IpcWriteOptions(compression="zstd")}
    path = written(tmp_path, "arrow file", pa.table({"audio": [b"x" * 5000]}), **options)
    with pytest.raises(InputError, match="compressed; write it as Parquet"):
        read(path)
