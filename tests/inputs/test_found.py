"""What was found becomes an input."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from support.run_outputs import write_byte

from beam_audio import store
from beam_audio.inputs.allowed import AllowedPlaces
from beam_audio.inputs.found import input_of
from beam_audio.inputs.members import Member, line_of
from beam_audio.types import AudioRef, ByteRange, Failure

if TYPE_CHECKING:
    from pathlib import Path


def a_member(folder: Path) -> Member:
    path = str(write_byte(folder, "s.tar"))
    inside = ByteRange(path, 512, 100)
    return Member(store.stat(path), "a.wav", inside, 100, line_of("a.wav", {"text": "x"}), "here")


def test_a_member_has_an_id_of_its_own_and_the_time_of_its_file(tmp_path: Path) -> None:
    member = a_member(tmp_path)
    found = input_of(member)
    other = input_of(replace(member, name="b.wav"))
    assert isinstance(found, AudioRef)
    assert isinstance(other, AudioRef)
    assert (found.uri, found.size_bytes) == (f"{tmp_path}/s.tar#a.wav", 100)
    assert (found.reference_text, found.updated is not None) == ("x", True)
    assert found.inside == member.inside
    assert len({found.source_id, other.source_id}) == len({found.place_id, other.place_id}) == 2


def test_its_place_in_the_file_is_no_part_of_its_id(tmp_path: Path) -> None:
    member = a_member(tmp_path)
    moved = replace(member, inside=ByteRange(member.file.path, 1024, 100))
    ids = {each.source_id for each in map(input_of, (member, moved))}
    assert len(ids) == 1


def test_a_member_with_a_broken_statement_is_a_failure(tmp_path: Path) -> None:
    found = input_of(replace(a_member(tmp_path), fields=b'{"audio_filepath": "a", "duration": -1}'))
    assert isinstance(found, Failure)
    assert (found.uri, "duration" in found.message) == (f"{tmp_path}/s.tar#a.wav", True)


def test_a_shard_outside_the_allowed_places_is_not_read(tmp_path: Path) -> None:
    found = input_of(a_member(tmp_path), AllowedPlaces(("/elsewhere",)))
    assert isinstance(found, Failure)
    assert "--allow_inputs" in found.message
