"""Conditional writes: one of many writers wins, on every store that supports it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support.bucket_servers import amazon_bucket, get, google_bucket, put

from beam_audio import store
from beam_audio.errors import StoreError
from beam_audio.store.compare_and_swap import swap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITERS = 8
ODD_FOLDER = "out [1] #ü"


@pytest.fixture(scope="module", params=["gs", "s3"])
def bucket(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "gs":
        with google_bucket() as address:
            yield f"{address}/{ODD_FOLDER}"
    else:
        with amazon_bucket() as (address, _):
            yield f"{address}/{ODD_FOLDER}"


@pytest.fixture(scope="module", params=["local", "gs"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Stores for races; the S3 emulator is none, as it does not lock its own objects."""
    if request.param == "local":
        yield str(tmp_path_factory.mktemp("root"))
    else:
        with google_bucket() as address:
            yield f"{address}/{ODD_FOLDER}"


def is_nothing(current: bytes | None) -> bool:
    return current is None


def test_a_file_is_written_if_there_is_none_and_is_not_overwritten(root: str) -> None:
    assert swap(root, "first/a", b"one", is_nothing) == b"one"
    assert swap(root, "first/a", b"two", is_nothing) == b"one"
    assert get(f"{root}/first/a") == b"one"
    assert swap(root, "first/none", b"x", lambda current: current is not None) is None
    assert not store.exists(f"{root}/first/none")


def test_the_present_content_is_asked_about(root: str) -> None:
    put(f"{root}/second/a", b"one")
    assert swap(root, "second/a", b"two", lambda current: current == b"one") == b"two"
    assert get(f"{root}/second/a") == b"two"


def test_a_writer_between_question_and_write_is_not_overwritten(bucket: str) -> None:
    """In a bucket only: on a disk a lock keeps other writers out."""
    seen = []

    def is_nothing_yet(current: bytes | None) -> bool:
        seen.append(current)
        if len(seen) == 1:
            put(f"{bucket}/between/a", b"faster")
        return current is None

    assert swap(bucket, "between/a", b"slower", is_nothing_yet) == b"faster"
    assert seen == [None, b"faster"]


def test_a_writer_that_replaces_the_file_meanwhile_is_not_overwritten(bucket: str) -> None:
    put(f"{bucket}/replaced/a", b"one")

    def is_one(current: bytes | None) -> bool:
        if current == b"one":
            put(f"{bucket}/replaced/a", b"faster")
        return current == b"one"

    assert swap(bucket, "replaced/a", b"slower", is_one) == b"faster"
    assert get(f"{bucket}/replaced/a") == b"faster"


def test_one_of_many_writers_wins(root: str) -> None:
    start = threading.Barrier(WRITERS)

    def write(number: int) -> bytes | None:
        start.wait()
        return swap(root, "race/a", b"%d" % number, is_nothing)

    with ThreadPoolExecutor(WRITERS) as pool:
        seen = set(pool.map(write, range(WRITERS)))
    assert seen == {get(f"{root}/race/a")}


def test_no_write_is_lost_between_question_and_answer(root: str) -> None:
    put(f"{root}/count/a", b"0")
    start = threading.Barrier(WRITERS)

    def add_one(writer: int) -> None:
        start.wait()
        done = False
        while not done:
            before = get(f"{root}/count/a")
            content = b"%d by %d" % (int(before.split()[0]) + 1, writer)
            standing = swap(root, "count/a", content, before.__eq__)
            done = standing == content

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(add_one, range(WRITERS)))
    assert int(get(f"{root}/count/a").split()[0]) == WRITERS


def test_a_missing_bucket_is_an_error_at_once(bucket: str) -> None:
    with pytest.raises(StoreError, match="cannot write"):
        swap(f"{store.scheme(bucket)}://no-such-bucket", "a", b"x", is_nothing)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot write"):
        swap(str(tmp_path / "file"), "a", b"x", is_nothing)
