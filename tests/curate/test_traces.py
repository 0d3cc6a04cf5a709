"""Traces in files of every kind: what is found, what is erased, and what stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from beam_audio.curate.traces import Needles, erase_traces, remaining_traces

if TYPE_CHECKING:
    from pathlib import Path

ID, OTHER = "0a" * 16, "0b" * 16
TEXT = "Zoë told nobody of the wooden bridge"
NEEDLES = Needles(frozenset({ID}), frozenset({"/calls/zoë.wav", TEXT}))


def put(root: Path, name: str, content: bytes | str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_each_kind_of_file_is_searched_and_erased(tmp_path: Path) -> None:
    put(tmp_path, "report.html", f"<p>{TEXT}")
    put(tmp_path, "fine.html", "<p>nobody")
    put(tmp_path, f"clips/{ID}.opus", b"OggS")
    put(tmp_path, "run-1.json", json.dumps({"a": ["/calls/zoë.wav", 3], ID: 1, "b": OTHER}))
    put(tmp_path, "broken.json", f'{{"{ID}"')
    put(tmp_path, "_payloads/message.json", "{}")
    table = pa.table({"segment_id": [ID, OTHER, None], "text": [TEXT, "", ""], "n": [1, 2, 3]})
    (tmp_path / "decisions").mkdir()
    pq.write_table(table, tmp_path / "decisions" / "part-1.parquet", row_group_size=1)
    found, files, _ = remaining_traces(str(tmp_path), NEEDLES)
    assert len(found) == 5
    assert files == 7
    payloads = frozenset({str(tmp_path / "_payloads/message.json")})
    assert erase_traces(str(tmp_path), NEEDLES, payloads) == {
        "report.html": "deleted",
        f"clips/{ID}.opus": "deleted",
        "run-1.json": "erased",
        "broken.json": "deleted",
        "_payloads/message.json": "deleted",
        "decisions/part-1.parquet": "erased",
    }
    assert json.loads((tmp_path / "run-1.json").read_text("utf-8")) == {
        "a": ["forgotten", 3],
        "b": OTHER,
    }
    left = pq.read_table(tmp_path / "decisions" / "part-1.parquet").to_pylist()
    assert [row["n"] for row in left] == [2, 3]
    assert remaining_traces(str(tmp_path), NEEDLES)[0] == []
    assert erase_traces(str(tmp_path), NEEDLES, payloads) == {}


def test_rows_of_others_with_the_same_words_are_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "segments" / "part-1.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"segment_id": [OTHER], "text": [TEXT]}), path)
    assert remaining_traces(str(tmp_path), NEEDLES)[0] == []
    pq.write_table(pa.table({"segment_id": [ID], "text": [""]}), path)
    assert remaining_traces(str(tmp_path), NEEDLES)[0] == ["segments/part-1.parquet"]


def test_a_longer_name_that_holds_an_id_is_another_name() -> None:
    assert not NEEDLES.are_in(f"{ID}00".encode())
    assert NEEDLES.are_in(f"part-{ID}-1.parquet".encode())
