"""A stream on the local runner, one interval after the other.

Beam's local runner would acknowledge messages before any work is done. Here an interval is what was
read together: the graph runs on these messages, and they are acknowledged once their rows are
committed.
"""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio import store
from beam_audio.errors import BeamAudioError, ConfigError
from beam_audio.output import processes
from beam_audio.output.folder import in_use
from beam_audio.run.job import check_run, committed_before, delete_left_overs
from beam_audio.run.runners import choose_runner, is_local
from beam_audio.run.stream import READERS, Intervals, begin, build
from beam_audio.store.output_names import LEDGERS
from beam_audio.stream.interval import Interval
from beam_audio.stream.progress import StreamProgress
from beam_audio.stream.subscription import Subscription, apart

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Sequence

    from beam_audio.inputs.messages import Message
    from beam_audio.run.config import RunConfig
    from beam_audio.run.job import Job
    from beam_audio.stream.subscription import Held

_LOG: Final = logging.getLogger(__name__)


def run_stream(
    config: RunConfig,
    beam_flags: Sequence[str],
    *,
    stop: threading.Event,
    report: Callable[[Interval], None],
    progress: StreamProgress | None = None,
) -> None:
    """Take messages until ``stop`` is set; those in progress then are finished and acknowledged.

    A message that another run is working on is delivered again.

    Args:
        config: The flags.
        beam_flags: Flags of Beam.
        stop: Ends the stream.
        report: Is called with each interval.
        progress: Is kept up to date, for other threads.

    Raises:
        ConfigError: The flags cannot be run, the runner is not the local one, or the subscription
            cannot be read.
        StoreError: The output cannot be written.
        ModelError: The model cannot be loaded.
        BeamAudioError: An interval's ledger does not balance; its messages are delivered again.
    """
    options = PipelineOptions(list(beam_flags))
    if config.subscription is None or not is_local(options):
        raise ConfigError(READERS)
    progress = progress or StreamProgress()
    with Subscription(config.subscription) as subscription:
        job = check_run(config, options)
        next(committed_before(job), None)
        with in_use(job.output, lambda: delete_left_overs(job)):
            watch = begin(job, processes.own())
            progress.begin(job.run_id)
            _LOG.info("ready", extra={"event": "ready", "run_id": job.run_id})
            taken = _take(subscription, config.max_wait_seconds, stop, progress)
            for number, held in enumerate(taken, start=1):
                progress.take([each.message.published.timestamp() for each in held])
                intervals = Intervals(f"{job.run_id}-{number:06}", None, watch)
                interval = _run_interval(job, options, intervals, held)
                returned = _settle(subscription, held, interval)
                progress.settle(interval, returned)
                if interval is not None:
                    report(interval)


def read_held(
    pipeline: beam.Pipeline, messages: Sequence[Message], folder: str
) -> beam.PCollection[Message]:
    """Bring messages into a pipeline through files: Beam compresses a graph's own data repeatedly.

    Args:
        pipeline: The pipeline.
        messages: The messages.
        folder: An empty folder for the files.
    """
    paths = [Path(folder, str(number)) for number in range(len(messages))]
    for path, message in zip(paths, messages, strict=True):
        path.write_bytes(pickle.dumps(message))
    return pipeline | "Messages" >> beam.Create(map(str, paths)) | "Load" >> beam.Map(_load)


def _load(path: str) -> Message:
    message: Message = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written above
    return message


def _take(
    subscription: Subscription,
    max_wait_seconds: float,
    stop: threading.Event,
    progress: StreamProgress,
) -> Iterator[Sequence[Held]]:
    """Messages to process together, again and again until ``stop`` is set.

    Those collected and not processed by then are returned when the subscription is closed.
    """
    while not stop.is_set():
        collected = subscription.collect(max_wait_seconds, stop)
        progress.look(subscription.answered_seconds)
        for held in apart(collected):
            if not stop.is_set():
                yield held


def _run_interval(
    job: Job, options: PipelineOptions, intervals: Intervals, held: Sequence[Held]
) -> Interval | None:
    """Run the graph on messages; returns their interval, None when no ledger was written.

    Raises:
        BeamAudioError: The ledger does not balance.
    """
    with TemporaryDirectory() as folder:
        pipeline = beam.Pipeline(runner=choose_runner(options), options=options)
        messages = read_held(pipeline, [each.message for each in held], folder)
        build(messages, job, intervals)
        pipeline.run().wait_until_finish()
    return _read_interval(job.output, intervals.name)


def _read_interval(output: str, name: str) -> Interval | None:
    if not store.exists(store.join(output, LEDGERS, f"{name}.json")):
        return None
    interval = Interval.read(output, name)
    if not interval.balances:
        raise BeamAudioError(
            f"the ledger {output}/{LEDGERS}/{name}.json does not balance; "
            "its messages will be delivered again"
        )
    return interval


def _settle(subscription: Subscription, held: Sequence[Held], interval: Interval | None) -> int:
    """Acknowledge the messages whose rows are committed; returns how many come again."""
    done = [m for m in held if interval and m.message.message_id not in interval.waiting]
    subscription.acknowledge(done)
    others = len(held) - len(done)
    if others:
        subscription.let_lapse(held)
        _LOG.warning(
            "%d messages will come again: another run is working on their inputs",
            others,
            extra={"event": "returned", "messages": others},
        )
    return others
