"""A run's configuration from text: flags of the command line, and a YAML file of them."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, get_args

from beam_audio.command.beam_flags import beam_flags
from beam_audio.command.unknown_words import refuse_unknown, right_spelling
from beam_audio.errors import ConfigError
from beam_audio.run.config import RunConfig
from beam_audio.run.run_flags import KINDS, Group
from beam_audio.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NAMES: Final = tuple(KINDS)
"""Names of the flags of a run, without dashes."""

USAGE: Final = "beam-audio {} --input=AUDIO --output=DIR [--flag=value ...]"
"""First line of the help of a verb that takes these flags."""

_BEAM: Final = (
    "Every flag of Apache Beam and its runners is accepted too, such as --runner, "
    "--direct_num_workers, --project, --region, --temp_location, --num_workers, "
    "--sdk_container_image and --flink_master."
)
_WANTED: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text; quote it in YAML",
}
_TRUE: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every field of :class:`RunConfig`, by group.

    Flags that are not given stay out of the parser's result: :func:`resolve` applies the defaults.
    """
    parser.add_argument(
        "--config", metavar="FILE.yaml", help="a YAML file of these flags and of Beam's"
    )
    for name, fields in by_group():
        group = parser.add_argument_group(name)
        for field in fields:
            group.add_argument(f"--{field.name}", **_described(field))
    parser.add_argument_group("Beam", _BEAM)


def by_group() -> Iterator[tuple[Group, list[dataclasses.Field[Any]]]]:
    """Every group with its flags, in the order they are shown."""
    order = get_args(Group)
    fields = sorted(dataclasses.fields(RunConfig), key=lambda each: order.index(_group(each)))
    for name, each in groupby(fields, key=_group):
        yield name, list(each)


def flags_of(given: argparse.Namespace) -> dict[str, str]:
    """The flags of a run on a command line, by name."""
    return {name: value for name, value in vars(given).items() if name in NAMES}


def refuse_other_flags(verb: str, given: argparse.Namespace, rest: Sequence[str]) -> None:
    """Refuse words that are no flag of a run or of Beam.

    Args:
        verb: The verb, for a message that shows the whole command in the right spelling.
        given: What the parser understood.
        rest: The words it did not.

    Raises:
        ConfigError: As :func:`~beam_audio.command.unknown_words.refuse_unknown`.
    """
    known = {*beam_flags(), *(f"--{name}" for name in NAMES)}
    refuse_unknown(rest, known, right_spelling(verb, flags_of(given), rest))


def resolve(given: Mapping[str, object]) -> RunConfig:
    """Make a configuration from values by the names of flags; text is converted.

    Raises:
        ConfigError: A name is unknown, a value is not of its kind, or flags contradict each other.
    """
    for name in given:
        if name not in KINDS:
            raise ConfigError(f"unknown flag --{name}{nearest(name, NAMES)}")
    values: dict[str, Any] = {
        name: _convert(name, value)
        for name, value in given.items()
        if value is not None  # an empty value in YAML leaves the default
    }
    return RunConfig(**values)


def with_file(
    given: Mapping[str, object], rest: Sequence[str], path: str | None
) -> tuple[RunConfig, list[str]]:
    """Flags of a run and of Beam, from a command line and a file; the command line wins.

    Args:
        given: Our flags on the command line.
        rest: Beam's flags on the command line.
        path: A YAML file, or None.

    Raises:
        ConfigError: The file cannot be read or names an unknown flag, or as in :func:`resolve`.
    """
    ours, beams = _read_file(path) if path is not None else ({}, {})
    named = {word.split("=", 1)[0] for word in rest}
    words = [word for name, words in beams.items() if name not in named for word in words]
    return resolve({**ours, **given}), [*words, *rest]


def _group(field: dataclasses.Field[Any]) -> Group:
    group: Group = field.metadata["group"]
    return group


def _described(field: dataclasses.Field[Any]) -> dict[str, Any]:
    """What argparse is told of a flag."""
    metavar = "|".join(field.metadata["choices"]) or field.name.rpartition("_")[2].upper()
    shown = "" if field.default in (None, "") else f" (default: {field.default})"
    described = {
        "default": argparse.SUPPRESS,
        "help": (field.metadata["help"] + shown).replace("%", "%%"),
        "metavar": metavar,
    }
    if KINDS[field.name] is bool:
        described |= {"metavar": "true|false", "nargs": "?", "const": "true"}
    return described


def _read_file(path: str) -> tuple[dict[str, object], dict[str, list[str]]]:
    """Values of our flags by name, and the words of Beam's flags by name with dashes."""
    ours: dict[str, object] = {}
    beams: dict[str, list[str]] = {}
    known = {name.removeprefix("--") for name in beam_flags()}
    loaded = _read_yaml(path)
    for name, value in loaded.items():
        if name in KINDS:
            ours[name] = value
        elif name in known:
            beams[f"--{name}"] = _beam_words(path, name, value)
        else:
            from beam_audio.quality.yaml_lines import located_error  # noqa: PLC0415 - as below

            hint = nearest(name, {*NAMES, *known})
            raise located_error(path, loaded, name, f"unknown key {name!r}{hint}")
    return ours, beams


def _read_yaml(path: str) -> dict[str, object]:
    from beam_audio.quality.yaml_lines import read_yaml  # noqa: PLC0415 - only where there is a file

    loaded = read_yaml(path, f"--config={path}")
    if not isinstance(loaded, dict):
        raise ConfigError(f"--config={path} must hold 'flag: value' lines")
    return loaded


def _beam_words(path: str, name: str, value: object) -> list[str]:
    """A flag of Beam as it is written on the command line: once for each value of a list."""
    if value is None:
        return []
    if value is True:
        return [f"--{name}"]
    values = value if isinstance(value, list) else [value]
    if value is False or not all(type(each) in {str, int, float} for each in values):
        raise ConfigError(
            f"{path}: {name}: {value} must be text, a number, a list of them, or true; "
            "leave the line out to keep Beam's default"
        )
    return [f"--{name}={each}" for each in values]


def _convert(name: str, value: object) -> object:
    kind = KINDS[name]
    if isinstance(value, bool) and kind is bool:
        return value
    if not isinstance(value, bool | list | dict):  # YAML reads a bare 'no' as false
        with contextlib.suppress(ValueError, KeyError):
            return _TRUE[str(value).lower()] if kind is bool else kind(str(value))
    raise ConfigError(f"--{name}={value} must be {_WANTED[kind]}")
