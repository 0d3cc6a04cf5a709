"""A run or the demo: what is printed before, meanwhile and afterwards."""

from __future__ import annotations

import logging
import re
import threading
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow.dataset as ds
from apache_beam.options.pipeline_options import PipelineOptions
from tqdm.contrib.logging import logging_redirect_tqdm

from beam_audio.command import streaming
from beam_audio.command.display import closing_table
from beam_audio.command.flags import resolve
from beam_audio.command.interrupts import end_at_once, on_interrupt
from beam_audio.command.progress_bar import ProgressBar, Status, run_status
from beam_audio.errors import BeamAudioError, ConfigError, cure_of
from beam_audio.run import batch
from beam_audio.run.dataflow import is_dry_run, is_only_handed_over
from beam_audio.run.dry_run import dry_run
from beam_audio.run.runners import is_dataflow, is_local, runs_in_this_process
from beam_audio.store.output_names import run_file
from beam_audio.unit.progress import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.run.config import RunConfig

_JOB_GOES_ON: Final = (
    "no longer waiting; the job goes on. Once it has ended or is cancelled, the same command does "
    "what is left and writes the ledger"
)
_HANDED_OVER: Final = (
    "handed over. Once the job has ended, 'beam-audio run' with the same flags does what is left "
    "and writes the ledger"
)
_NOTHING_SENT: Final = "nothing was sent, and no input, output or subscription was looked at"
_IN_GRAPH: Final = " [while running '"
"""Beam adds it, and the name of a step, to the message of an error."""
_OUR_CLASS: Final = re.compile(r"^beam_audio\.errors\.\w+: ")
_DO_AGAIN: Final = "nothing is lost: the same command does what is left"


def run_and_report(settings: RunConfig, beam_words: Sequence[str]) -> int:
    """Run a batch or a stream and print how it went; returns the exit status.

    Raises:
        BeamAudioError: The run failed, or could not begin.
    """
    options = PipelineOptions(list(beam_words))
    options.get_all_options()  # Beam ends the process here at values of the wrong kind
    at_work = threading.Event()
    try:
        if is_dry_run(options):
            shown = dry_run(settings, beam_words)
            print(f"{shown.job}\n\n{shown.graph}\n\n{_NOTHING_SENT}")
            return 0
        if settings.subscription is not None:
            return streaming.stream(settings, beam_words, options)
        if is_only_handed_over(options):
            batch.submit(settings, beam_words)
            print(_HANDED_OVER)
            return 0
        result = batch.run(settings, beam_words, meanwhile=_shown(options, at_work))
    except ConfigError as error:
        raise ConfigError(_cause(error)) from error
    except KeyboardInterrupt:
        if is_dataflow(options):
            raise BeamAudioError(_JOB_GOES_ON) from None
        raise
    except Exception as error:
        has_begun = at_work.is_set() or _IN_GRAPH in str(error)  # the latter in a stream
        if isinstance(error, BeamAudioError) and not has_begun:
            raise  # its class decides the exit status
        logging.getLogger("beam_audio").debug("the run failed", exc_info=error)
        cure = None if isinstance(error, BeamAudioError) else cure_of(error)
        said = "; ".join(filter(None, (_cause(error), cure, _DO_AGAIN)))
        raise BeamAudioError(f"the run failed: {said}") from error
    print(closing_table(result))
    print(f"\nwritten to  {settings.output}/{{segments,recordings,failures}}/")
    print(f"run file    {settings.output}/{run_file(result.run_id)}")
    return result.exit_status


@contextmanager
def _shown(options: PipelineOptions, at_work: threading.Event) -> Iterator[None]:
    """Show how far the run is, and let Ctrl-C end it at once where it is on this machine.

    The event is set meanwhile, and stays set if the run fails.
    """
    look = partial(run_status, PROGRESS) if runs_in_this_process(options) else _elsewhere
    with ExitStack() as stack:
        stack.enter_context(logging_redirect_tqdm())
        stack.enter_context(ProgressBar(look, "inputs"))
        if is_local(options):
            stack.enter_context(on_interrupt(end_at_once))
        at_work.set()
        yield
        at_work.clear()


def _elsewhere(_seconds: float) -> Status:
    return Status(0, None, "working in other processes")


def demo(output: str) -> int:
    """Transcribe the packaged clips and print what they say; returns the exit status."""
    with resources.as_file(resources.files("beam_audio") / "data" / "demo") as folder:
        manifest = str(folder / "manifest.jsonl")
        settings = resolve({"manifest": manifest, "output": output, "model": "whisper-tiny.en"})
        status = run_and_report(settings, [])
    if status == 0:
        _print_texts(output)
    return status


def _cause(error: Exception) -> str:
    """What a worker said, without what runners wrapped around it."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    last = lines[-1].strip() if lines else repr(error)
    return _OUR_CLASS.sub("", last).partition(_IN_GRAPH)[0]


def _print_texts(output: str) -> None:
    rows = ds.dataset(f"{output}/recordings", partitioning="hive").to_table().to_pylist()
    for row in sorted(rows, key=lambda row: str(row["uri"])):
        print(f"\n{Path(row['uri']).name} ({row['decoded_seconds']:.1f} s)\n  {row['text']}")
