"""The ``beam-audio`` command."""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import sys
import threading
from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

# One question to a Google machine's metadata server tells whether there is one: elsewhere more of
# them only take time.
os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")
# Beam says on import that a client nobody here uses is missing; that is no news to a user.
logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())

from apache_beam.options.pipeline_options import PipelineOptions

from beam_audio.access import require_access
from beam_audio.asr import build_model, check_model, list_models
from beam_audio.compact import TARGET_BYTES, CompactionProgress, compact
from beam_audio.config import RunConfig
from beam_audio.doctor import examine
from beam_audio.errors import BeamAudioError, ConfigError, StoreError
from beam_audio.flags import add_flags, resolve
from beam_audio.pipeline import run, submit
from beam_audio.plan import Estimate, Speed, list_inputs, measured_speed, plan_table, survey
from beam_audio.runners import is_dataflow
from beam_audio.spelling import nearest
from beam_audio.streaming import run_stream, submit_stream
from beam_audio.submission import is_only_handed_over
from beam_audio.summary import ProgressLine, closing_table, run_text
from beam_audio.transforms.units import PROGRESS
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_FAILED: Final = 1
EXIT_BAD_ARGUMENTS: Final = 2

_STOPPED: Final = "stopped; the same command resumes where it was"
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

_RUN_EXAMPLES: Final = """examples:
  beam-audio run --input='recordings/**.flac' --output=out
  beam-audio run --manifest=corpus.jsonl --output=gs://bucket/out --model=whisper-base \\
      --language=from_manifest --rules=strict
  beam-audio run --input=calls/ --output=out --channels=split --store_audio=flac
  beam-audio run --manifest=gs://bucket/corpus.jsonl --output=gs://bucket/out \\
      --runner=DataflowRunner --project=P --region=R --temp_location=gs://bucket/tmp \\
      --sdk_container_image=IMAGE
  beam-audio run --subscription=projects/P/subscriptions/S --output=gs://bucket/out

Every option of Apache Beam and its runners is accepted too.
exit status: 0 every input and every second is accounted for · 1 not so, or the run failed ·
2 bad arguments, or an input that matches nothing · 3 new input and none of it could be decoded"""

_PLAN_EXAMPLES: Final = """examples:
  beam-audio plan --input='gs://bucket/calls/**.flac' --model=whisper-base --worker_price=0.19
  beam-audio plan --manifest=corpus.jsonl --deadline_hours=8 --worker_cores=8 \\
      --times_real_time=400 --worker_price=1.2

The speed is that of the last run of this model over --output, if there is one, else a table's."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_ARGUMENTS, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = _parser()
    given, rest = parser.parse_known_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        status: int = given.action(given, rest)
    except (ConfigError, StoreError) as error:
        return _complain(error, EXIT_BAD_ARGUMENTS)
    except BeamAudioError as error:
        return _complain(error, EXIT_FAILED)
    except KeyboardInterrupt:
        return _complain(_STOPPED, EXIT_FAILED)
    return status


def _complain(error: object, status: int) -> int:
    print(f"beam-audio: {error}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="beam-audio",
        description="Raw recordings in; transcribed, measured, partitioned Parquet out.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"beam-audio {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    run_parser = commands.add_parser(
        "run",
        help="transcribe audio into partitioned Parquet",
        epilog=_RUN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_flags(run_parser)
    run_parser.set_defaults(action=_run)

    plan = commands.add_parser(
        "plan",
        help="what a run would take: hours of audio, compute, workers and cost",
        description="Takes the flags of run; reads headers, decodes nothing and writes nothing.",
        epilog=_PLAN_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_flags(plan)
    _add_plan_flags(plan)
    plan.set_defaults(action=_plan)

    compacting = commands.add_parser(
        "compact",
        help="merge the small part files of an output",
        description="Merges small part files into larger ones; the set of rows stays as it is.",
        allow_abbrev=False,
    )
    compacting.add_argument("output", help="the --output of a run, local or gs://")
    compacting.add_argument(
        "--target_bytes",
        type=_count,
        default=TARGET_BYTES,
        metavar="N",
        help="size of the merged files (default: %(default)s)",
    )
    compacting.set_defaults(action=_compact)

    demo = commands.add_parser("demo", help="transcribe the packaged clips", allow_abbrev=False)
    demo.add_argument("--output", default="demo-output", metavar="DIR")
    demo.set_defaults(action=_demo)

    doctor = commands.add_parser("doctor", help="what is installed, what is missing and its cure")
    doctor.set_defaults(action=_doctor)

    models = commands.add_parser("models", help="list, build and check models")
    verbs = models.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    verbs.add_parser("list", help="models known by name").set_defaults(action=_models_list)
    build = verbs.add_parser("build", help="build a model's ONNX files")
    build.add_argument("name", help="a name or a folder")
    build.add_argument("--precision", default=None)
    build.set_defaults(action=_models_build)
    check = verbs.add_parser("check", help="check a model's files and load it")
    check.add_argument("name", help="a name or a folder")
    check.set_defaults(action=_models_check)
    return parser


def _run(given: argparse.Namespace, rest: list[str]) -> int:
    flags = {name: value for name, value in vars(given).items() if name not in {"action", "config"}}
    # Dataflow's launcher checked its parameters against metadata.json, and adds flags of its own.
    if not any(word.startswith("--template_location=") for word in rest):
        _refuse_unknown(rest, known=[*_beam_options(), *(f"--{name}" for name in _run_flags())])
    settings = resolve(flags, given.config)
    PipelineOptions(rest).get_all_options()  # Beam stops here at values of the wrong kind
    return _run_and_report(settings, rest)


def _add_plan_flags(parser: argparse.ArgumentParser) -> None:
    """Flags of ``plan`` that a run does not have."""
    flags = parser.add_argument_group("what it is planned for")
    for name, default, kind, text in (
        ("deadline_hours", 24.0, _above_zero, "hours it may take"),
        ("worker_cores", 4, _count, "cores of a worker"),
        ("worker_price", 1.0, _above_zero, "price of a worker's hour, in any currency"),
        ("times_real_time", None, _above_zero, "speed of a worker; measured on cores if not given"),
        ("max_headers", 1000, _count, "read no more headers; other lengths are estimated by size"),
    ):
        shown = "" if default is None else f" (default: {default:g})"
        flags.add_argument(f"--{name}", type=kind, default=default, metavar="N", help=text + shown)


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return number


def _count(text: str) -> int:
    return round(_above_zero(text))


def _plan(given: argparse.Namespace, rest: list[str]) -> int:
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


def _compact(given: argparse.Namespace, rest: list[str]) -> int:
    _refuse_unknown(rest, known=["--target_bytes"])
    progress = CompactionProgress()
    with ProgressLine(lambda _: f"{progress.merged} of {progress.of} merged files written"):
        done = compact(given.output, target_bytes=given.target_bytes, progress=progress)
    print(
        f"{done.files_before} part files, now {done.files_after}; "
        f"{done.rewritten_bytes:,} bytes were rewritten"
    )
    return 0


def _run_flags() -> Sequence[str]:
    return list(RunConfig.__dataclass_fields__)


def _run_and_report(settings: RunConfig, beam_flags: Sequence[str]) -> int:
    options = PipelineOptions(list(beam_flags))
    try:
        if settings.subscription is not None:
            return _stream(settings, beam_flags)
        if is_only_handed_over(options):
            submit(settings, beam_flags)
            print(_HANDED_OVER)
            return 0
        with ProgressLine(partial(run_text, PROGRESS)):
            result = run(settings, beam_flags)
    except BeamAudioError:
        raise
    except KeyboardInterrupt:
        return _complain(_JOB_GOES_ON if is_dataflow(options) else _STOPPED, EXIT_FAILED)
    except Exception as error:
        logging.getLogger("beam_audio").debug("the run failed", exc_info=error)
        return _complain(f"the run failed: {_cause(error)}", EXIT_FAILED)
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


def _demo(given: argparse.Namespace, rest: list[str]) -> int:
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


def _print_texts(output: str) -> None:
    import pyarrow.dataset as ds  # noqa: PLC0415 - only the demo reads what it wrote

    rows = ds.dataset(f"{output}/recordings", partitioning="hive").to_table().to_pylist()
    for row in sorted(rows, key=lambda row: str(row["uri"])):
        print(f"\n{Path(row['uri']).name} ({row['decoded_seconds']:.1f} s)\n  {row['text']}")


def _doctor(_given: argparse.Namespace, rest: list[str]) -> int:
    _refuse_unknown(rest, known=[])
    report = examine()
    print(report.text)
    return 0 if report.healthy else EXIT_FAILED


def _models_list(_given: argparse.Namespace, rest: list[str]) -> int:
    _refuse_unknown(rest, known=[])
    print("\n".join(map(str, list_models())))
    return 0


def _models_build(given: argparse.Namespace, rest: list[str]) -> int:
    _refuse_unknown(rest, known=["--precision"])
    built = build_model(given.name, precision=given.precision)
    print(built or f"{given.name} has nothing to build")
    return 0


def _models_check(given: argparse.Namespace, rest: list[str]) -> int:
    _refuse_unknown(rest, known=[])
    print(check_model(given.name))
    return 0


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
