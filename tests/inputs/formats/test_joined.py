"""Lines brought together with members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.data_sets import inputs_in, write_tar

from beam_audio.inputs.formats.joined import joined, stem
from beam_audio.inputs.left_out import LeftOut
from beam_audio.inputs.members import line_of
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.inputs.manifest_files import Line


def lines(*names: str) -> list[tuple[str, Line]]:
    """A line about each name, with a number as its text."""
    return [
        (name, ("m.jsonl", number, line_of(name, {"text": f"{number}"})))
        for number, name in enumerate(names, 1)
    ]


def read(shard: Path, about: list[tuple[str, Line]]) -> tuple[dict[str, str | None], list[Failure]]:
    items = inputs_in(joined(str(shard), about, stem))
    refs = {each.uri.partition("#")[2]: each for each in items if isinstance(each, AudioRef)}
    failures = [each for each in items if isinstance(each, Failure)]
    return {name: ref.reference_text for name, ref in refs.items()}, failures


def test_each_side_may_lack_what_the_other_has(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [("b.wav", b"1"), ("a.wav", b"2"), ("a.json", b"{}")])
    texts, failures = read(shard, lines("a", "c"))
    assert texts == {"a.wav": "1", "b.wav": None}
    (failure,) = failures
    assert failure.message.startswith("line 2:")
    assert "has no member of this name" in failure.message


def test_two_members_of_one_stem_are_two_inputs_and_the_first_has_the_text(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [("a.wav", b"1"), ("a.flac", b"2")])
    assert read(shard, lines("a")) == ({"a.wav": "1", "a.flac": None}, [])


def test_without_its_shard_every_line_is_a_failure(tmp_path: Path) -> None:
    texts, failures = read(tmp_path / "none.tar", lines("a", "b", "b"))
    assert (texts, len({each.source_id for each in failures})) == ({}, 3)


def test_a_line_about_a_member_that_cannot_be_read_is_one_failure(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [("a.wav", b"1" * 600)])
    shard.write_bytes(shard.read_bytes()[:700])
    texts, failures = read(shard, lines("a"))
    assert (texts, [each.uri for each in failures]) == ({}, [f"{shard}#a.wav"])


def test_a_hidden_member_is_an_input_only_if_a_line_names_it(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "s.tar", [(".a.wav", b"1"), ("._b.wav", b"2"), ("b.wav", b"3")])
    assert read(shard, lines(".a", "b")) == ({".a.wav": "1", "b.wav": "2"}, [])
    found = joined(str(shard), lines(".a", "b"), stem)
    assert [each for each in found if isinstance(each, LeftOut)] == [LeftOut(hidden=1)]
