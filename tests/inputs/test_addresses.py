"""Addresses of one file have one spelling."""

from __future__ import annotations

from pathlib import Path

import pytest

from beam_audio.errors import InputError
from beam_audio.inputs.addresses import beside, one_spelling, plain_address, require_store


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("file:///a%20b/c%25.wav", "/a b/c%.wav"),
        ("file://localhost/a.wav", "/a.wav"),
        ("FILE:///a.wav", "/a.wav"),
        ("file:/a.wav", "/a.wav"),
        ("/a%20b.wav", "/a%20b.wav"),
        ("a.wav", "a.wav"),
        ("~a.wav", "~a.wav"),
        ("gs://b/a%20b~.wav", "gs://b/a%20b~.wav"),
    ],
)
def test_file_addresses_become_paths_and_others_stay(address: str, plain: str) -> None:
    assert plain_address(address) == plain


def test_the_home_folder_is_filled_in() -> None:
    assert plain_address("~/a.wav") == str(Path.home() / "a.wav")


def test_a_file_of_another_machine_is_refused() -> None:
    with pytest.raises(InputError, match=r"machine 'server'.*file:///path"):
        plain_address("file://server/share/a.wav")


@pytest.mark.parametrize(
    "path", ["a.wav", "./a.wav", ".//a.wav", "sub/../a.wav", "/data/a.wav", "/data/./a.wav"]
)
def test_every_spelling_beside_a_manifest_is_one_place(path: str) -> None:
    assert beside(path, "/data/m.jsonl") == "/data/a.wav"


def test_a_folder_before_two_dots_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real/deep")
    path = f"{tmp_path}/link/../a.wav"
    assert one_spelling(path) == path
    assert one_spelling(f"{tmp_path}/real/../a.wav") == f"{tmp_path}/a.wav"


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("a.wav", "gs://b/set/a.wav"),
        ("./a.wav", "gs://b/set/a.wav"),
        ("../a.wav", "gs://b/a.wav"),
        ("../../a.wav", "gs://b/a.wav"),
        ("x//a.wav", "gs://b/set/x//a.wav"),
        ("s3://c/./a.wav", "s3://c/./a.wav"),
        ("/a.wav", "/a.wav"),
    ],
)
def test_names_in_buckets_are_literal(path: str, address: str) -> None:
    assert beside(path, "gs://b/set/m.jsonl") == address


@pytest.mark.parametrize("address", ["https://host/a.wav", "HTTP://h/a", "ftp://h/a"])
def test_an_address_on_a_web_server_is_refused_with_what_to_do(address: str) -> None:
    with pytest.raises(InputError, match=r"copy it there, or name the object as gs://"):
        require_store(address)


@pytest.mark.parametrize("address", ["s3://key:secret@b/a.wav", "gs://me@b"])
def test_an_address_with_a_user_name_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="has a user name or password"):
        require_store(address)


@pytest.mark.parametrize("address", ["gs://", "s3:///", "gs:////"])
def test_an_address_without_a_bucket_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="names no bucket"):
        require_store(address)


@pytest.mark.parametrize(
    "address", ["/a.wav", "gs://b/me@x.wav", "/a@b", "gs://b/https://h", "s3://b/a", "/https://h"]
)
def test_other_addresses_may_be_in_a_store(address: str) -> None:
    require_store(address)
