"""Recordings as they land: the graph of a stream, and who reads its messages.

Beam's local runner would acknowledge messages before any work. There the graph runs on one
interval's messages at a time, which are acknowledged when their rows are there. Dataflow reads by
itself.
"""

from __future__ import annotations

import logging
import pickle
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import apache_beam as beam
from apache_beam.io import ReadFromPubSub
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from beam_audio import store
from beam_audio.errors import BeamAudioError, ConfigError, StoreError
from beam_audio.inputs.messages import Message
from beam_audio.output import commits
from beam_audio.output.folder import in_use
from beam_audio.run.batch import check_run
from beam_audio.run.runners import choose_runner, is_dataflow, is_local
from beam_audio.store.output_names import LEDGERS
from beam_audio.stream.close_interval import Watch
from beam_audio.stream.drift import read_profile
from beam_audio.stream.interval import Done, Interval
from beam_audio.stream.outbox import publish_left_over
from beam_audio.stream.reservations import forget_places, index_commits
from beam_audio.stream.subscription import Subscription
from beam_audio.stream.topic import Topic
from beam_audio.transforms.arrivals import REPEATED, UNITS, GroupArrivals
from beam_audio.transforms.close_intervals import CloseIntervals
from beam_audio.transforms.publish import NoteUnits, PublishAlerts, PublishRows
from beam_audio.transforms.read import FAILURES, REFS
from beam_audio.transforms.read_messages import ARRIVALS, ReadMessages
from beam_audio.transforms.units import RunUnits

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from apache_beam.io.gcp.pubsub import PubsubMessage
    from apache_beam.runners.runner import PipelineResult
    from apache_beam.utils.timestamp import Timestamp

    from beam_audio.run.batch import Prepared
    from beam_audio.run.config import RunConfig
    from beam_audio.stream.subscription import Held
    from beam_audio.unit.transcribe import UnitReport

INTERVAL_SECONDS: Final = 300.0
"""Of a service that reads by itself; on the local runner an interval is what was read together."""

_LOG: Final = logging.getLogger(__name__)
_READERS: Final = "--subscription is read on the local runner and by --runner=DataflowRunner only"


def run_stream(
    config: RunConfig,
    beam_flags: Sequence[str],
    *,
    stop: threading.Event,
    report: Callable[[Interval], None],
) -> None:
    """Take messages until ``stop`` is set; what is at work then is finished and acknowledged.

    Messages that nothing came of, as another run took over what they ask for, come again.

    Raises:
        ConfigError: Flags that cannot be run, a runner other than the local one, or a subscription
            that cannot be read.
        StoreError: The output cannot be written.
        ModelError: The model cannot be had.
        BeamAudioError: An interval's ledger does not balance; its messages are delivered again.
    """
    options = PipelineOptions(list(beam_flags))
    if config.subscription is None or not is_local(options):
        raise ConfigError(_READERS)
    with Subscription(config.subscription) as subscription:
        job = check_run(config, options)
        output = config.output
        with in_use(output, lambda: commits.delete_uncommitted(output)):
            watch = _begin(config)
            number = 0
            while not stop.is_set():
                held = subscription.collect(config.max_wait_seconds, stop)
                if held:
                    number += 1
                    name = f"{job.run_id}-{number:06}"
                    pipeline = beam.Pipeline(runner=choose_runner(options), options=options)
                    with TemporaryDirectory() as folder:
                        messages = read_held(pipeline, [m.message for m in held], folder)
                        build_stream(messages, config, job, watch, name, every_seconds=None)
                        pipeline.run().wait_until_finish()
                    interval = _account(output, name)
                    _settle(subscription, held, interval)
                    if interval is not None:
                        report(interval)


def submit_stream(config: RunConfig, beam_flags: Sequence[str]) -> PipelineResult:
    """Hand the graph over to Dataflow, which runs it until the job is drained.

    Raises:
        ConfigError: Flags that cannot be run.
        StoreError: The output is not writable.
        ModelError: The model cannot be had.
    """
    options = PipelineOptions(list(beam_flags))
    if config.subscription is None or not is_dataflow(options):
        raise ConfigError(_READERS)
    options.view_as(StandardOptions).streaming = True
    job = check_run(config, options)
    commits.delete_uncommitted(config.output)
    watch = _begin(config)
    pipeline = beam.Pipeline(runner=choose_runner(options), options=options)
    read_stream(pipeline, config, job, watch, INTERVAL_SECONDS)
    return pipeline.run()


def read_stream(
    pipeline: beam.Pipeline,
    config: RunConfig,
    job: Prepared,
    watch: Watch | None,
    every_seconds: float,
) -> None:
    """Put the graph of a stream that Beam reads by itself into a pipeline."""
    read = ReadFromPubSub(subscription=config.subscription, with_attributes=True)
    messages = pipeline | "Subscription" >> read | "Messages" >> beam.Map(message_of)
    intervals = build_stream(messages, config, job, watch, f"{job.run_id}-", every_seconds)
    _ = intervals | "Log" >> beam.Map(log_interval)


def build_stream(  # noqa: PLR0913, PLR0917 - what stands before a stream begins
    messages: beam.PCollection[Message],
    config: RunConfig,
    job: Prepared,
    watch: Watch | None,
    name: str,
    every_seconds: float | None,
) -> beam.PCollection[Interval]:
    """The graph of a stream, from its messages to its ledgers.

    All but the source, the grouping and what is told is that of a batch.

    Args:
        messages: The messages.
        config: What was asked for.
        job: What was checked.
        watch: What drift is measured by, if it is.
        name: Of the ledger, or what the names of many begin with.
        every_seconds: An interval's length; None is all there is.
    """
    output, topic = config.output, config.output_topic
    read = messages | "Read" >> ReadMessages(output, config.event_time_attribute)
    arrivals = GroupArrivals(
        output,
        run_id=name,  # on the local runner each interval may take over what an earlier one left
        unit_bytes=config.unit_bytes,
        max_wait_seconds=config.max_wait_seconds,
    )
    grouped = (read[REFS], read[FAILURES]) | "Inputs" >> beam.Flatten() | "Arrivals" >> arrivals
    units = grouped[UNITS] | "Note" >> NoteUnits(output) if topic else grouped[UNITS]
    reports = units | "Transcribe" >> RunUnits(job.model, output=output, run_id=job.run_id)
    if every_seconds is not None:
        reports |= "Open" >> beam.Map(_require_open)
    if topic:
        reports |= "Publish" >> PublishRows(topic, output)
    done = reports | "Done" >> beam.Map(done_of)
    intervals = (
        (read[ARRIVALS], grouped[REPEATED], done)
        | "Notes" >> beam.Flatten()
        | "Ledgers" >> CloseIntervals(output, name, every_seconds, watch)
    )
    return intervals | "Alerts" >> PublishAlerts(topic) if topic and watch else intervals


def read_held(
    pipeline: beam.Pipeline, messages: Sequence[Message], folder: str
) -> beam.PCollection[Message]:
    """Messages by way of files: what stands in a graph itself Beam compresses again and again."""
    paths = [Path(folder, str(number)) for number in range(len(messages))]
    for path, message in zip(paths, messages, strict=True):
        path.write_bytes(pickle.dumps(message))
    return pipeline | "Messages" >> beam.Create(map(str, paths)) | "Load" >> beam.Map(_load)


def _load(path: str) -> Message:
    message: Message = pickle.loads(Path(path).read_bytes())  # noqa: S301 - written above
    return message


def message_of(message: PubsubMessage, published: Timestamp = beam.DoFn.TimestampParam) -> Message:
    """A message as Beam delivers it: at the time when it was published, on every runner."""
    published_at = published.to_utc_datetime(has_tz=True)
    return Message(message.data, message.attributes, message.message_id, published_at)


def done_of(report: UnitReport) -> Done:
    """What is noted of a unit that has just been committed."""
    batches = report.batches
    return Done(report.commit.unit_id, time.time(), batches.passage_seconds, batches.padded_seconds)


def log_interval(interval: Interval) -> None:
    """Tell of an interval in the worker's log."""
    level = logging.WARNING if interval.alerts else logging.INFO
    _LOG.log(level if interval.balances else logging.ERROR, "%s", interval.line)


def _require_open(report: UnitReport) -> UnitReport:
    """Have a service try again, which has acknowledged what the unit was made of."""
    if report.commit.is_closed:
        raise StoreError(f"another run closed the unit {report.commit.unit_id}; its rest is redone")
    return report


def _begin(config: RunConfig) -> Watch | None:
    """Do what earlier runs left, let what they did be known, and read what drift is measured by."""
    output = config.output
    if config.output_topic is not None:
        with Topic(config.output_topic) as topic:
            publish_left_over(topic, output)
    forget_places(output)
    index_commits(output)
    reference = config.drift_reference
    return Watch(read_profile(reference), config.drift_threshold) if reference else None


def _settle(subscription: Subscription, held: Sequence[Held], interval: Interval | None) -> None:
    """Acknowledge what is accounted for; what another run is at comes again until it is."""
    done = [m for m in held if interval and m.message.message_id not in interval.waiting]
    subscription.acknowledge(done)
    if len(done) < len(held):
        subscription.let_lapse(held)
        others = len(held) - len(done)
        _LOG.warning("%d messages will come again: another run is at what they ask for", others)


def _account(output: str, name: str) -> Interval | None:
    """What came of the messages that were read together; None when nothing did."""
    if not store.exists(store.join(output, LEDGERS, f"{name}.json")):
        return None
    interval = Interval.read(output, name)
    if not interval.balances:
        raise BeamAudioError(
            f"the ledger {output}/{LEDGERS}/{name}.json does not balance; "
            "its messages will be delivered again"
        )
    return interval
