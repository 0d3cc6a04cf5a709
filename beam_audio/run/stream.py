"""The graph of a stream, and how it is handed over to Dataflow.

Dataflow reads the subscription itself. On the local runner ``beam_audio.run.local_stream`` reads it
and runs this graph on one interval's messages at a time.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import apache_beam as beam
from apache_beam.io import ReadFromPubSub
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from beam_audio.errors import ConfigError, StoreError
from beam_audio.inputs.messages import Message
from beam_audio.run.job import agree_on_layout, check_run, committed_before, delete_left_overs
from beam_audio.run.runners import choose_runner, is_dataflow
from beam_audio.stream.close_interval import Watch
from beam_audio.stream.drift import read_profile
from beam_audio.stream.interval import Done, Interval, Repeat
from beam_audio.stream.outbox import publish_left_over
from beam_audio.stream.reservations import forget_places, index_commits
from beam_audio.stream.sharing import drop_entered
from beam_audio.stream.topic import Topic
from beam_audio.transforms.arrivals import REPEATED, UNITS, GroupArrivals
from beam_audio.transforms.close_intervals import CloseIntervals
from beam_audio.transforms.publish import NoteUnits, PublishAlerts, PublishRows
from beam_audio.transforms.read import FAILURES, REFS
from beam_audio.transforms.read_messages import ARRIVALS, ReadMessages
from beam_audio.transforms.units import RunUnits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apache_beam.io.gcp.pubsub import PubsubMessage
    from apache_beam.runners.runner import PipelineResult
    from apache_beam.utils.timestamp import Timestamp

    from beam_audio.run.config import RunConfig
    from beam_audio.run.job import Job
    from beam_audio.unit.transcribe import UnitReport

INTERVAL_SECONDS: Final = 300.0
"""Length of an interval on a service that reads the subscription itself."""
READERS: Final = "--subscription is read on the local runner and by --runner=DataflowRunner only"
_ANY_FILE: Final = (
    "everybody who may publish to the topic of %s can have any file transcribed that this process "
    "can read; --allow_inputs=PREFIX,... limits what messages may name"
)

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Intervals:
    """How a stream is divided into intervals, each of which has its own ledger.

    Attributes:
        name: Name of the only ledger, or the prefix of the names of many.
        every_seconds: Length of an interval; None makes one interval of all messages.
        watch: The reference that drift is measured against, if there is one.
    """

    name: str
    every_seconds: float | None
    watch: Watch | None


def submit_stream(config: RunConfig, beam_flags: Sequence[str]) -> PipelineResult:
    """Hand the graph over to Dataflow, which runs it until the job is drained.

    Raises:
        ConfigError: The flags cannot be run.
        StoreError: The output is not writable.
        ModelError: The model cannot be loaded.
    """
    options = PipelineOptions(list(beam_flags))
    if config.subscription is None or not is_dataflow(options):
        raise ConfigError(READERS)
    options.view_as(StandardOptions).streaming = True
    job = check_run(config, options)
    next(committed_before(job), None)
    delete_left_overs(job)
    intervals = Intervals(f"{job.run_id}-", INTERVAL_SECONDS, begin(job, process=""))
    pipeline = beam.Pipeline(runner=choose_runner(options), options=options)
    read_stream(pipeline, job, intervals)
    return pipeline.run()


def begin(job: Job, process: str) -> Watch | None:
    """Say what messages may do, read the drift reference, and finish what earlier runs left open.

    Args:
        job: The job.
        process: The process that it ends with; empty for one that goes on without its command.

    Raises:
        ConfigError: The drift reference cannot be used, or another run has just begun with another
            layout of the output.
        StoreError: The output cannot be read or written.
    """
    if job.config.allowed_places is None:
        _LOG.warning(_ANY_FILE, job.config.subscription, extra={"event": "any_file"})
    topic_name, reference = job.config.output_topic, job.config.drift_reference
    watch = Watch(read_profile(reference), job.config.drift_threshold) if reference else None
    if topic_name is not None:
        with Topic(topic_name) as topic:
            publish_left_over(topic, job.output)
    agree_on_layout(job, process)
    forget_places(job.output)
    index_commits(job.output)
    drop_entered(job.output)
    return watch


def read_stream(pipeline: beam.Pipeline, job: Job, intervals: Intervals) -> None:
    """Put the graph of a stream that Beam reads itself into a pipeline."""
    read = ReadFromPubSub(subscription=job.config.subscription, with_attributes=True)
    messages = pipeline | "Subscription" >> read | "Messages" >> beam.Map(message_of)
    _ = build(messages, job, intervals) | "Log" >> beam.Map(log_interval)


def build(
    messages: beam.PCollection[Message], job: Job, intervals: Intervals
) -> beam.PCollection[Interval]:
    """The graph of a stream, from its messages to the ledgers of its intervals.

    Only the source, the grouping and what is published differ from a batch.
    """
    output, topic = job.output, job.config.output_topic
    read = messages | "Read" >> ReadMessages(
        output, job.config.event_time_attribute, job.config.allowed_places
    )
    arrivals = GroupArrivals(
        output,
        run_id=intervals.name,  # locally, an interval may take over what an earlier one left
        unit_bytes=job.unit_bytes,
        max_wait_seconds=job.config.max_wait_seconds,
        is_acknowledged=intervals.every_seconds is not None,
    )
    grouped = (read[REFS], read[FAILURES]) | "Inputs" >> beam.Flatten() | "Arrivals" >> arrivals
    units = grouped[UNITS] | "Note" >> NoteUnits(output) if topic else grouped[UNITS]
    reports = units | "Transcribe" >> RunUnits(
        job.model, output=output, run_id=job.run_id, second=job.second
    )
    if intervals.every_seconds is not None:
        reports |= "Open" >> beam.Map(require_open)
    if topic:
        reports |= "Publish" >> PublishRows(topic, output)
    done = reports | "Done" >> beam.FlatMap(notes_of)
    closed = (
        (read[ARRIVALS], grouped[REPEATED], done)
        | "Notes" >> beam.Flatten()
        | "Ledgers"
        >> CloseIntervals(output, intervals.name, intervals.every_seconds, intervals.watch)
    )
    return closed | "Alerts" >> PublishAlerts(topic) if topic and intervals.watch else closed


def message_of(message: PubsubMessage, published: Timestamp = beam.DoFn.TimestampParam) -> Message:
    """A message as Beam delivers it; on every runner its time is when it was published."""
    published_at = published.to_utc_datetime(has_tz=True)
    return Message(message.data, message.attributes, message.message_id, published_at)


def notes_of(report: UnitReport) -> Iterator[Done | Repeat]:
    """What is noted of a unit that has just been committed; forgotten inputs have no result."""
    batches, unit_id = report.batches, report.commit.unit_id
    yield Done(unit_id, time.time(), batches.passage_seconds, batches.padded_seconds)
    yield from map(Repeat, report.forgotten)


def log_interval(interval: Interval) -> None:
    """Log an interval: on this machine, or in the log of Dataflow's worker."""
    level = logging.WARNING if interval.alerts else logging.INFO
    _LOG.log(
        level if interval.balances else logging.ERROR,
        "%s",
        interval.line,
        extra={"event": "interval", **interval.figures},
    )


def require_open(report: UnitReport) -> UnitReport:
    """Make a service repeat a unit that another run closed: its messages are acknowledged already.

    Raises:
        StoreError: Another run closed the unit.
    """
    if report.commit.is_closed and not report.forgotten:
        raise StoreError(f"another run closed the unit {report.commit.unit_id}; its rest is redone")
    return report
