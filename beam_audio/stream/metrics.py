"""Metrics of a stream in Prometheus's terms, from what its intervals say.

Each figure comes from rows and commit records, so it is right wherever the units ran.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector

from beam_audio.stream.lags import BOUNDS
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client import Metric

    from beam_audio.stream.progress import StreamProgress, StreamStatus
    from beam_audio.stream.totals import Totals


class StreamMetrics(Collector):
    """The metrics of a stream, as they are whenever they are asked for.

    Args:
        progress: The stream.
        is_ready: Whether it reads messages now.
        now: The time, in seconds since the epoch.
    """

    def __init__(
        self,
        progress: StreamProgress,
        is_ready: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self._progress = progress
        self._is_ready = is_ready
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Every metric; the library calls it."""
        status = self._progress.status
        yield InfoMetricFamily("beam_audio", "Version.", {"version": __version__})
        yield GaugeMetricFamily(
            "beam_audio_ready", "1 while messages are read.", float(self._is_ready())
        )
        yield from _present(status, self._now())
        yield from _counted(status.totals)
        yield from _by_label(status.totals)
        yield _lags(status.totals)


def _present(status: StreamStatus, now_seconds: float) -> Iterator[Metric]:
    """What is true at this moment."""
    published = status.published_seconds
    for name, text, value in (
        ("messages_in_flight", "Messages at work.", len(published)),
        (
            "oldest_message_age_seconds",
            "Time since the oldest message at work was published; 0 for none.",
            max(now_seconds - min(published), 0.0) if published else 0.0,
        ),
        (
            "last_poll_timestamp_seconds",
            "When messages were last asked for; 0 for never.",
            status.looked_seconds,
        ),
        (
            "last_commit_timestamp_seconds",
            "When units were last committed; 0 for never.",
            status.committed_seconds,
        ),
    ):
        yield GaugeMetricFamily(f"beam_audio_{name}", text, value)


def _counted(totals: Totals) -> Iterator[Metric]:
    for name, text, value in (
        ("intervals", "Intervals closed.", totals.intervals),
        ("units", "Units committed.", totals.units),
        ("recordings", "Recordings with rows.", totals.recordings),
        ("returned_messages", "Messages given back; they come again.", totals.returned),
        ("drift_alerts", "Alerts of drift.", totals.alerts),
    ):
        yield CounterMetricFamily(f"beam_audio_{name}", text, value)


def _by_label(totals: Totals) -> Iterator[Metric]:
    labelled: tuple[tuple[str, str, str, Mapping[str, float]], ...] = (
        ("messages", "Messages finished.", "outcome", totals.messages),
        ("segments", "Segments with rows.", "decision", totals.segments),
        ("audio_seconds", "Audio decoded, by its fate.", "destination", totals.audio_seconds),
        ("failures", "Rows in failures/.", "stage", totals.failures),
        ("stage_seconds", "Time by stage, all threads added.", "stage", totals.stage_seconds),
    )
    for name, text, label, values in labelled:
        family = CounterMetricFamily(f"beam_audio_{name}", text, labels=[label])
        for value, count in values.items():
            family.add_metric([value], count)
        yield family


def _lags(totals: Totals) -> Metric:
    return HistogramMetricFamily(
        "beam_audio_lag_seconds",
        "Time from a message's publication to its commit.",
        buckets=[(bound, totals.lag_counts[bound]) for bound in BOUNDS],
        sum_value=totals.lag_sum_seconds,
    )
