"""The ``beam-audio`` command: its arguments, and the exit status."""

from __future__ import annotations

import argparse
import logging
import math
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from beam_audio.command import (
    classifying,
    cutting,
    exporting,
    govern,
    log_lines,
    registering,
    searching,
    verbs,
)
from beam_audio.command.flags import add_flags
from beam_audio.command.interrupts import EXIT_INTERRUPTED, STOPPED
from beam_audio.errors import BeamAudioError, ConfigError, StoreError
from beam_audio.spelling import nearest
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from beam_audio.command.argparse_hooks import Subparsers

    Verb = Callable[[argparse.Namespace, list[str]], int]

EXIT_FAILED: Final = 1
EXIT_BAD_ARGUMENTS: Final = 2

_EXAMPLES: Final = """examples:
  beam-audio demo                                    transcribe three packaged clips
  beam-audio run --input=calls/ --output=out         transcribe a folder
  beam-audio plan --input=calls/                     what that would take
  beam-audio run --help                              every flag, with examples
  beam-audio doctor                                  what is installed and what is missing
  eval "$(beam-audio --print-completion=bash)"       complete flags with the Tab key"""

_USAGE: Final = "beam-audio {} --input=AUDIO --output=DIR [--flag=value ...]"

_RUN_EXAMPLES: Final = """examples:
  beam-audio run --input='recordings/**.flac' --output=out
  beam-audio run --manifest=corpus.jsonl --output=gs://bucket/out --model=whisper-base \\
      --language=from_manifest --rules=strict
  beam-audio run --input=calls/ --output=out --channels=split --store_audio=flac
  beam-audio run --manifest=gs://bucket/corpus.jsonl --output=gs://bucket/out \\
      --runner=DataflowRunner --project=P --region=R --temp_location=gs://bucket/tmp \\
      --sdk_container_image=IMAGE
  beam-audio run --subscription=projects/P/subscriptions/S --output=gs://bucket/out

exit status: 0 every input and every second is accounted for · 1 not so, or the run failed ·
2 bad arguments, or an input that matches nothing · 3 new input and none of it could be decoded ·
130 stopped by Ctrl-C"""

_PLAN_EXAMPLES: Final = """examples:
  beam-audio plan --input='gs://bucket/calls/**.flac' --model=whisper-base --worker_price=0.19
  beam-audio plan --manifest=corpus.jsonl --deadline_hours=8 --worker_cores=8 \\
      --times_real_time=400 --worker_price=1.2
  beam-audio plan --manifest=corpus.jsonl --simulate=100000 --deadline_hours=12

The speed is that of the last run of this model over --output, if there is one, else a table's."""

_CURATE_EXAMPLES: Final = """examples:
  beam-audio curate out --rules=strict               judge every segment by these rules
  beam-audio curate out --rules=mine.yaml --compare  what would move
  beam-audio curate out --compare=balanced-d2ddfcd7  what moved since these rules
  beam-audio curate out --restore=balanced-d2ddfcd7  put their decisions back
  beam-audio curate out --corrections=export.json    take what people corrected
  beam-audio curate out --duplicates                 mark rows that are like other rows
  beam-audio curate out --against=test.jsonl         mark rows that are in a test set
  beam-audio curate out --speakers                   who is heard in several recordings"""

_GPUS: Final = (
    *("nvidia-l4", "nvidia-tesla-t4", "nvidia-tesla-a100"),
    *("nvidia-h100-80gb", "nvidia-h200-141gb"),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_BAD_ARGUMENTS, f"{self.prog}: {message}\n")


class _PrintCompletion(argparse.Action):
    """Prints a script that completes the command in a shell, and ends the process."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        _namespace: argparse.Namespace,
        values: object,
        _option_string: str | None = None,
    ) -> NoReturn:
        import shtab  # noqa: PLC0415 - only where it is asked for

        print(shtab.complete(parser, str(values)))
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    log_lines.begin()
    words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        given, rest = _parser(words).parse_known_args(words)
        status: int = given.action(given, rest)
    except (ConfigError, StoreError) as error:
        return _complain(error, EXIT_BAD_ARGUMENTS)
    except BeamAudioError as error:
        return _complain(error, EXIT_FAILED)
    except KeyboardInterrupt:
        log_lines.say(STOPPED, "stopped", exit_status=EXIT_INTERRUPTED)
        return EXIT_INTERRUPTED
    return status


def _complain(error: object, status: int) -> int:
    log_lines.say(str(error), "failed", level=logging.ERROR, exit_status=status)
    return status


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of all verbs.

    Raises:
        ConfigError: The first of the words is no verb.
    """
    parser = _Parser(
        prog="beam-audio",
        description="Raw recordings in; transcribed, measured, partitioned Parquet out.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"beam-audio {__version__}")
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=("bash", "zsh", "tcsh"),
        help="print a script that completes flags in this shell",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for add in (
        *(_add_run, _add_plan, _add_compact, _add_curate, _add_report, _add_explain),
        *(_add_demo, _add_doctor, _add_models),
    ):
        add(commands)
    govern.add_verbs(partial(_add, commands))
    exporting.add_verb(partial(_add, commands))
    cutting.add_verb(partial(_add, commands))
    registering.add_verb(partial(_add, commands))
    classifying.add_verb(partial(_add, commands))
    searching.add_verb(partial(_add, commands))
    _check_verb(words, commands)
    return parser


def _check_verb(words: Sequence[str], commands: Subparsers) -> None:
    if words and not words[0].startswith("-") and words[0] not in commands.choices:
        hint = nearest(words[0], commands.choices)
        raise ConfigError(f"unknown command {words[0]!r}{hint or '; see beam-audio --help'}")


def _add(  # noqa: PLR0913 - keyword arguments
    commands: Subparsers,
    name: str,
    action: Verb,
    text: str,
    *,
    usage: str | None = None,
    description: str | None = None,
    epilog: str | None = None,
) -> _Parser:
    """Add a verb.

    Args:
        commands: Where to.
        name: The verb.
        action: The function that does it.
        text: Its line in the list of verbs.
        usage: First line of its own help, in place of argparse's.
        description: Paragraph below the first line.
        epilog: Paragraph at the end.
    """
    parser: _Parser = commands.add_parser(
        name,
        help=text,
        usage=usage,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(action=action)
    return parser


def _add_run(commands: Subparsers) -> None:
    text = "transcribe audio into partitioned Parquet"
    add_flags(
        _add(commands, "run", verbs.run, text, usage=_USAGE.format("run"), epilog=_RUN_EXAMPLES)
    )


def _add_plan(commands: Subparsers) -> None:
    """Add ``plan``: the flags of a run, and those of its own."""
    parser = _add(
        commands,
        "plan",
        verbs.plan,
        "what a run would take: hours of audio, compute, workers and cost",
        usage=_USAGE.format("plan"),
        description="Takes the flags of run; reads headers, decodes nothing and writes nothing.",
        epilog=_PLAN_EXAMPLES,
    )
    add_flags(parser)
    flags = parser.add_argument_group("plan")
    for name, default, kind, text in (
        ("deadline_hours", 24.0, _above_zero, "hours it may take"),
        ("worker_cores", 4, _count, "cores of a worker"),
        ("worker_price", 1.0, _above_zero, "price of a worker per hour, in any currency"),
        ("times_real_time", None, _above_zero, "speed of a worker; a measured one if not given"),
        ("start_seconds", None, _from_zero, "simulated time until a worker has its first unit"),
        ("preemptions_per_hour", None, _from_zero, "how often a simulated worker is taken away"),
        ("max_headers", 1000, _count, "read no more headers; other lengths are estimated by size"),
    ):
        shown = "" if default is None else f" (default: {default:g})"
        flags.add_argument(f"--{name}", type=kind, default=default, metavar="N", help=text + shown)
    flags.add_argument(
        "--simulate",
        type=_above_zero,
        nargs="?",
        const=0.0,
        metavar="HOURS",
        help="play the job through: unit sizes, workers, idle time and cost; HOURS: as if the "
        "inputs were so many hours of recordings like these",
    )
    flags.add_argument(
        "--worker_gpu",
        choices=_GPUS,
        metavar="GPU",
        help=f"the one GPU of a worker, in place of its cores: {', '.join(_GPUS)}",
    )


def _add_compact(commands: Subparsers) -> None:
    parser = _add(
        commands,
        "compact",
        verbs.compact,
        "merge the small part files of an output",
        description="Merges small part files into larger ones; the set of rows stays the same.",
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument(
        "--target_bytes", type=_count, metavar="N", help="size of a merged file (default: 128 MiB)"
    )


def _add_curate(commands: Subparsers) -> None:
    parser = _add(
        commands,
        "curate",
        verbs.curate,
        "judge the segments of an output again, by other rules",
        description="Takes the rows of an output alone: no audio is opened, nothing recognised.",
        epilog=_CURATE_EXAMPLES,
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument("--rules", metavar="RULES", help="strict, balanced, lenient, or a file")
    parser.add_argument(
        "--restore", metavar="RULES_ID", help="put back what these rules decided before"
    )
    parser.add_argument(
        "--compare",
        metavar="RULES_ID",
        nargs="?",
        const="",
        help="what moved since these rules; beside --rules: what would move. Writes nothing",
    )
    parser.add_argument(
        "--redact", choices=("pii",), help="put texts without personal data beside the texts"
    )
    parser.add_argument(
        "--corrections",
        metavar="FILE",
        help="first take what people corrected: an export of Label Studio, or JSON lines",
    )
    parser.add_argument(
        "--duplicates", action="store_true", help="first mark rows that are like other rows"
    )
    parser.add_argument(
        "--speakers",
        type=_cosine,
        metavar="COSINE",
        nargs="?",
        const=0.5,
        help="find who is heard in several recordings: speakers whose embeddings are alike, their "
        "mean cosine being this at least (default: 0.5)",
    )
    parser.add_argument(
        "--against",
        metavar="MANIFEST|OUTPUT",
        help="first mark rows that are in this test set, by sound or by text",
    )


def _add_report(commands: Subparsers) -> None:
    parser = _add(
        commands,
        "report",
        verbs.report,
        "write a page about an output: figures, plots, the worst segments",
        description="Writes one HTML page that holds everything it shows; reads the tables only.",
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument(
        "--rules", metavar="FILE", help="the rules that judged it, where they are not found"
    )
    parser.add_argument(
        "--page", metavar="FILE", help="where the page goes (default: OUTPUT/report.html)"
    )
    parser.add_argument("--against", metavar="OUTPUT", help="another output: what moved since")
    parser.add_argument("--json", action="store_true", help="print the figures; write no page")


def _add_explain(commands: Subparsers) -> None:
    parser = _add(
        commands,
        "explain",
        verbs.explain,
        "why a segment was decided as it was, and where its audio is",
        description="Prints each rule with its value, the audio, the model and the neighbours.",
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument("segment_id", help="the segment; its first digits are enough")
    parser.add_argument(
        "--rules", metavar="FILE", help="the rules that judged it, where they are not found"
    )
    parser.add_argument("--play", action="store_true", help="write its audio as SEGMENT_ID.flac")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _add_demo(commands: Subparsers) -> None:
    parser = _add(commands, "demo", verbs.demo, "transcribe the packaged clips")
    parser.add_argument("--output", default="demo-output", metavar="DIR")


def _add_doctor(commands: Subparsers) -> None:
    _add(commands, "doctor", verbs.doctor, "what is installed, what is missing and its cure")


def _add_models(commands: Subparsers) -> None:
    models = commands.add_parser("models", help="list, build, get and check models")
    actions = models.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    _add(actions, "list", verbs.models_list, "models known by name")
    build = _add(actions, "build", verbs.models_build, "build a model's ONNX files")
    build.add_argument("name", help="a name or a folder")
    build.add_argument("--precision", help="numeric precision; by default the card's")
    get = _add(actions, "get", verbs.models_get, "bring a network for sounds, speakers or ratings")
    get.add_argument("name", help="a name, such as campplus, fireredvad-aed or dnsmos")
    check = _add(actions, "check", verbs.models_check, "check a model's files and load it")
    check.add_argument("name", help="a name or a folder")


def _above_zero(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be above 0")
    return number


def _from_zero(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} must be 0 or more")
    return number


def _cosine(text: str) -> float:
    number = float(text)
    if not -1 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} must lie between -1 and 1")
    return number


def _count(text: str) -> int:
    return round(_above_zero(text))
