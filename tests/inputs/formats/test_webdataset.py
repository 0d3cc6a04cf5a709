"""Samples of WebDataset."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.data_sets import inputs_in, write_tar

from beam_audio import store
from beam_audio.inputs.formats.webdataset import read_webdataset
from beam_audio.inputs.left_out import LeftOut
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path

Members = list[tuple[str, bytes]]


def read(folder: Path, members: Members) -> list[AudioRef | Failure]:
    shard = write_tar(folder / "s.tar", members)
    return inputs_in(read_webdataset(store.stat(str(shard))))


def texts(items: list[AudioRef | Failure]) -> dict[str, str | None]:
    return {
        each.uri.partition("#")[2]: each.reference_text
        for each in items
        if isinstance(each, AudioRef)
    }


def test_a_sample_is_the_members_up_to_the_first_dot(tmp_path: Path) -> None:
    members = [
        *[("d.x/a.wav", b"1"), ("d.x/a.txt", b"one\n"), ("d.x/b.json", b'{"text": "two"}')],
        *[("d.x/b.near.flac", b"2"), ("d.x/b.far.flac", b"3"), ("c.wav", b"4")],
    ]
    assert texts(read(tmp_path, members)) == {
        "d.x/a.wav": "one",
        "d.x/b.near.flac": "two",
        "d.x/b.far.flac": "two",
        "c.wav": None,
    }


def test_fields_of_json_are_those_of_a_manifest(tmp_path: Path) -> None:
    fields = {
        "text": "no",
        "lang": "de",
        "speaker": "s",
        "offset": 7,
        "channel": 1,
        "duration": 2,
        "event_time": "2026-01-05",
        "audio_filepath": "/elsewhere.wav",
    }
    members = [("a.json", json.dumps(fields).encode()), ("a.wav", b"1"), ("a.txt", b"yes")]
    (ref,) = read(tmp_path, members)
    assert isinstance(ref, AudioRef)
    assert (ref.reference_text, ref.language, ref.manifest_seconds) == ("yes", "de", 2.0)
    assert (ref.offset_seconds, ref.channel, ref.uri) == (None, None, f"{tmp_path}/s.tar#a.wav")
    assert ref.event_time is not None
    assert dict(ref.metadata) == {"speaker": "s", "source_offset": "7", "source_channel": "1"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.txt", b"text"), ("a.json", b"{}")], "no audio beside a.txt, a.json"),
        ([("a.wav", b"1"), ("a.json", b"[1]")], "'a.json': a JSON list"),
        ([("a.wav", b"1"), ("a.json", b"{")], "'a.json': not JSON"),
        ([("a.wav", b"1"), ("a.txt", b"\xff")], "'a.txt' is not valid Unicode"),
        ([("a.wav", b"1"), ("a.json", b'{"text": 5}')], "text is 5, not text"),
    ],
)
def test_a_sample_that_is_not_whole_is_a_failure(
    members: Members, message: str, tmp_path: Path
) -> None:
    found = read(tmp_path, [*members, ("b.wav", b"2"), ("b.txt", b"good")])
    assert texts(found) == {"b.wav": "good"}
    (failure,) = (each for each in found if isinstance(each, Failure))
    assert message in failure.message


def test_many_members_of_one_name_are_looked_at_some_at_a_time(tmp_path: Path) -> None:
    found = read(tmp_path, [(f"a.{number}.wav", b"1") for number in range(200)])
    assert len({each.source_id for each in found}) == 200


def test_hidden_members_are_counted_and_part_no_sample(tmp_path: Path) -> None:
    """A tar of macOS has ``._a.wav`` before ``a.wav``, or all of these in ``__MACOSX``."""
    members = [
        *[("._a.wav", b"0"), ("a.wav", b"1"), ("._a.txt", b"0"), ("a.txt", b"one")],
        *[("__MACOSX/._a.wav", b"0"), ("./.cache/b.wav", b"0")],
    ]
    shard = write_tar(tmp_path / "s.tar", members)
    *found, left_out = read_webdataset(store.stat(str(shard)))
    assert left_out == LeftOut(hidden=4)
    assert texts(inputs_in(found)) == {"a.wav": "one"}
