"""A run, a stream or the demo: what is printed before, meanwhile and afterwards."""

from __future__ import annotations

import logging
import signal
import threading
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow.dataset as ds
from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio.command.display import ProgressLine, closing_table, run_text
from beam_audio.command.flags import resolve
from beam_audio.errors import BeamAudioError
from beam_audio.run import batch
from beam_audio.run.dataflow import is_only_handed_over
from beam_audio.run.local_stream import run_stream
from beam_audio.run.runners import is_dataflow
from beam_audio.run.stream import submit_stream
from beam_audio.transforms.units import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.run.config import RunConfig

_JOB_GOES_ON: Final = (
    "no longer waiting; the job goes on. Once it has ended or is cancelled, the same command does "
    "what is left and writes the ledger"
)
_HANDED_OVER: Final = (
    "handed over. Once the job has ended, 'beam-audio run' with the same flags does what is left "
    "and writes the ledger"
)
_STREAM_HANDED_OVER: Final = (
    "handed over; the job runs until it is drained (gcloud dataflow jobs drain JOB), and writes a "
    "ledger every five minutes"
)


def run_and_report(settings: RunConfig, beam_words: Sequence[str]) -> int:
    """Run a batch or a stream and print how it went; returns the exit status.

    Raises:
        BeamAudioError: The run failed, or could not begin.
    """
    options = PipelineOptions(list(beam_words))
    options.get_all_options()  # Beam ends the process here at values of the wrong kind
    try:
        if settings.subscription is not None:
            return _stream(settings, beam_words)
        if is_only_handed_over(options):
            batch.submit(settings, beam_words)
            print(_HANDED_OVER)
            return 0
        with ProgressLine(partial(run_text, PROGRESS)):
            result = batch.run(settings, beam_words)
    except BeamAudioError:
        raise
    except KeyboardInterrupt:
        if is_dataflow(options):
            raise BeamAudioError(_JOB_GOES_ON) from None
        raise
    except Exception as error:
        logging.getLogger("beam_audio").debug("the run failed", exc_info=error)
        raise BeamAudioError(f"the run failed: {_cause(error)}") from error
    print(closing_table(result))
    print(f"\nwritten to  {settings.output}/{{segments,recordings,failures}}/")
    print(f"run file    {settings.output}/run-{result.run_id}.json")
    return result.exit_status


def demo(output: str) -> int:
    """Transcribe the packaged clips and print what they say; returns the exit status."""
    with resources.as_file(resources.files("beam_audio") / "data" / "demo") as folder:
        manifest = str(folder / "manifest.jsonl")
        settings = resolve({"manifest": manifest, "output": output, "model": "whisper-tiny.en"})
        status = run_and_report(settings, [])
    if status == 0:
        _print_texts(output)
    return status


def _stream(settings: RunConfig, beam_words: Sequence[str]) -> int:
    if is_dataflow(PipelineOptions(list(beam_words))):
        submit_stream(settings, beam_words)
        print(_STREAM_HANDED_OVER)
        return 0
    logging.getLogger("beam_audio").setLevel(logging.INFO)  # says when the model is exchanged
    print(f"reading {settings.subscription}; SIGTERM or Ctrl-C ends it", flush=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_stream(settings, beam_words, stop=stop, report=lambda each: print(each.line, flush=True))
    print("stopped; what had come is committed and acknowledged")
    return 0


def _cause(error: Exception) -> str:
    """The last line of what a runner wrapped around a worker's error."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else repr(error)


def _print_texts(output: str) -> None:
    rows = ds.dataset(f"{output}/recordings", partitioning="hive").to_table().to_pylist()
    for row in sorted(rows, key=lambda row: str(row["uri"])):
        print(f"\n{Path(row['uri']).name} ({row['decoded_seconds']:.1f} s)\n  {row['text']}")
