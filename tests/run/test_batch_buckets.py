"""Whole runs over buckets: every name, stores that stumble, and what is refused at once."""

from __future__ import annotations

import json
import time
import unicodedata
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from support.bucket_servers import amazon_bucket, google_bucket, put
from support.run_outputs import settings, write_speech

from beam_audio import store
from beam_audio.errors import ConfigError, StoreError
from beam_audio.inputs.listing import match_input
from beam_audio.output import commits
from beam_audio.run import batch
from beam_audio.store.credentials import require_access
from beam_audio.store.output_names import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.run.run_file import RunResult
    from beam_audio.types import Row

NAMES = [
    "plain.wav",
    "with space.wav",
    " spaces around ",
    "#1.wav",
    "what?.wav",
    "100%.wav",
    "%20.wav",
    "a[1].wav",
    "star*.wav",
    "q?a=b#c%2F&d.wav",
    "back\\slash.wav",
    "quote\"'.wav",
    unicodedata.normalize("NFC", "é.wav"),
    unicodedata.normalize("NFD", "é.wav"),
    "/leading.wav",
    "double//slash.wav",
    "trailing/",
    "a",
    "a/b",
]
FOLDER_MARKER = "folder/"


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_speech(tmp_path_factory.mktemp("speech") / "a.wav", seconds=0.6).read_bytes()


@pytest.fixture(scope="module")
def google() -> Iterator[tuple[str, tuple[str, ...]]]:
    with google_bucket() as address:
        yield address, ()


@pytest.fixture(scope="module")
def amazon() -> Iterator[tuple[str, tuple[str, ...]]]:
    with amazon_bucket() as (address, flags):
        yield address, flags


@pytest.fixture
def bucket(request: pytest.FixtureRequest) -> tuple[str, tuple[str, ...]]:
    """Address of an empty bucket, and the flags of Beam that lead to it."""
    found: tuple[str, tuple[str, ...]] = request.getfixturevalue(request.param)
    return found


def run(flags: tuple[str, ...] = (), **given: object) -> RunResult:
    return batch.run(settings(**given), flags)


def rows(output: str, table: str) -> list[Row]:
    """Rows of the part files that commit records name."""
    found: list[Row] = []
    for record in commits.read_commits(output):
        for name in record.files:
            if name.startswith(f"{table}/"):
                with store.open_to_read(f"{output}/{name}") as file:
                    found += pq.ParquetFile(file).read().to_pylist()
    return found


@pytest.mark.parametrize(
    ("bucket", "kind"),
    [
        ("google", "folder"),
        pytest.param("google", "glob", marks=pytest.mark.integration),
        pytest.param("google", "manifest", marks=pytest.mark.integration),
        pytest.param("amazon", "manifest", marks=pytest.mark.integration),
    ],
    indirect=["bucket"],
)
def test_every_object_is_read_under_its_own_name(
    bucket: tuple[str, tuple[str, ...]], speech: bytes, kind: str
) -> None:
    """Each holds audio of its own; one is broken; an empty one that ends in a slash is a folder."""
    address, flags = f"{bucket[0]}/{kind} [x]/in", bucket[1]
    names = [
        *(NAMES[3::4] if flags else NAMES),
        "broken?.wav",
    ]  # Beam makes a client of S3 for each request
    content = {
        f"{address}/{name}": speech[:-2] + index.to_bytes(2, "little")
        for index, name in enumerate(names[:-1])
    }
    for uri, audio in content.items():
        put(uri, audio)
    put(f"{address}/broken?.wav", b"no audio")
    if not flags:  # Beam cannot write empty objects to S3
        put(f"{address}/{FOLDER_MARKER}", b"")
    manifest = f"{bucket[0]}/{kind} [x]/m.jsonl"
    lines = [json.dumps({"audio_filepath": f"{address}/{name}"}) for name in names]
    put(manifest, "\n".join(lines).encode())
    source = {
        "folder": {"input": address},
        "glob": {"input": f"{bucket[0]}/{kind} [[]x]/in/**"},
        "manifest": {"manifest": manifest},
    }[kind]
    output = f"{bucket[0]}/{kind} [x]/out #1"
    result = run(flags, **source, output=output)
    assert (result.exit_status, result.listed) == (0, len(names))
    recordings = rows(output, "recordings")
    assert {row["uri"] for row in recordings} == content.keys()
    assert len({row["content_sha256"] for row in recordings}) == len(content)
    assert [row["uri"] for row in rows(output, "failures")] == [f"{address}/broken?.wav"]
    again = run(flags, **source, output=output)
    assert (again.exit_status, again.new_inputs, again.done_again) == (0, 0, 0)
    left = {file.path for file in store.files_under(output)}
    assert not any("/_tmp/" in path for path in left)


@pytest.mark.parametrize(
    "bucket",
    ["google", pytest.param("amazon", marks=pytest.mark.integration)],
    indirect=True,
)
def test_a_name_with_glob_characters_and_a_bucket_are_inputs(
    bucket: tuple[str, tuple[str, ...]],
) -> None:
    address = f"{bucket[0]}/names"
    for name in ("a[1].wav", "a1.wav", "x", "x/y.wav"):
        put(f"{address}/{name}", b"RIFF")
    put(f"{bucket[0]}/beside", b"RIFF")

    def found(pattern: str) -> set[str]:
        return {each.path for each in match_input(pattern)}

    assert found(f"{address}/a[1].wav") == {f"{address}/a1.wav"}  # a pattern when it matches
    store.delete(f"{address}/a1.wav")
    assert found(f"{address}/a[1].wav") == {f"{address}/a[1].wav"}
    assert found(f"{address}/x") == {f"{address}/x", f"{address}/x/y.wav"}
    assert found(f"{address}/x/") == {f"{address}/x/y.wav"}
    assert found(f"{address}/") == found(f"{address}/**")
    assert found(bucket[0]) > found(address)
    assert found(f"{address}/none") == set()


@pytest.mark.slow
def test_a_store_that_stumbles_costs_time_only(speech: bytes) -> None:
    """The first request of every kind is refused: it is sent once more, and not at once."""
    refused: dict[tuple[str, str | int], int] = {}
    requests, stumbling = 0, False

    def refuse(method: str, path: str, _: int) -> int | None:
        nonlocal requests
        if path.startswith("/storage/v1/b/bucket?"):
            return None  # the client library looks at buckets when it likes, in a thread
        requests += 1
        first = path.split("/")[1]
        kind = (method, first if first != "storage" else path.partition("?")[0].count("/"))
        if not stumbling or kind in refused:
            return None
        refused[kind] = 429 if len(refused) % 2 else 503
        return refused[kind]

    with google_bucket(refuse) as address:
        for name, content in (("a", speech), ("b", b"no audio")):
            put(f"{address}/in/{name}.wav", content)
        requests = 0
        run(input=f"{address}/in", output=f"{address}/calm")
        needed, requests, stumbling = requests, 0, True
        result = run(input=f"{address}/in", output=f"{address}/out")
        assert requests == needed + len(refused)
        assert (result.exit_status, result.ledger.recordings) == (0, 1)
        for table in TABLES:
            assert len(rows(f"{address}/out", table)) == len(rows(f"{address}/calm", table))
    assert {"upload", "batch"} < {first for _, first in refused}
    assert {429, 503} == set(refused.values())


@pytest.mark.parametrize("status", [403, 404])
def test_an_output_that_refuses_for_good_is_an_error_at_once(speech: bytes, status: int) -> None:
    def refuse(method: str, path: str, _: int) -> int | None:
        return status if method in {"POST", "PUT"} and "out" in path else None

    with google_bucket(refuse) as address:
        put(f"{address}/in/a.wav", speech)
        start = time.monotonic()
        with pytest.raises(StoreError, match="is not writable"):
            run(input=f"{address}/in", output=f"{address}/out")
        assert time.monotonic() - start < 10


def test_an_input_that_refuses_for_good_is_a_failure(speech: bytes) -> None:
    def refuse(method: str, path: str, _: int) -> int | None:
        return 403 if method == "GET" and "secret.wav" in path else None

    with google_bucket(refuse) as address:
        put(f"{address}/in/a.wav", speech)
        put(f"{address}/in/secret.wav", speech)
        result = run(input=f"{address}/in", output=f"{address}/out")
        (failure,) = rows(f"{address}/out", "failures")
    assert (result.exit_status, result.ledger.recordings) == (0, 1)
    assert failure["uri"] == f"{address}/in/secret.wav"
    assert "403" in failure["message"]


def test_a_bucket_that_is_not_there_matches_nothing() -> None:
    with google_bucket(), pytest.raises(ConfigError, match="gs://no-such-bucket"):
        run(input="gs://no-such-bucket/in", output="out")


@pytest.mark.integration
def test_worker_processes_are_told_where_the_store_is(
    amazon: tuple[str, tuple[str, ...]], speech: bytes
) -> None:
    address, flags = amazon
    require_access([address], PipelineOptions(list(flags)))  # runs before had other options
    put(f"{address}/workers/in/a.wav", speech)
    processes = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    source, output = f"{address}/workers/in", f"{address}/workers/out"
    result = run((*flags, *processes), input=source, output=output)
    assert (result.exit_status, result.ledger.recordings) == (0, 1)
