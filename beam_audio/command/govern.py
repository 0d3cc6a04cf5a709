"""Verbs that look after an output once it is written: their arguments, and what they do."""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Final

from beam_audio.command.unknown_words import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Callable


_DURATION: Final = re.compile(r"(\d{1,6})([hdw])")
_SECONDS: Final = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}


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
    parser = add(
        "expire",
        expire,
        "delete old payloads, superseded files and decisions of earlier rules",
        description="Deletes what is kept beside the rows. Rows, records and ledgers stay.",
    )
    _add_output(parser)
    parser.add_argument(
        "--older_than",
        type=_seconds,
        required=True,
        metavar="AGE",
        help="age from which files go, such as 12h, 30d or 8w",
    )
    parser.add_argument("--dry_run", action="store_true", help="only say what would be deleted")
    parser = add(
        "forget",
        forget,
        "erase recordings from an output for ever, and print the proof",
        description=(
            "Erases rows, stored audio, payloads, records, decisions and reports of recordings, "
            "with all inputs\nof the same content. What is left recognises them, so that no run "
            "and no message brings them back."
        ),
        epilog="exit status: 0 nothing is left of them · 1 something is · 2 none was found",
    )
    _add_output(parser)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--recording", metavar="ID", help="a recording_id")
    which.add_argument("--uri", metavar="URI", help="an address, as the rows have it")
    which.add_argument("--metadata", metavar="KEY=VALUE", help="a value of a manifest's key")


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


def expire(given: argparse.Namespace, rest: list[str]) -> int:
    """Delete what is older than an age, or say what would be deleted."""
    refuse_unknown(rest, ["--older_than", "--dry_run"])
    from beam_audio.export.tables.register import kept_names, registered
    from beam_audio.output.expire import expire as delete
    from beam_audio.output.expire import find_expired

    now = time.time()
    formats, before_seconds = registered(given.output), now - given.older_than
    kept = kept_names(formats, before_seconds)
    found = find_expired(given.output, given.older_than, now, kept)
    if not given.dry_run:
        for tables in formats:
            tables.expire_history(before_seconds)
        found = delete(given.output, found)
    for each in found:
        print(f"{each.kind:<12}{each.size_bytes:>14,}  {each.name}")
    counts = Counter(each.kind for each in found)
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    done = "would be deleted" if given.dry_run else "deleted"
    size_bytes = sum(each.size_bytes for each in found)
    print(f"{len(found)} files of {size_bytes:,} bytes {done}" + (f": {kinds}" if kinds else ""))
    return 0


def forget(given: argparse.Namespace, rest: list[str]) -> int:
    """Erase recordings and print what shows that nothing is left of them."""
    refuse_unknown(rest, ["--recording", "--uri", "--metadata"])
    from beam_audio.command.proof_table import proof_table
    from beam_audio.curate.chosen import Selector
    from beam_audio.curate.forget import forget as erase
    from beam_audio.errors import ConfigError
    from beam_audio.export.note import read_exports
    from beam_audio.export.tables.register import registered, release

    registered(given.output)  # their libraries are needed in the end
    metadata = None
    if given.metadata is not None:
        key, separator, value = given.metadata.partition("=")
        if not separator:
            raise ConfigError(f"--metadata={given.metadata} is not KEY=VALUE")
        metadata = (key, value)
    selector = Selector(given.recording, given.uri, metadata)
    proof = erase(given.output, selector, partial(release, given.output))
    if proof is None:
        raise ConfigError(f"{given.output} holds no such recording")
    print(proof_table(proof))
    for folder in read_exports(given.output):
        print(f"{'export':<12}{folder} is not touched: look there, too")
    return 0 if proof.holds else 1


def _seconds(text: str) -> float:
    """An age such as 30d, in seconds."""
    found = _DURATION.fullmatch(text)
    if found is None or not int(found[1]):
        raise argparse.ArgumentTypeError(f"{text} is no age such as 12h, 30d or 8w")
    return int(found[1]) * _SECONDS[found[2]]


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("output", help="the --output of a run, local or gs://")
