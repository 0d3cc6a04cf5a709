"""Recordings as they land: messages pulled, their units committed, and only then acknowledged.

On Beam's local runner the graph of a stream runs on one interval's messages at a time, so that a
message is let go of only when its rows are there.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio import commits, store
from beam_audio.errors import BeamAudioError, ConfigError
from beam_audio.ledger import Ledger, read_ledger
from beam_audio.pipeline import prepare
from beam_audio.places import forget_places, index_commits
from beam_audio.runners import choose_runner, is_local
from beam_audio.subscription import Subscription
from beam_audio.transforms.arrivals import GroupArrivals
from beam_audio.transforms.names import WriteNames, read_names
from beam_audio.transforms.read_messages import ReadMessages
from beam_audio.transforms.units import RunUnits

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from beam_audio.config import RunConfig
    from beam_audio.messages import Message
    from beam_audio.pipeline import Prepared
    from beam_audio.subscription import Held


@dataclass(frozen=True, slots=True)
class Interval:
    """What became of the messages that were collected together.

    Attributes:
        name: Of its ledger, below ``OUTPUT/ledger/``.
        messages: Messages collected.
        repeated: Inputs that had rows already.
        ledger: The account of the others, from the rows written.
        decoded_seconds: Source seconds decoded.
        wall_seconds: From the collected messages to their commit.
        lag_seconds: Age of the oldest message when its rows were committed.
    """

    name: str
    messages: int
    repeated: int
    ledger: Ledger
    decoded_seconds: float
    wall_seconds: float
    lag_seconds: float

    @property
    def times_real_time(self) -> float:
        """Source seconds decoded a second."""
        return self.decoded_seconds / self.wall_seconds


def run_stream(
    config: RunConfig,
    beam_flags: Sequence[str],
    *,
    stop: threading.Event,
    report: Callable[[Interval], None],
) -> None:
    """Take messages until ``stop`` is set; what is at work then is finished and acknowledged.

    Raises:
        ConfigError: Flags that cannot be run, a runner other than the local one, or a subscription
            that cannot be read.
        StoreError: The output cannot be written.
        ModelError: The model cannot be had.
        BeamAudioError: An interval's ledger does not balance; its messages are delivered again.
    """
    options = PipelineOptions(list(beam_flags))
    if config.subscription is None or not is_local(options):
        raise ConfigError("--subscription is read on Beam's local runner only, as yet")
    with Subscription(config.subscription) as subscription:
        job = prepare(config, options)
        output = config.output
        with store.in_use(output, lambda: commits.sweep(output)):
            forget_places(output)
            index_commits(output, job.run_id)
            number = 0
            while not stop.is_set():
                held = subscription.collect(config.max_wait_seconds, stop)
                if held:
                    number += 1
                    interval = _run_interval(config, options, job, held, number)
                    _write_ledger(output, interval)
                    if not interval.ledger.balances:
                        raise BeamAudioError(
                            f"the ledger of interval {interval.name} does not balance: see "
                            f"{output}/ledger/; its messages will be delivered again"
                        )
                    subscription.acknowledge(held)
                    report(interval)


def build_stream(
    messages: beam.PCollection[Message], config: RunConfig, job: Prepared
) -> tuple[beam.PCollection, beam.PCollection, beam.PCollection]:
    """The graph of a stream, from its messages: inputs, reports of units, and ids that came again.

    All but the source and the grouping is that of a batch.
    """
    refs, failures = messages | "Read" >> ReadMessages(config.output, config.event_time_attribute)
    inputs = (refs, failures) | "Inputs" >> beam.Flatten()
    units, repeated = inputs | "Arrivals" >> GroupArrivals(
        config.output, run_id=job.run_id, max_wait_seconds=config.max_wait_seconds
    )
    reports = units | "Transcribe" >> RunUnits(job.model, output=config.output, run_id=job.run_id)
    return inputs, reports, repeated


def _run_interval(
    config: RunConfig, options: PipelineOptions, job: Prepared, held: Sequence[Held], number: int
) -> Interval:
    output, name = config.output, f"{job.run_id}-{number:06}"
    start = time.monotonic()
    pipeline = beam.Pipeline(runner=choose_runner(options), options=options)
    messages = pipeline | "Messages" >> beam.Create([each.message for each in held])
    inputs, reports, repeated = build_stream(messages, config, job)
    input_ids = inputs | "InputNames" >> beam.Map(lambda item: item.source_id)
    unit_ids = reports | "UnitNames" >> beam.Map(lambda report: report.commit.unit_id)
    _ = input_ids | "List" >> WriteNames(output, name, "inputs")
    _ = unit_ids | "Units" >> WriteNames(output, name, "units")
    _ = repeated | "Repeated" >> WriteNames(output, name, "repeated")
    pipeline.run().wait_until_finish()
    listed = read_names(output, name, "inputs")
    came_again = read_names(output, name, "repeated")
    found = (commits.read_commit(output, each) for each in read_names(output, name, "units"))
    committed = [each for each in found if each is not None]
    oldest = min(each.message.published for each in held)
    return Interval(
        name=name,
        messages=len(held),
        repeated=len(came_again),
        ledger=read_ledger(output, listed, committed=committed, repeated=came_again),
        decoded_seconds=sum(commit.decoded_seconds for commit in committed),
        wall_seconds=time.monotonic() - start,
        lag_seconds=(datetime.now(UTC) - oldest).total_seconds(),
    )


def _write_ledger(output: str, interval: Interval) -> None:
    content = asdict(interval)
    ledger = content["ledger"]
    ledger["balances"] = interval.ledger.balances
    ledger["undecoded"] = len(interval.ledger.undecoded)
    ledger["failures"] = {"/".join(key): count for key, count in interval.ledger.failures.items()}
    text = json.dumps(content, indent=1, sort_keys=True)
    store.write_whole(output, f"ledger/{interval.name}.json", text.encode())
