"""A run's configuration from text: from flags of the command line, and a YAML file of them."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from beam_audio.errors import ConfigError
from beam_audio.run.config import RunConfig
from beam_audio.spelling import nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

_WANTED: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text; quote it in YAML",
}
_TRUE: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every field of :class:`RunConfig`; defaults are applied by :func:`resolve`."""
    for field in dataclasses.fields(RunConfig):
        metavar = "|".join(field.metadata["choices"]) or field.name.rpartition("_")[2].upper()
        shown = "" if field.default in (None, "") else f" (default: {field.default})"
        is_switch = _kind(field) is bool
        parser.add_argument(
            f"--{field.name}",
            default=argparse.SUPPRESS,
            help=(field.metadata["help"] + shown).replace("%", "%%"),
            metavar="true|false" if is_switch else metavar,
            nargs="?" if is_switch else None,
            const="true" if is_switch else None,
        )
    parser.add_argument("--config", metavar="FILE.yaml", help="a YAML file of these flags")


def resolve(given: Mapping[str, str], config_file: str | None = None) -> RunConfig:
    """Make a configuration from flags, then the file, then defaults.

    Args:
        given: Flags given, as text.
        config_file: YAML whose keys are flag names.

    Raises:
        ConfigError: A key is unknown, a value is not of its kind, or flags contradict each other.
    """
    merged: dict[str, object] = {}
    if config_file is not None:
        merged.update(_read_yaml(config_file))
    merged.update(given)
    fields = {field.name: field for field in dataclasses.fields(RunConfig)}
    for name in merged.keys() - fields.keys():
        raise ConfigError(f"{config_file}: unknown key {name!r}{nearest(name, fields)}")
    values: dict[str, Any] = {
        name: _convert(fields[name], value)
        for name, value in merged.items()
        if value is not None  # an empty value in YAML leaves the default
    }
    return RunConfig(**values)


def _read_yaml(path: str) -> dict[str, object]:
    try:
        loaded = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ConfigError(f"--config={path} cannot be read: {error}") from error
    if not isinstance(loaded, dict) or not all(isinstance(key, str) for key in loaded):
        raise ConfigError(f"--config={path} must hold 'flag: value' lines")
    return loaded


def _kind(field: dataclasses.Field[Any]) -> type:
    annotation = str(field.type)
    kinds = {"bool": bool, "int": int, "float": float}
    return next((kind for name, kind in kinds.items() if annotation.startswith(name)), str)


def _convert(field: dataclasses.Field[Any], value: object) -> object:
    kind = _kind(field)
    if isinstance(value, bool) and kind is bool:
        return value
    if not isinstance(value, bool | list | dict):  # YAML reads a bare 'no' as false
        with contextlib.suppress(ValueError, KeyError):
            return _TRUE[str(value).lower()] if kind is bool else kind(str(value))
    raise ConfigError(f"--{field.name}={value} must be {_WANTED[kind]}")
