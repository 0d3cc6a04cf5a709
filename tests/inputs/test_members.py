"""What is stated about members."""

from __future__ import annotations

import json

import pytest

from beam_audio.inputs.members import Member, line_of, line_of_whole, member_uri
from beam_audio.types import ByteRange, StoredFile, TableCell


def test_the_names_of_other_formats_become_those_of_manifests() -> None:
    fields = {"language": "German", "sentence": "Guten Tag", "speaker": "a"}
    assert json.loads(line_of("a.wav", fields)) == {
        "audio_filepath": "a.wav",
        "lang": "German",
        "text": "Guten Tag",
        "speaker": "a",
    }


@pytest.mark.parametrize(
    "fields", [{"language": "Klingon?"}, {"lang": "en", "language": "de"}, {"locale": 5}]
)
def test_what_names_no_language_is_metadata(fields: dict[str, object]) -> None:
    assert fields.items() <= json.loads(line_of("a.wav", fields)).items()


def test_a_text_counts_before_a_sentence() -> None:
    stated = json.loads(line_of("a.wav", {"text": "one", "sentence": "two"}))
    assert (stated["text"], stated["sentence"]) == ("one", "two")


def test_audio_that_is_cut_already_is_not_cut_again() -> None:
    stated = json.loads(line_of_whole("a.wav", {"offset": 3.5, "channel": 1, "duration": 2.0}))
    assert stated == {
        "audio_filepath": "a.wav", "source_offset": 3.5, "source_channel": 1, "duration": 2.0,
    }  # fmt: skip


def test_members_sort_as_they_lie_and_their_address_names_them() -> None:
    file = StoredFile("/d/s.tar", 9, 0.0, "")
    inside = [ByteRange("/d/s.tar", 512, 1), ByteRange("/d/s.tar", 10_240, 1)]
    tar = [Member(file, f"{n}.wav", each, 1, b"", "") for n, each in zip("ba", inside, strict=True)]
    assert [each.name for each in sorted(tar, key=lambda each: each.place)] == ["b.wav", "a.wav"]
    assert tar[0].uri == member_uri("/d/s.tar", "b.wav") == "/d/s.tar#b.wav"
    rows = [
        Member(file, "", TableCell("/d/t", *at, "audio"), 1, b"", "") for at in ((0, 10), (1, 2))
    ]
    assert rows[0].place < rows[1].place
