"""Stores that refuse, stop in the middle or are slow: no input is failed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from google.cloud.storage.retry import DEFAULT_RETRY
from support.bucket_servers import google_bucket, put
from support.run_outputs import all_rows, run_words, write_manifest, write_speech

if TYPE_CHECKING:
    from pathlib import Path

    from support.bucket_servers import Trouble
    from support.run_outputs import Command

pytestmark = pytest.mark.integration

NAMES = ("a", "b", "c")
REFUSED = "give this account the right to read them"
AWAY = "wait until the network and the store answer"
PATIENCE_SECONDS = 2.0
"""The client asks again for two minutes; here for as long as this."""


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_speech(tmp_path_factory.mktemp("speech") / "a.wav", seconds=0.6).read_bytes()


class Store:
    """What is asked of a bucket has trouble as long as there is any, if its path names it."""

    def __init__(self, trouble: Trouble | None, where: str, times: int = 1 << 30) -> None:
        self.trouble = trouble
        self._where = where
        self._times = times

    def refuse(self, method: str, path: str, times: int) -> Trouble | None:
        is_meant = method == "GET" and self._where in path and times <= self._times
        return self.trouble if is_meant else None


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DEFAULT_RETRY, "_timeout", PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("trouble", "by_manifest"),
    [
        *((trouble, False) for trouble in (401, 403, 408, 429, 500, 503, "cut")),
        *((trouble, True) for trouble in (401, 403, 503)),
    ],
)
def test_a_store_in_trouble_ends_the_run_and_the_next_run_reads_everything(
    command: Command,
    speech: bytes,
    tmp_path: Path,
    trouble: Trouble,
    by_manifest: bool,  # noqa: FBT001 - a parameter
) -> None:
    store = Store(trouble, ".wav")
    output = tmp_path / "out"
    with google_bucket(store.refuse) as address:
        for name in NAMES:
            put(f"{address}/in/{name}.wav", speech)
        words = run_words(f"{address}/in", output)
        if by_manifest:
            lines = [{"audio_filepath": f"{address}/in/{name}.wav"} for name in NAMES]
            words[1] = f"--manifest={write_manifest(tmp_path / 'm.jsonl', lines)}"
        status, _, complaint = command(*words)
        assert status == 1
        assert complaint.startswith("beam-audio: the run failed: ")
        assert (REFUSED if trouble in {401, 403} else AWAY) in complaint
        assert complaint.count("\n") == 1
        assert not any(all_rows(output).values())
        store.trouble = None
        status, out, _ = command(*words)
    assert status == 0
    assert "done before" not in out
    assert len(all_rows(output)["recordings"]) == len(NAMES)
    assert not all_rows(output)["failures"]


@pytest.mark.parametrize("status_of_one", [403, 404])
def test_one_object_that_is_refused_is_its_own_failure(
    command: Command, speech: bytes, tmp_path: Path, status_of_one: int
) -> None:
    output = tmp_path / "out"
    with google_bucket(Store(status_of_one, "b.wav").refuse) as address:
        for name in NAMES:
            put(f"{address}/in/{name}.wav", speech)
        status, _, _ = command(*run_words(f"{address}/in", output))
    (failure,) = all_rows(output)["failures"]
    assert status == 0
    assert failure["uri"] == f"{address}/in/b.wav"
    assert failure["error_type"] == {403: "AccessError", 404: "InputError"}[status_of_one]
    assert len(all_rows(output)["recordings"]) == len(NAMES) - 1


@pytest.mark.parametrize(("trouble", "times"), [("cut", 1), ("slow", 1 << 30), (503, 1)])
def test_a_store_that_stumbles_or_is_slow_costs_time_only(
    command: Command, speech: bytes, tmp_path: Path, trouble: Trouble, times: int
) -> None:
    output = tmp_path / "out"
    with google_bucket(Store(trouble, ".wav", times).refuse) as address:
        for name in NAMES:
            put(f"{address}/in/{name}.wav", speech)
        status, _, complaint = command(*run_words(f"{address}/in", output))
    assert (status, complaint) == (0, "")
    assert len(all_rows(output)["recordings"]) == len(NAMES)
    assert not all_rows(output)["failures"]
