"""Objects of a bucket: listed and found by their literal names, distinguished by generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.bucket_servers import get, google_bucket, google_client, put

from beam_audio import store
from beam_audio.store import gcs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with google_bucket() as address:
        yield address


def test_an_address_has_a_bucket_and_a_name() -> None:
    assert gcs.bucket_and_name("gs://b/a/b c#?.wav") == ("b", "a/b c#?.wav")
    assert gcs.bucket_and_name("gs://b//a") == ("b", "/a")
    assert gcs.bucket_and_name("gs://b") == gcs.bucket_and_name("gs://b/") == ("b", "")


def test_objects_are_listed_and_found_by_their_names(bucket: str) -> None:
    names = ["x/a", "x/a/b", "x/[1]*?#%20 ü"]
    for name in names:
        put(f"{bucket}/{name}", name.encode())
    listed = {each.path: each for each in gcs.objects(google_client(), f"{bucket}/x/")}
    assert listed.keys() == {f"{bucket}/{name}" for name in names}
    for uri, each in listed.items():
        assert gcs.find(google_client(), uri) == each
        assert each.size_in_bytes == len(get(uri))
        assert each.last_updated_in_seconds > 1.7e9
    assert gcs.find(google_client(), f"{bucket}/x") is None
    assert list(gcs.objects(google_client(), f"{bucket}/none")) == []


def test_every_write_is_a_new_generation(bucket: str) -> None:
    versions = []
    for content in (b"1", b"1", b"2"):
        put(f"{bucket}/generation", content)
        versions.append(store.stat(f"{bucket}/generation").version)
    assert len(set(versions)) == 3
    assert sorted(versions) == versions


def test_deleting_takes_names_literally_and_accepts_missing_objects(bucket: str) -> None:
    kept = [f"{bucket}/delete/{name}" for name in ("ab", "a1", "axxb")]
    gone = [f"{bucket}/delete/{name}" for name in ("a*b", "a[1]", "a?b")]
    for uri in [*kept, *gone]:
        put(uri, b"x")
    store.delete(*gone, f"{bucket}/delete/never-there")
    left = {each.path for each in store.files_under(f"{bucket}/delete")}
    assert left == set(kept)
