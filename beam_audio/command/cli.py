"""The ``beam-audio`` command: its arguments, and the exit status."""

from __future__ import annotations

import argparse
import logging
import math
import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

# One question to a Google machine's metadata server tells whether there is one: elsewhere more of
# them only take time.
os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")
# Beam says on import that a client nobody here uses is missing; that is no news to a user.
logging.getLogger().addFilter(lambda record: "apitools not found" not in record.getMessage())

from beam_audio.command import verbs
from beam_audio.command.flags import add_flags
from beam_audio.errors import BeamAudioError, ConfigError, StoreError
from beam_audio.output.compact import TARGET_BYTES
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_FAILED: Final = 1
EXIT_BAD_ARGUMENTS: Final = 2

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
        return _complain("stopped; the same command resumes where it was", EXIT_FAILED)
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
    run_parser.set_defaults(action=verbs.run)

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
    plan.set_defaults(action=verbs.plan)

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
    compacting.set_defaults(action=verbs.compact)

    demo = commands.add_parser("demo", help="transcribe the packaged clips", allow_abbrev=False)
    demo.add_argument("--output", default="demo-output", metavar="DIR")
    demo.set_defaults(action=verbs.demo)

    doctor = commands.add_parser("doctor", help="what is installed, what is missing and its cure")
    doctor.set_defaults(action=verbs.doctor)

    models = commands.add_parser("models", help="list, build and check models")
    actions = models.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    actions.add_parser("list", help="models known by name").set_defaults(action=verbs.models_list)
    build = actions.add_parser("build", help="build a model's ONNX files")
    build.add_argument("name", help="a name or a folder")
    build.add_argument("--precision", default=None)
    build.set_defaults(action=verbs.models_build)
    check = actions.add_parser("check", help="check a model's files and load it")
    check.add_argument("name", help="a name or a folder")
    check.set_defaults(action=verbs.models_check)
    return parser


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
