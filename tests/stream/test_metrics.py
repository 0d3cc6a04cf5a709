"""The metrics of a stream, as Prometheus's own parser reads them."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics import exposition, parser
from prometheus_client.parser import text_string_to_metric_families
from support.intervals import INTERVAL

from beam_audio.stream.lags import BOUNDS
from beam_audio.stream.metrics import StreamMetrics
from beam_audio.stream.progress import StreamProgress

NOW = 1000.0


@pytest.fixture
def progress() -> StreamProgress:
    return StreamProgress(lambda: NOW)


@pytest.fixture
def registry(progress: StreamProgress) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(StreamMetrics(progress, lambda: True, lambda: NOW))
    return registry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    found: float | None = registry.get_sample_value(f"beam_audio_{name}", labels)
    return found


def test_counters_say_what_the_intervals_did(
    progress: StreamProgress, registry: CollectorRegistry
) -> None:
    for _ in range(2):
        progress.settle(INTERVAL, returned=1)
    assert value(registry, "segments_total", decision="keep") == 12
    assert value(registry, "audio_seconds_total", destination="drop") == 4.0
    assert value(registry, "failures_total", stage="read") == 2
    assert value(registry, "messages_total", outcome="repeated") == 4
    assert value(registry, "stage_seconds_total", stage="device_busy") == 6.0
    assert value(registry, "returned_messages_total") == 2
    assert value(registry, "drift_alerts_total") == 2
    assert value(registry, "last_commit_timestamp_seconds") == NOW


def test_lags_are_a_histogram(progress: StreamProgress, registry: CollectorRegistry) -> None:
    progress.settle(INTERVAL, returned=0)
    counts = [value(registry, "lag_seconds_bucket", le=bound) for bound in BOUNDS]
    assert counts[:4] == [0, 1, 2, 3]
    assert counts == sorted(counts, key=float)  # type: ignore[arg-type] # none is missing
    assert value(registry, "lag_seconds_count") == 3
    assert value(registry, "lag_seconds_sum") == 14.0


def test_gauges_say_what_is_at_work(progress: StreamProgress, registry: CollectorRegistry) -> None:
    assert value(registry, "messages_in_flight") == 0
    assert value(registry, "oldest_message_age_seconds") == 0.0
    progress.take([NOW - 20.0, NOW - 90.0, NOW + 5.0])
    assert value(registry, "messages_in_flight") == 3
    assert value(registry, "oldest_message_age_seconds") == 90.0


def test_series_are_there_before_anything_happened(registry: CollectorRegistry) -> None:
    """A rate over a series that begins at one misses the first of it."""
    assert value(registry, "segments_total", decision="review") == 0
    assert value(registry, "failures_total", stage="recognise") == 0
    assert value(registry, "lag_seconds_count") == 0


def test_series_are_as_many_after_a_year(
    progress: StreamProgress, registry: CollectorRegistry
) -> None:
    progress.settle(INTERVAL, returned=0)
    before = len(generate_latest(registry).splitlines())
    for _ in range(100):
        progress.settle(INTERVAL, returned=0)
    assert len(generate_latest(registry).splitlines()) == before


def test_both_of_prometheuss_formats_are_well_formed(
    progress: StreamProgress, registry: CollectorRegistry
) -> None:
    progress.settle(INTERVAL, returned=0)
    plain = text_string_to_metric_families(generate_latest(registry).decode())
    strict = parser.text_string_to_metric_families(exposition.generate_latest(registry).decode())
    assert {"beam_audio_segments", "beam_audio_lag_seconds"} <= {each.name for each in plain}
    assert {"beam_audio_segments", "beam_audio_lag_seconds"} <= {each.name for each in strict}
