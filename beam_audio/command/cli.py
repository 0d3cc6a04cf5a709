"""The ``beam-audio`` command: its arguments, and the exit status."""

from __future__ import annotations

import argparse
import logging
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from beam_audio.command import (
    classifying,
    curating,
    cutting,
    exporting,
    govern,
    log_lines,
    model_verbs,
    planning,
    registering,
    searching,
    verbs,
)
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
    add = partial(_add, commands)
    verbs.add_run(add)
    planning.add_verb(add)
    verbs.add_verbs(add)
    for verb in (curating, exporting, cutting, registering, classifying, searching):
        verb.add_verb(add)
    govern.add_verbs(add)
    models = commands.add_parser("models", help="list, build, get and check models")
    below = models.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)
    model_verbs.add_verbs(partial(_add, below))
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
