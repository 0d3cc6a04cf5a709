"""What each verb of the command does; returns the exit status."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio import asr
from beam_audio.command.display import ProgressLine, closing_table, run_text
from beam_audio.command.doctor import examine
from beam_audio.command.estimate import (
    Estimate,
    Speed,
    list_inputs,
    measured_speed,
    plan_table,
    survey,
)
from beam_audio.command.flags import resolve
from beam_audio.errors import BeamAudioError, ConfigError
from beam_audio.output.compact import CompactionProgress
from beam_audio.output.compact import compact as compact_output
from beam_audio.run import batch
from beam_audio.run.config import RunConfig
from beam_audio.run.dataflow import is_only_handed_over
from beam_audio.run.local_stream import run_stream
from beam_audio.run.runners import is_dataflow
from beam_audio.run.stream import submit_stream
from beam_audio.spelling import nearest
from beam_audio.store.credentials import require_access
from beam_audio.transforms.units import PROGRESS

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def run(given: argparse.Namespace, rest: list[str]) -> int:
    """Transcribe audio into tables."""
    flags = {name: value for name, value in vars(given).items() if name not in {"action", "config"}}
    # Dataflow's launcher checked its parameters against metadata.json, and adds flags of its own.
    if not any(word.startswith("--template_location=") for word in rest):
        _refuse_unknown(rest, known=[*_beam_options(), *(f"--{name}" for name in _run_flags())])
    settings = resolve(flags, given.config)
    PipelineOptions(rest).get_all_options()  # Beam stops here at values of the wrong kind
    return _run_and_report(settings, rest)


def plan(given: argparse.Namespace, rest: list[str]) -> int:
    """Tell what a run would take."""
    _refuse_unknown(rest, known=[*_beam_options(), *(f"--{name}" for name in _run_flags())])
    known = {*_run_flags()}
    flags = {name: value for name, value in vars(given).items() if name in known}
    settings = resolve({"output": "nowhere"} | flags, given.config)
    require_access((settings.input, settings.manifest, settings.output), PipelineOptions(rest))
    found = survey(list_inputs(settings), max_headers=given.max_headers, limits=settings.limits)
    speed = (
        Speed(given.times_real_time / given.worker_cores, "as given")
        if given.times_real_time
        else measured_speed(settings)
    )
    estimate = Estimate(found.seconds, speed, given.worker_cores)
    print(
        plan_table(found, estimate, deadline_hours=given.deadline_hours, price=given.worker_price)
    )
    return 0


def compact(given: argparse.Namespace, rest: list[str]) -> int:
    """Merge small part files."""
    _refuse_unknown(rest, known=["--target_bytes"])
    progress = CompactionProgress()
    with ProgressLine(lambda _: f"{progress.merged} of {progress.of} merged files written"):
        done = compact_output(given.output, target_bytes=given.target_bytes, progress=progress)
    print(
        f"{done.files_before} part files, now {done.files_after}; "
        f"{done.rewritten_bytes:,} bytes were rewritten"
    )
    return 0


def demo(given: argparse.Namespace, rest: list[str]) -> int:
    """Transcribe the packaged clips and print what they say."""
    _refuse_unknown(rest, known=["--output"])
    with resources.as_file(resources.files("beam_audio") / "data" / "demo") as folder:
        manifest = str(folder / "manifest.jsonl")
        settings = resolve(
            {"manifest": manifest, "output": given.output, "model": "whisper-tiny.en"}
        )
        status = _run_and_report(settings, [])
    if status == 0:
        _print_texts(given.output)
    return status


def doctor(_given: argparse.Namespace, rest: list[str]) -> int:
    """Tell what is installed and what is missing."""
    _refuse_unknown(rest, known=[])
    report = examine()
    print(report.text)
    return 0 if report.healthy else 1


def models_list(_given: argparse.Namespace, rest: list[str]) -> int:
    """List the models known by name."""
    _refuse_unknown(rest, known=[])
    print("\n".join(map(str, asr.list_models())))
    return 0


def models_build(given: argparse.Namespace, rest: list[str]) -> int:
    """Build a model's files."""
    _refuse_unknown(rest, known=["--precision"])
    built = asr.build_model(given.name, precision=given.precision)
    print(built or f"{given.name} has nothing to build")
    return 0


def models_check(given: argparse.Namespace, rest: list[str]) -> int:
    """Check a model's files and load it."""
    _refuse_unknown(rest, known=[])
    print(asr.check_model(given.name))
    return 0


def _run_and_report(settings: RunConfig, beam_flags: Sequence[str]) -> int:
    options = PipelineOptions(list(beam_flags))
    try:
        if settings.subscription is not None:
            return _stream(settings, beam_flags)
        if is_only_handed_over(options):
            batch.submit(settings, beam_flags)
            print(_HANDED_OVER)
            return 0
        with ProgressLine(partial(run_text, PROGRESS)):
            result = batch.run(settings, beam_flags)
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


def _stream(settings: RunConfig, beam_flags: Sequence[str]) -> int:
    if is_dataflow(PipelineOptions(list(beam_flags))):
        submit_stream(settings, beam_flags)
        print(_STREAM_HANDED_OVER)
        return 0
    logging.getLogger("beam_audio").setLevel(logging.INFO)  # tells when the model is exchanged
    print(f"reading {settings.subscription}; SIGTERM or Ctrl-C ends it", flush=True)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_stream(settings, beam_flags, stop=stop, report=lambda each: print(each.line, flush=True))
    print("stopped; what had come is committed and acknowledged")
    return 0


def _cause(error: Exception) -> str:
    """The last line of what a runner wrapped around a worker's error."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].strip() if lines else repr(error)


def _print_texts(output: str) -> None:
    import pyarrow.dataset as ds  # noqa: PLC0415 - only the demo reads what it wrote

    rows = ds.dataset(f"{output}/recordings", partitioning="hive").to_table().to_pylist()
    for row in sorted(rows, key=lambda row: str(row["uri"])):
        print(f"\n{Path(row['uri']).name} ({row['decoded_seconds']:.1f} s)\n  {row['text']}")


def _refuse_unknown(rest: Sequence[str], known: Sequence[str]) -> None:
    """Refuse a flag that neither we nor Beam know, and stray words."""
    expects_value = False
    for word in rest:
        name = word.split("=", 1)[0]
        if word.startswith("--"):
            if name not in known:
                raise ConfigError(f"unknown flag {name}{nearest(name, known)}")
            expects_value = "=" not in word
        elif not expects_value:
            raise ConfigError(f"stray argument {word!r}; flags are written --name=value")
        else:
            expects_value = False


def _beam_options() -> set[str]:
    parser = argparse.ArgumentParser(add_help=False)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)  # noqa: SLF001 - Beam lists its flags nowhere else
    return {name for action in parser._actions for name in action.option_strings}  # noqa: SLF001


def _run_flags() -> Sequence[str]:
    return list(RunConfig.__dataclass_fields__)
