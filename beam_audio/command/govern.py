"""Verbs that look after an output once it is written: their arguments, and what they do."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from beam_audio.command.unknown_words import refuse_unknown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def add_verbs(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verbs of this module to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    parser = add(
        "status",
        status,
        "whether an output is complete, what remains, what failed last, who writes there",
        epilog="exit status: 0 complete · 1 not complete · 2 no output",
    )
    _add_output(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def status(given: argparse.Namespace, rest: list[str]) -> int:
    """Print how an output stands; 1 if it is not complete."""
    refuse_unknown(rest, ["--json"])
    from beam_audio.command.status_table import status_table
    from beam_audio.output.status import read_status

    found = read_status(given.output)
    if given.json:
        content = {"is_complete": found.is_complete, "is_alive": found.is_alive} | asdict(found)
        print(json.dumps(content, indent=1, default=str))
    else:
        print(status_table(found))
    return 0 if found.is_complete else 1


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", help="the --output of a run, local or gs://")
