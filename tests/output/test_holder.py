"""A batch holds its output: a second one is refused, a dead one is taken over and closed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.bucket_servers import google_bucket

from beam_audio import store
from beam_audio.errors import HeldError, StoreError
from beam_audio.output import holder as holders
from beam_audio.output.claims import Claim, claim_files, read_claims, write_claim
from beam_audio.output.commits import is_closed
from beam_audio.output.holder import (
    Holder,
    held,
    let_go,
    living_batch,
    require_free,
    require_held,
    take,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = Holder.here("first", ends_with_process=True)
SECOND = replace(HERE, run_id="second")
ELSEWHERE = replace(HERE, run_id="far", host="far-host", process="boot pid:[1] 7 1234")
JOB = Holder.here("job", ends_with_process=False)
SAY_NAME = "from beam_audio.output import processes; print(processes.own())"


@pytest.fixture(params=["disk", "bucket"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "disk":
        yield str(tmp_path)
        return
    with google_bucket() as bucket:
        yield f"{bucket}/out"


def begin_and_fail(root: str) -> None:
    write_claim(root, Claim("u", 1, "first", {}))
    raise StoreError("the disk is full")


def minutes_later(monkeypatch: pytest.MonkeyPatch, minutes: float) -> None:
    """Let the store's clock go on."""
    present = vars(holders)["present_seconds"]
    monkeypatch.setattr(holders, "present_seconds", lambda root: present(root) + 60 * minutes)


def test_a_second_batch_is_refused_until_the_first_has_ended(root: str) -> None:
    with held(root, HERE):
        with pytest.raises(HeldError, match=r"in use by batch first, which .* started \d+ s ago"):
            take(root, SECOND)
        with pytest.raises(HeldError, match="wait until it has ended"):
            require_free(root)
        take(root, HERE)  # a repeated beginning of the same run
        assert living_batch(root) == "first"
    require_free(root)
    assert living_batch(root) is None
    take(root, SECOND)
    require_held(root, "second")


def test_of_many_that_begin_at_once_one_gets_the_output(root: str) -> None:
    outcomes: list[str] = []

    def begin(number: int) -> None:
        try:
            take(root, replace(HERE, run_id=str(number)))
            outcomes.append("held")
        except HeldError:
            outcomes.append("refused")

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["held", *["refused"] * 5]


def test_a_dead_process_is_taken_over_and_its_units_are_closed(tmp_path: Path) -> None:
    root = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SAY_NAME], check=True, capture_output=True, text=True
    )
    take(root, replace(HERE, process=done.stdout.strip()))
    write_claim(root, Claim("u", 1, "first", {"source": "place"}))
    take(root, SECOND)
    assert is_closed(root, "u")
    assert claim_files(root) == []
    with pytest.raises(HeldError, match="was taken over by another batch"):
        require_held(root, "first")
    let_go(root, "first")  # it is not the first one's any more
    require_held(root, "second")


def test_another_machine_is_dead_after_minutes_without_a_sign(
    root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(root, ELSEWHERE)
    minutes_later(monkeypatch, 4)
    with pytest.raises(HeldError, match=r"far-host started 4 min ago.*delete .*/_units/\.batch"):
        take(root, SECOND)
    minutes_later(monkeypatch, 2)
    take(root, SECOND)
    require_held(root, "second")


def test_a_job_is_alive_as_long_as_it_begins_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = str(tmp_path)
    take(root, JOB)
    minutes_later(monkeypatch, 70)
    write_claim(root, Claim("u", 1, "job", {}))
    (path,) = claim_files(root)
    in_15_minutes = path.last_updated_in_seconds + 15 * 60
    os.utime(path.path, (in_15_minutes, in_15_minutes))
    with pytest.raises(HeldError, match="gave its last sign of life 55 min ago"):
        take(root, SECOND)
    minutes_later(monkeypatch, 10)
    take(root, SECOND)


def test_a_living_batch_gives_signs_of_life(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holders, "BEAT_SECONDS", 0.02)
    uri = store.join(root, "_units/.batch")

    def content() -> bytes:
        with store.open_to_read(uri) as file:
            return file.read()

    seen: set[bytes] = set()
    with held(root, HERE):
        while len(seen) < 3:
            seen.add(content())
    assert not store.exists(uri)


def test_a_job_that_is_no_longer_waited_for_keeps_its_output(tmp_path: Path) -> None:
    root = str(tmp_path)
    with pytest.raises(KeyboardInterrupt), held(root, JOB):
        raise KeyboardInterrupt
    with pytest.raises(HeldError, match="in use by batch job"):
        take(root, HERE)
    let_go(root, "job")
    with pytest.raises(KeyboardInterrupt), held(root, HERE):
        raise KeyboardInterrupt
    require_free(root)


def test_a_batch_that_fails_leaves_its_claims_to_be_closed(tmp_path: Path) -> None:
    root = str(tmp_path)
    with pytest.raises(StoreError), held(root, HERE):
        begin_and_fail(root)
    assert len(read_claims(root)) == 1
    with held(root, SECOND):
        assert is_closed(root, "u")


def test_a_batch_that_cannot_begin_does_not_hold_the_output(tmp_path: Path) -> None:
    root = str(tmp_path)
    with pytest.raises(StoreError), held(root, HERE):
        begin_and_fail(root)
    (claim,) = (tmp_path / "_claims").rglob("*.json")
    whole = claim.read_bytes()
    claim.write_bytes(b"{")
    with pytest.raises(StoreError), held(root, SECOND):
        pass
    claim.write_bytes(whole)
    with held(root, replace(SECOND, run_id="third")):
        assert is_closed(root, "u")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "_units").mkdir()
    (tmp_path / "_units" / ".batch").write_bytes(b"[")
    with pytest.raises(StoreError, match=r"_units/\.batch.*delete it"):
        require_free(str(tmp_path))
