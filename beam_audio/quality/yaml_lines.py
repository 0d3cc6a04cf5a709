"""YAML that knows its lines, so that an error can name the line of what is wrong."""

from __future__ import annotations

from typing import Any, Final

import yaml

from beam_audio.errors import ConfigError

MAX_FILE_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 8


class Located(dict[str, Any]):
    """A mapping of a YAML file, with the line it starts on and the line of each key."""

    line: int
    lines: dict[str, int]


class _Loader(yaml.SafeLoader):
    """Safe YAML whose mappings know their lines."""


def _located(loader: _Loader, node: yaml.MappingNode) -> Located:
    pairs = loader.construct_mapping(node, deep=True)
    mapping = Located((str(key), value) for key, value in pairs.items())
    mapping.line = node.start_mark.line + 1
    mapping.lines = {str(key.value): key.start_mark.line + 1 for key, _ in node.value}
    return mapping


_Loader.add_constructor("tag:yaml.org,2002:map", _located)


def located_error(place: str, entry: object, key: str, message: str) -> ConfigError:
    """An error with the line of a key; with the first line of an entry that lacks the key."""
    line = entry.lines.get(key, entry.line) if isinstance(entry, Located) else None
    return ConfigError(f"{place}{'' if line is None else f', line {line}'}: {message}")


def parse_yaml(content: str, origin: str) -> object:
    """Parse the text of a YAML file; its mappings are :class:`Located`.

    Raises:
        ConfigError: The text is too long, nested too deeply, has aliases or is not valid YAML.
    """
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f"{origin}: rules are limited to {MAX_FILE_BYTES} bytes")
    try:
        _refuse_bombs(content, origin)
        return yaml.load(content, _Loader)  # noqa: S506 (a safe loader)
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{origin}: not valid YAML: {str(error)[:300]}") from error


def _refuse_bombs(content: str, origin: str) -> None:
    """Refuse texts that are short and costly: aliases multiply, and deep nesting parses slowly."""
    depth = 0
    for event in yaml.parse(content):
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{origin}: YAML aliases (*name) are not allowed; write it out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ConfigError(f"{origin}: nested too deeply for rules")
