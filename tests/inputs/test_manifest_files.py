"""Manifests of several forms give lines of JSON, and cost no more than themselves."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.inputs.manifest_files import lines_of, refusal
from beam_audio.types import Failure

if TYPE_CHECKING:
    from pathlib import Path

TEXT = 'she said "five", then\nleft'


def put(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def fields(manifest: str) -> list[tuple[int, dict[str, Any]]]:
    found = list(lines_of(manifest))
    assert not [each.message for each in found if isinstance(each, Failure)]
    return [(each[1], json.loads(each[2])) for each in found if not isinstance(each, Failure)]


def failures(manifest: str) -> list[str]:
    return [each.message for each in lines_of(manifest) if isinstance(each, Failure)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.csv", "audio_filepath,text\na.flac,yes\nb.flac,no\n"),
        ("m.csv", "\ufefffile_name;text\r\na.flac;yes\r\nb.flac;no\r\n"),
        ("m.tsv", "audio\ttext\na.flac\tyes\nb.flac\tno"),
        ("m.txt", "text,audio\nyes,a.flac\nno,b.flac"),
    ],
)
def test_rows_of_a_table_are_lines(tmp_path: Path, name: str, content: str) -> None:
    (first, one), (second, two) = fields(put(tmp_path / name, content))
    assert (first, second) == (2, 3)
    assert (sorted(one.values()), sorted(two.values())) == (["a.flac", "yes"], ["b.flac", "no"])
    assert one["text"] == "yes"


def test_cells_in_quotes_hold_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    quoted = TEXT.replace('"', '""')
    manifest = put(tmp_path / "m.csv", f'audio,text\na.flac,"{quoted}"\n"b,1.flac",\nc.flac,5" x')
    assert fields(manifest) == [
        (2, {"audio": "a.flac", "text": TEXT}),
        (4, {"audio": "b,1.flac"}),
        (5, {"audio": "c.flac", "text": '5" x'}),
    ]


def test_a_quote_without_an_end_costs_no_other_row(tmp_path: Path) -> None:
    for name, delimiter in (("m.csv", ","), ("m.tsv", "\t")):
        rows = [f"{n}.flac{delimiter}word {n}" for n in range(300)]
        rows[1] = f'1.flac{delimiter}"open'
        header = f"audio{delimiter}text"
        found = fields(put(tmp_path / name, "\n".join([header, *rows])))
        assert [each["audio"] for _, each in found] == [f"{n}.flac" for n in range(300)]


def test_rows_that_do_not_fit_the_header_are_failures(tmp_path: Path) -> None:
    manifest = put(tmp_path / "m.csv", "audio,text\na.flac\nb.flac,x,y\nc.flac,z,,\nd.flac,\xff")
    assert [each[1] for each in lines_of(manifest) if not isinstance(each, Failure)] == [4, 5]
    short, long = failures(manifest)
    assert short.startswith("line 2: 1 cells where the header has 2")
    assert long.startswith("line 3: 3 cells")


def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    manifest = put(tmp_path / "m.csv", "audio,text,text\na.flac,x,y\n")
    assert failures(manifest) == ["not a manifest: the header names 'text' twice"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_compression_and_encodings_are_recognised(
    tmp_path: Path,
    encoding: str,
    pack: Any,  # noqa: ANN401 - a function of bytes
) -> None:
    content = '{"audio": "ü你.flac"}\n\n{"audio": "b.flac"}\n'.encode(encoding)
    found = fields(put(tmp_path / "m.jsonl", pack(content)))
    assert found == [(1, {"audio": "ü你.flac"}), (3, {"audio": "b.flac"})]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"id": 1, "recording": {}}\n{"id": 2}', "line 1 has id, recording, and audio_filepath"),
        ("utt1 /data/a.wav\nutt2 /data/b.wav\n", "line 1 is not JSON"),
        ("path,sentence\na.mp3,yes\n", "line 1 is not JSON"),
        ('[{"audio_filepath": "a.flac"}]', "a JSON list where an object is needed"),
        (b"\xffRIFF\x00\x00" + bytes(range(256)) * 9000, "line 1 is not valid Unicode"),
        ("[" * 100_000, "line 1 is not JSON"),
    ],
)
def test_a_manifest_of_another_form_is_refused_once(
    tmp_path: Path, content: str | bytes, says: str
) -> None:
    manifest = put(tmp_path / "m.jsonl", content)
    (message,) = failures(manifest)
    assert says in message
    assert 'one JSON object per line, such as {"audio_filepath": "a.flac"' in message
    assert refusal(manifest) == message


def test_broken_lines_before_a_good_one_are_lines(tmp_path: Path) -> None:
    manifest = put(tmp_path / "m.jsonl", '{\n{"id": 1}\n{"audio": "a.flac"}\n{\n')
    assert refusal(manifest) is None
    assert [each[1] for each in lines_of(manifest) if not isinstance(each, Failure)] == [1, 2, 3, 4]


def test_an_empty_manifest_is_not_refused(tmp_path: Path) -> None:
    assert refusal(put(tmp_path / "m.jsonl", "\n \n")) is None


def test_damaged_gzip_costs_what_comes_after_the_damage(tmp_path: Path) -> None:
    lines = "".join(f'{{"audio": "{hash(str(n))}.flac"}}\n' for n in range(5000))
    manifest = put(tmp_path / "m.jsonl.gz", gzip.compress(lines.encode())[:-4000])
    *found, last = lines_of(manifest)
    assert isinstance(last, Failure)
    assert "cannot be read to its end" in last.message
    assert 100 < len(found) < 5000


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(bytes(200 << 20)),
        gzip.compress(b'audio,text\n"' + b"x" * (200 << 20)),
        gzip.compress(b'audio,text\n"' + b'",\n"' * (5 << 20)),
        gzip.compress(b"{\n" * (20 << 20)),
    ],
)
def test_a_bomb_is_read_in_bounded_memory(tmp_path: Path, content: bytes) -> None:
    manifest = put(tmp_path / "m.csv", content)
    tracemalloc.start()
    for _, _found in zip(range(2000), lines_of(manifest), strict=False):
        pass
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 64 << 20


@given(st.binary(max_size=300), st.sampled_from([b"", b"audio,text\n", b'{"audio": "a"}\n']))
def test_any_bytes_are_lines_or_failures(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    manifest = put(tmp_path_factory.mktemp("m") / "m", start + content)
    for item in lines_of(manifest):
        assert isinstance(item, Failure) or item[0] == manifest
