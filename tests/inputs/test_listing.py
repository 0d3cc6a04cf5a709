"""Listing: which files and lines become references, and how they are named."""

from __future__ import annotations

import json
import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import bucket_servers
from support.bucket_servers import google_bucket

from beam_audio.errors import InputError
from beam_audio.inputs.found import input_of
from beam_audio.inputs.listing import (
    input_of_file,
    input_of_line,
    list_input,
    match_input,
    match_manifest,
    read_lines,
    ref_of_file,
    require_readable_manifest,
)
from beam_audio.types import AudioRef, Failure, StoredFile

if TYPE_CHECKING:
    from beam_audio.inputs.manifest_files import Line

ODD_NAMES = ["a[1].wav", "what?.wav", "star*.wav", "with space.wav", "ü ñ 你.wav", "#%20 100%.wav"]


def put(path: Path, content: bytes = b"RIFF") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(root: Path, pattern: str, exclude: str | None = None) -> list[str]:
    return [os.path.relpath(meta.path, root) for meta in match_input(pattern, exclude)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.wav", "b.flac", "sub/c.wav", "sub/deep/d.wav", ".hidden.wav", "sub/.e.wav"):
        put(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", ["a.wav", "b.flac", "sub/c.wav", "sub/deep/d.wav"]),
        ("/", ["a.wav", "b.flac", "sub/c.wav", "sub/deep/d.wav"]),
        ("/**", ["a.wav", "b.flac", "sub/c.wav", "sub/deep/d.wav"]),
        ("/**.wav", ["a.wav", "sub/c.wav", "sub/deep/d.wav"]),
        ("/*.wav", ["a.wav"]),
        ("/?.flac", ["b.flac"]),
        ("/[ab].*", ["a.wav", "b.flac"]),
        ("/sub", ["sub/c.wav", "sub/deep/d.wav"]),
        ("/a.wav", ["a.wav"]),
        ("/none*", []),
        ("/none.wav", []),
    ],
)
def test_a_glob_a_folder_or_a_file_names_its_files(
    tree: Path, pattern: str, expected: list[str]
) -> None:
    assert names(tree, f"{tree}{pattern}") == expected


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_found_in_a_folder_and_by_themselves(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in [x]"
    path = put(folder / name)
    assert [meta.path for meta in match_input(str(folder))] == [str(path)]
    assert [meta.path for meta in match_input(str(path))] == [str(path)]


@pytest.mark.parametrize("spelling", [".", "./", "audio/..", "$ABSOLUTE", "audio/../../tree"])
def test_every_spelling_of_a_path_gives_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    root = tmp_path / "tree"
    path = put(root / "audio" / "a.wav")
    monkeypatch.chdir(root)
    (found,) = match_input(spelling.replace("$ABSOLUTE", str(root)))
    assert found.path == str(path)


@pytest.mark.parametrize("output", ["out", "./out", "out/", "../tree/out", "$ABSOLUTE/out"])
@pytest.mark.parametrize("given", [".", "$ABSOLUTE", "**"])
def test_the_output_is_no_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, output: str
) -> None:
    root = tmp_path / "tree"
    put(root / "a.wav")
    put(root / "out.wav")
    put(root / "out" / "segments" / "part-1.parquet")
    monkeypatch.chdir(root)
    pattern, exclude = (text.replace("$ABSOLUTE", str(root)) for text in (given, output))
    assert names(root, pattern, exclude) == ["a.wav", "out.wav"]


def test_a_folder_leaves_out_other_kinds_of_files_and_a_glob_takes_them(tmp_path: Path) -> None:
    for name in (
        *("a.wav", "b.unknown", "noise", "pack.zip", "list.csv", "NOTES.TXT", ".git/c.wav"),
        *("old/_units/u.json", "old/segments/part-1.bin", "out/segments/part-2.bin"),
    ):
        put(tmp_path / name)
    listing = list_input(str(tmp_path), str(tmp_path / "out"))
    found = [os.path.relpath(each.path, tmp_path) for each in listing.files]
    assert found == ["a.wav", "b.unknown", "noise", "pack.zip"]
    assert listing.left_out.summary == (
        "1 hidden, 1 table (.csv), 1 text file (.txt), 2 outputs of beam-audio"
    )
    assert names(tmp_path, f"{tmp_path}/*.[cT]*") == ["NOTES.TXT", "list.csv"]
    assert names(tmp_path, f"{tmp_path}/old/**") == [
        "old/_units/u.json",
        "old/segments/part-1.bin",
    ]
    assert names(tmp_path, f"{tmp_path}/list.csv") == ["list.csv"]
    assert list_input(f"{tmp_path}/list.csv").left_out.summary == ""


def test_hidden_names_that_a_glob_matches_are_left_out_and_counted(tree: Path) -> None:
    listing = list_input(f"{tree}/**")
    assert len(listing.files) == 4
    assert listing.left_out.summary == "2 hidden"


def test_in_a_bucket_an_object_is_taken_and_files_below_it_are_selected() -> None:
    with google_bucket() as bucket:
        for name in ("a.txt", "a.txt/b.wav", "a.txt/c.txt", "a.txt/o/_units/u.json"):
            bucket_servers.put(f"{bucket}/{name}", b"x")
        listing = list_input(f"{bucket}/a.txt")
        found = [each.path.removeprefix(f"{bucket}/") for each in listing.files]
    assert found == ["a.txt", "a.txt/b.wav"]
    assert listing.left_out.summary == "1 text file (.txt), 1 output of beam-audio"


def test_pipes_sockets_and_dead_links_are_failures_and_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    put(tmp_path / "a.wav")
    os.mkfifo("pipe.wav")
    (tmp_path / "link.wav").symlink_to("none")
    (tmp_path / "zeros.wav").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.wav")
        found = {each.path: input_of_file(each) for each in match_input(".")}
    said = {
        os.path.relpath(path, tmp_path): item.message
        for path, item in found.items()
        if isinstance(item, Failure)
    }
    assert said == {
        f"{name}.wav": f"'{tmp_path}/{name}.wav' is {what}, not a regular file"
        for name, what in (
            *(("pipe", "a pipe"), ("link", "a link to nothing")),
            *(("zeros", "a device"), ("socket", "a socket")),
        )
    }
    assert isinstance(found[str(tmp_path / "a.wav")], AudioRef)


def test_a_pipe_is_one_failure_whether_a_folder_or_a_manifest_names_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (listed,) = match_input(str(tmp_path))
    in_manifest = input_of_line(str(tmp_path / "m.jsonl"), 1, line(audio_filepath="pipe"))
    assert input_of_file(listed).source_id == in_manifest.source_id


def test_an_unknown_scheme_cannot_be_listed() -> None:
    with pytest.raises(InputError, match="nosuch://"):
        match_input("nosuch://bucket/audio")
    with pytest.raises(InputError, match="nosuch://"):
        match_manifest("nosuch://bucket/m.jsonl")


def test_a_manifest_is_a_file_or_a_glob_not_a_folder(tmp_path: Path) -> None:
    first, second = put(tmp_path / "1.jsonl"), put(tmp_path / "2[x].jsonl")
    assert match_manifest(str(tmp_path / "*.jsonl")) == [str(first), str(second)]
    assert match_manifest(str(second)) == [str(second)]
    assert match_manifest(str(tmp_path)) == []
    assert match_manifest(str(tmp_path / "none.jsonl")) == []


@pytest.mark.parametrize("pattern", ["*.jsonl", "2.jsonl"])
def test_a_manifest_that_is_a_pipe_is_named_and_not_opened(tmp_path: Path, pattern: str) -> None:
    put(tmp_path / "1.jsonl", b'{"audio": "1"}\n')
    os.mkfifo(tmp_path / "2.jsonl")
    with pytest.raises(InputError, match=r"2\.jsonl' is a pipe, .*; write its lines to a file"):
        match_manifest(str(tmp_path / pattern))


def test_lines_keep_their_number_without_their_line_ends(tmp_path: Path) -> None:
    manifest = put(tmp_path / "m.jsonl", b'{"audio": "1"}\r\n\n   \n{"b": 2}\nlast')
    assert [line[1:] for line in lines(manifest)] == [
        (1, b'{"audio": "1"}'),
        (4, b'{"b": 2}'),
        (5, b"last"),
    ]


def test_a_line_without_end_is_read_in_bounded_memory(tmp_path: Path) -> None:
    manifest = put(tmp_path / "m.jsonl", b"x" * (3 << 20) + b"\n" + b'{"audio": "1"}\n')
    (_, first, long), (_, second, after) = lines(manifest)
    assert (first, second, after) == (1, 2, b'{"audio": "1"}')
    assert len(long) == (1 << 20) + 1


def lines(manifest: Path) -> list[Line]:
    found = list(read_lines(str(manifest)))
    assert not any(isinstance(each, Failure) for each in found)
    return [each for each in found if not isinstance(each, Failure)]


def line(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def ref_of_line(manifest: str, given: bytes) -> AudioRef:
    found = input_of_line(manifest, 1, given)
    assert isinstance(found, AudioRef)
    return found


def test_a_reference_holds_what_the_line_states(tmp_path: Path) -> None:
    path = put(tmp_path / "sub" / "a.wav", b"12345")
    os.utime(path, (1000.5, 1000.5))
    given = line(
        audio_filepath="sub/a.wav",
        text="one two",
        offset=1,
        duration=2.5,
        lang="en-GB",
        event_time="2020-05-06T07:08:09Z",
        speaker="s",
    )
    ref = ref_of_line(str(tmp_path / "m.jsonl"), given)
    assert (ref.uri, ref.size_bytes) == (str(path), 5)
    assert ref.updated == datetime.fromtimestamp(1000.5, UTC)
    assert ref.event_time == datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert (ref.offset_seconds, ref.duration_seconds) == (1.0, 2.5)
    assert (ref.reference_text, ref.language) == ("one two", "en")
    assert ref.metadata == (("speaker", "s"),)


def test_without_a_stated_event_time_the_file_gives_it(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav")
    ref = ref_of_line(str(tmp_path / "m.jsonl"), line(audio_filepath=str(path)))
    assert ref.event_time == ref.updated is not None


def test_a_relative_manifest_names_files_beside_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path / "a.wav")
    put(tmp_path / "m.jsonl", line(audio_filepath="a.wav"))
    monkeypatch.chdir(tmp_path)
    (found,) = lines(Path("m.jsonl"))
    assert ref_of_line(found[0], found[2]).uri == str(path)


def test_a_missing_file_is_a_failure_under_its_own_name_and_event_time(tmp_path: Path) -> None:
    given = line(audio_filepath="none.wav", event_time="2026-01-05")
    found = input_of_line(str(tmp_path / "m.jsonl"), 3, given)
    assert isinstance(found, Failure)
    assert (found.unit, found.uri) == ("input", str(tmp_path / "none.wav"))
    assert found.event_time == datetime(2026, 1, 5, tzinfo=UTC)


def test_a_broken_line_is_a_failure_that_names_the_line(tmp_path: Path) -> None:
    manifest = str(tmp_path / "m.jsonl")
    found = input_of_line(manifest, 3, b"{")
    assert isinstance(found, Failure)
    assert (found.unit, found.uri) == ("input", manifest)
    assert found.message.startswith("line 3: not JSON")


def test_source_id_follows_the_version_of_the_file_and_the_cut(tmp_path: Path) -> None:
    path = put(tmp_path / "a.wav")

    def source_id(**fields: object) -> str:
        return ref_of_line(str(tmp_path / "m"), line(audio_filepath="a.wav", **fields)).source_id

    first = source_id()
    assert source_id(text="x", duration=3, speaker="y") == first
    assert source_id(offset=0, duration=3) != first
    os.utime(path, (5, 5))
    assert source_id() != first


def test_a_channel_makes_an_input_of_its_own(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")

    def found(**fields: object) -> AudioRef:
        return ref_of_line(str(tmp_path / "m"), line(audio_filepath="a.wav", **fields))

    refs = [found(), found(channel=0), found(channel=1)]
    assert len({ref.source_id for ref in refs}) == len({ref.place_id for ref in refs}) == 3
    assert found(channel="1").source_id == found(channel=1.0).source_id == refs[2].source_id
    assert found(channel=None).source_id == refs[0].source_id


def test_a_line_gives_the_keys_of_other_tools_and_drops_null(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    for given in (
        line(file_name="./a.wav", transcription="yes", speaker=None, lang="eng"),
        line(audio=f"file://{tmp_path}/a.wav", transcript="yes", lang="English"),
    ):
        ref = ref_of_line(str(tmp_path / "m"), given)
        assert (ref.uri, ref.reference_text) == (str(tmp_path / "a.wav"), "yes")
        assert (ref.language, ref.metadata) == ("en", ())


def test_a_time_that_cannot_be_read_costs_the_time(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    ref = ref_of_line(str(tmp_path / "m"), line(audio="a.wav", event_time="yesterday"))
    assert ref.event_time == ref.updated
    assert ref.reasons == ("event_time_unreadable",)
    plain = ref_of_line(str(tmp_path / "m"), line(audio="a.wav"))
    assert (ref.source_id, ref.stated_id == plain.stated_id) == (plain.source_id, False)


def test_a_linked_folder_is_searched(tmp_path: Path) -> None:
    put(tmp_path / "in" / "a.wav")
    put(tmp_path / "elsewhere" / "b.wav")
    (tmp_path / "in" / "more").symlink_to("../elsewhere")
    (tmp_path / "in" / "loop").symlink_to(".")
    assert names(tmp_path / "in", str(tmp_path / "in")) == ["a.wav", "more/b.wav"]
    assert names(tmp_path / "in", f"{tmp_path}/in/**.wav") == ["a.wav", "more/b.wav"]


def test_a_pattern_may_be_a_file_address(tmp_path: Path) -> None:
    put(tmp_path / "a b.wav")
    assert names(tmp_path, f"file://{tmp_path}/a%20b.wav") == ["a b.wav"]
    manifest = put(tmp_path / "m.jsonl")
    assert match_manifest(f"file://localhost{manifest}") == [str(manifest)]


def test_a_manifest_of_another_form_is_refused_before_the_run(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", b"utt1 a.wav\n")
    with pytest.raises(InputError, match=r"a\.jsonl: not a manifest: line 1 is not JSON"):
        require_readable_manifest(f"{tmp_path}/*.jsonl")
    put(tmp_path / "b.jsonl", b'{"audio": "a.wav"}\n')
    require_readable_manifest(f"{tmp_path}/*.jsonl")
    refused, read = map(input_of, read_lines(f"{tmp_path}/*.jsonl"))
    assert isinstance(refused, Failure)
    assert isinstance(read, Failure)
    assert (refused.uri, read.uri) == (f"{tmp_path}/a.jsonl", f"{tmp_path}/a.wav")


SIGNED = "https://me:5ec2e7@host/a.wav?versionId=3&X-Goog-Signature=5ec2e7&st=1"


def test_a_signed_address_goes_by_what_it_is_without_its_secrets() -> None:
    given = line(audio_filepath=SIGNED, page="https://host/page?token=5ec2e7&n=1")
    failure = input_of_line("/m.jsonl", 1, given)
    assert isinstance(failure, Failure)
    assert failure.uri == "https://host/a.wav?versionId=3"
    assert "5ec2e7" not in repr(failure)
    other = input_of_line("/m.jsonl", 1, given.replace(b"5ec2e7", b"another"))
    assert other == failure


def test_no_store_is_asked_about_an_address_with_a_password() -> None:
    failure = input_of_line("/m.jsonl", 1, line(audio="s3://key:5ec2e7@bucket/a.wav"))
    assert isinstance(failure, Failure)
    assert failure.uri == "s3://bucket/a.wav"
    assert failure.message.startswith("'s3://bucket/a.wav' has a user name or password")


def test_ids_of_addresses_without_a_secret_are_those_of_earlier_versions() -> None:
    """The ids were written by the version before secrets were left out."""
    given = line(audio_filepath="nosuch://h/a.wav?versionId=3&st=1")
    failure = input_of_line("/m.jsonl", 1, given)
    assert isinstance(failure, Failure)
    assert failure.source_id == "2345297cd5b0fdef31ae91e717a6afc6"
    found = ref_of_file(StoredFile("/calls/a=1&b?c=2@d.wav", 7, 1000.25, "1000.25"))
    assert found.source_id == "638f6423e259f27ce934f465cc7da079"
    assert found.place_id == "7e5db65ec6e4d4a74e6dcebb0672e619"


def test_a_file_named_after_a_signed_address_is_read_and_goes_by_the_address(
    tmp_path: Path,
) -> None:
    name = "a.wav?X-Amz-Signature=5ec2e7"
    put(tmp_path / name)
    (listed,) = match_input(str(tmp_path))
    in_folder = input_of_file(listed)
    in_manifest = input_of_line(str(tmp_path / "m.jsonl"), 1, line(audio_filepath=name, a=name))
    assert isinstance(in_folder, AudioRef)
    assert isinstance(in_manifest, AudioRef)
    assert (in_folder.uri, in_folder.spooled_uri) == (f"{tmp_path}/a.wav", f"{tmp_path}/{name}")
    assert in_folder.source_id == in_manifest.source_id
    assert in_manifest.metadata == (("a", "a.wav"),)
