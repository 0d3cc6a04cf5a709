"""A stream as a process: what ends it, what it logs, and what others can ask it."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from beam_audio.command.heartbeat import heartbeat
from beam_audio.command.interrupts import EXIT_INTERRUPTED, STOPPED, end_at_once, on_interrupt
from beam_audio.command.log_lines import say
from beam_audio.errors import ConfigError
from beam_audio.run.local_stream import run_stream
from beam_audio.run.runners import is_dataflow
from beam_audio.run.stream import log_interval, submit_stream
from beam_audio.stream.progress import StreamProgress
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.run.config import RunConfig

_HANDED_OVER: Final = (
    "handed over; the job runs until it is drained (gcloud dataflow jobs drain JOB), and writes a "
    "ledger every five minutes"
)
_METRICS_ELSEWHERE: Final = (
    "--metrics_port is served by the command that reads messages; Dataflow's workers report to "
    "Cloud Monitoring: leave the flag out"
)
_STOPPING: Final = "stopping once what has come is committed"
_AGAIN: Final = "Ctrl-C again stops at once"


def stream(settings: RunConfig, beam_words: Sequence[str], options: PipelineOptions) -> int:
    """Read a subscription until a signal ends it, or hand the job over; returns the exit status.

    Raises:
        BeamAudioError: The stream cannot begin, or go on.
    """
    if is_dataflow(options):
        if settings.metrics_port is not None:
            raise ConfigError(_METRICS_ELSEWHERE)
        submit_stream(settings, beam_words)
        say(_HANDED_OVER, "handed_over")
        return 0
    say(
        f"reading {settings.subscription}; SIGTERM or Ctrl-C ends it",
        "starting",
        subscription=settings.subscription,
        output=settings.output,
        version=__version__,
    )
    progress, interrupted = StreamProgress(), threading.Event()
    _read(settings, beam_words, progress, interrupted)
    if interrupted.is_set():
        say(STOPPED, "stopped", run_id=progress.status.run_id, exit_status=EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED
    say(
        "stopped; what had come is committed and acknowledged",
        "stopped",
        run_id=progress.status.run_id,
        exit_status=0,
    )
    return 0


def _read(
    settings: RunConfig,
    beam_words: Sequence[str],
    progress: StreamProgress,
    interrupted: threading.Event,
) -> None:
    """Read messages until SIGTERM, or Ctrl-C, which is noted."""
    stop = threading.Event()

    def interrupt(arrived: int) -> None:
        is_key = arrived == signal.SIGINT
        if is_key and interrupted.is_set():
            end_at_once(arrived)
        if is_key:
            interrupted.set()
        say(
            f"{_STOPPING}; {_AGAIN}" if is_key else _STOPPING,
            "stopping",
            run_id=progress.status.run_id,
            signal=signal.Signals(arrived).name,
        )
        stop.set()

    with ExitStack() as stack:
        if settings.metrics_port is not None:
            from beam_audio.command.metrics_server import serving  # noqa: PLC0415 - only where asked for

            host, port = settings.metrics_host, settings.metrics_port
            stack.enter_context(serving(progress, host, port, settings.max_wait_seconds))
        stack.enter_context(heartbeat(progress))
        stack.enter_context(on_interrupt(interrupt))
        run_stream(settings, beam_words, stop=stop, report=log_interval, progress=progress)
