"""What Prometheus and those who probe a stream are answered over HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families
from support.free_ports import free_port
from support.intervals import INTERVAL

from beam_audio.command.metrics_server import serving
from beam_audio.errors import ConfigError
from beam_audio.stream.progress import StreamProgress

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOPBACK = "127.0.0.1"


@pytest.fixture
def progress() -> StreamProgress:
    return StreamProgress()


@pytest.fixture
def address(progress: StreamProgress) -> Iterator[str]:
    port = free_port()
    with serving(progress, LOOPBACK, port, max_wait_seconds=30.0):
        yield f"http://{LOOPBACK}:{port}"


def asked(url: str, accept: str = "*/*") -> tuple[int, str]:
    """Status and body of an answer."""
    try:
        with urlopen(Request(url, headers={"Accept": accept}), timeout=10) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_a_scrape_is_read_by_prometheuss_parser(progress: StreamProgress, address: str) -> None:
    progress.settle(INTERVAL, returned=0)
    status, body = asked(f"{address}/metrics")
    assert status == 200
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    assert samples["beam_audio_segments_total", "keep"] == 6
    assert samples["beam_audio_lag_seconds_count",] == 3
    assert samples["process_resident_memory_bytes",] > 0


def test_a_scrape_in_openmetrics_is_one_too(address: str) -> None:
    _, body = asked(f"{address}/metrics", "application/openmetrics-text; version=1.0.0")
    names = {family.name for family in parser.text_string_to_metric_families(body)}
    assert {"beam_audio_ready", "beam_audio_segments"} <= names


def test_a_stream_is_ready_once_it_reads(progress: StreamProgress, address: str) -> None:
    assert asked(f"{address}/healthz") == (200, "OK\n")
    assert asked(f"{address}/readyz") == (503, "Service Unavailable\n")
    progress.begin("run")
    assert asked(f"{address}/readyz") == (200, "OK\n")


def test_a_stream_that_is_stuck_is_not_well(progress: StreamProgress, address: str) -> None:
    progress.begin("run")
    progress.status = type(progress.status)(run_id="run", looked_seconds=time.time() - 121)
    assert asked(f"{address}/healthz")[0] == 503
    assert asked(f"{address}/readyz")[0] == 503
    assert "beam_audio_ready 0.0" in asked(f"{address}/metrics")[1]


def test_nothing_else_is_served(address: str) -> None:
    assert asked(f"{address}/") == (404, "Not Found\n")
    assert asked(f"{address}/metrics?x=1")[0] == 200


def test_a_port_that_is_taken_is_named(progress: StreamProgress, address: str) -> None:
    port = int(address.rpartition(":")[2])
    with (
        pytest.raises(ConfigError, match=f"--metrics_port={port} cannot be served"),
        serving(progress, LOOPBACK, port, 1.0),
    ):
        pass
    with (
        pytest.raises(ConfigError, match="--metrics_port=99999"),
        serving(progress, LOOPBACK, 99999, 1.0),
    ):
        pass
