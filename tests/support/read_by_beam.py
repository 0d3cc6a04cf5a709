"""``run`` with a stream's graph as Dataflow gets it, on a local runner of Beam's.

It reads until it is killed: that runner cannot drain.
"""

from __future__ import annotations

import sys

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio.command.flags import resolve
from beam_audio.run import stream
from beam_audio.run.job import check_run

EVERY_SECONDS = 3.0


def main(flags: dict[str, str]) -> None:
    """Read the subscription that the flags name."""
    settings = resolve(flags)
    options = PipelineOptions(["--streaming"])
    job = check_run(settings, options)
    reading = beam.Pipeline("BundleBasedDirectRunner", options=options)
    stream.read_stream(reading, job, stream.Intervals(f"{job.run_id}-", EVERY_SECONDS, watch=None))
    reading.run().wait_until_finish()


if __name__ == "__main__":
    main(dict(word.removeprefix("--").split("=", 1) for word in sys.argv[2:]))
