"""``beam-audio tables``: its arguments, what it does, and what it prints."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, get_args

from beam_audio.command.unknown_words import refuse_unknown
from beam_audio.errors import ConfigError, HeldError
from beam_audio.output.registration import FormatName, Registration

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from beam_audio.export.tables.content import Change

_NAMESPACE: Final = "beam_audio"
_EXAMPLES: Final = """examples:
  beam-audio tables out --format=iceberg             with a catalog inside the output
  beam-audio tables out --format=iceberg --catalog=prod --namespace=speech
  beam-audio tables out --format=delta               out/segments is a Delta table then
  beam-audio tables out --format=duckdb              writes out/_tables/views.sql
  beam-audio tables gs://b/out --format=bigquery     writes out/_tables/load.sql
  beam-audio tables out                              brings all of these up to date
  beam-audio tables out --every=60                   goes on doing so, beside a stream"""


def add_verb(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    parser = add(
        "tables",
        tables,
        "register an output's rows as tables of Iceberg, Delta, DuckDB or BigQuery",
        description=(
            "Tables name the part files as they stand. Replaced rows are replaced in one commit a "
            "table.\nFrom then on superseded files stay until expire deletes them."
        ),
        epilog=_EXAMPLES,
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument(
        "--format",
        choices=get_args(FormatName),
        help="what reads the tables (default: whatever is registered)",
    )
    parser.add_argument(
        "--catalog",
        metavar="NAME",
        help="iceberg: a catalog of pyiceberg's configuration (default: one inside the output)",
    )
    parser.add_argument(
        "--namespace",
        metavar="NAME",
        help=f"iceberg: the namespace; bigquery: the data set (default: {_NAMESPACE})",
    )
    parser.add_argument(
        "--every", metavar="SECONDS", help="bring the tables up to date so often, until stopped"
    )


def tables(given: argparse.Namespace, rest: list[str]) -> int:
    """Register an output, or bring its tables up to date."""
    refuse_unknown(rest, ["--format", "--catalog", "--namespace", "--every"])
    every_seconds = _seconds(given.every)
    registration = _registration(given)
    from beam_audio.export.tables.register import register, update

    def bring_up_to_date() -> dict[str, list[Change]]:
        if registration is None:
            return update(given.output)
        return {registration.format: register(given.output, registration)}

    if every_seconds is None:
        _print(bring_up_to_date())
        return 0
    while True:
        try:
            _print(bring_up_to_date(), only_changed=True)
        except HeldError as error:
            print(f"the tables stay as they are: {error}", flush=True)
        time.sleep(every_seconds)


def _registration(given: argparse.Namespace) -> Registration | None:
    """What is to be registered; None for what is.

    Raises:
        ConfigError: The flags contradict each other, or nothing is registered.
    """
    from beam_audio.output.registrations import is_registered

    if given.format is None:
        if given.catalog or given.namespace:
            raise ConfigError("give --format beside --catalog and --namespace")
        if not is_registered(given.output):
            raise ConfigError(f"{given.output} has no tables; say which with --format")
        return None
    if given.catalog and given.format != "iceberg":
        raise ConfigError("--catalog is for --format=iceberg")
    return Registration(given.format, given.namespace or _NAMESPACE, given.catalog or "")


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        seconds = -1.0
    if seconds is not None and not 0 < seconds < float("inf"):
        raise ConfigError(f"--every={text} is no number of seconds above 0")
    return seconds


def _print(changes: dict[str, list[Change]], *, only_changed: bool = False) -> None:
    for name, found in changes.items():
        for each in found:
            if each.added or each.removed or not only_changed:
                print(
                    f"{name:<10}{each.table:<12}{each.parts} part files, {each.added} added, "
                    f"{each.removed} removed",
                    flush=True,
                )
        if not found and not only_changed:
            print(f"{name:<10}no rows yet")
