"""YAML that knows its lines, so that an error can name the line of what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from beam_audio.errors import ConfigError

MAX_FILE_BYTES: Final = 64 * 1024
_MAX_DEPTH: Final = 8
_MAX_NUMBER: Final = 1 << 63
_SHOWN: Final = 300


class Located(dict[str, Any]):
    """A mapping of a YAML file, with the line it starts on and the line of each key."""

    line: int
    lines: dict[str, int]


class _Loader(yaml.SafeLoader):
    """Safe YAML whose mappings know their lines, and whose keys are text and stand once."""

    origin = ""


def _located(loader: _Loader, node: yaml.MappingNode) -> Located:
    mapping = Located()
    mapping.line, mapping.lines = _line(node.start_mark), {}
    for key_node, value_node in node.value:
        place = f"{loader.origin}, line {_line(key_node.start_mark)}"
        key = loader.construct_object(key_node, deep=True) if _is_plain(key_node) else None
        if not isinstance(key, str):
            raise ConfigError(f"{place}: a key must be text; quote it")
        if key in mapping:
            first = mapping.lines[key]
            raise ConfigError(f"{place}: {key[:_SHOWN]!r} is given twice, first on line {first}")
        mapping[key] = loader.construct_object(value_node, deep=True)
        mapping.lines[key] = _line(key_node.start_mark)
    return mapping


def _is_plain(node: yaml.Node) -> bool:
    """Whether a key is neither a list, a mapping nor the sign for merging another mapping."""
    return isinstance(node, yaml.ScalarNode) and node.tag != "tag:yaml.org,2002:merge"


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    number: int = loader.construct_yaml_int(node)
    if abs(number) >= _MAX_NUMBER:
        raise ConfigError(
            f"{loader.origin}, line {_line(node.start_mark)}: the number is too large"
        )
    return number


_Loader.add_constructor("tag:yaml.org,2002:map", _located)
_Loader.add_constructor("tag:yaml.org,2002:int", _whole)


def located_error(place: str, entry: object, key: str, message: str) -> ConfigError:
    """An error with the line of a key; with the first line of an entry that lacks the key."""
    line = entry.lines.get(key, entry.line) if isinstance(entry, Located) else None
    return ConfigError(f"{place}{'' if line is None else f', line {line}'}: {message}")


def read_yaml(path: str, origin: str) -> object:
    """Read a YAML file; see :func:`parse_yaml`.

    Raises:
        ConfigError: It cannot be read, or is not such YAML.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        # A file that is too long may be cut within a character.
        text = content.decode(errors="strict" if len(content) <= MAX_FILE_BYTES else "ignore")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{origin} cannot be read as a file in UTF-8: {error}") from error
    return parse_yaml(text, origin)


def parse_yaml(content: str, origin: str) -> object:
    """Parse the text of a YAML file; its mappings are :class:`Located`.

    Args:
        content: The text.
        origin: What it is called in errors.

    Raises:
        ConfigError: The text is too long, nested too deeply, has aliases, tags, a key twice or one
            that is not text, or is not valid YAML. The message is one line and names the line.
    """
    try:
        _refuse_costly(content[:MAX_FILE_BYTES], origin)
        _refuse_long(content, origin)
        loader = _Loader(content)
        loader.origin = origin
        return loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        _refuse_long(content, origin)  # it may be broken only where it was cut
        mark = error.problem_mark or error.context_mark
        place = origin if mark is None else f"{origin}, line {_line(mark)}"
        raise ConfigError(f"{place}: cannot be read as YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        why = str(error).partition("\n")[0][:_SHOWN]
        raise ConfigError(f"{origin}: cannot be read as YAML: {why}") from error


def _refuse_long(content: str, origin: str) -> None:
    if len(content.encode()) > MAX_FILE_BYTES:
        raise ConfigError(f"{origin}: a file of YAML is limited to {MAX_FILE_BYTES} bytes")


def _refuse_costly(content: str, origin: str) -> None:
    """Refuse what is short and costly, or makes more than text, numbers, lists and mappings.

    Aliases multiply, deep nesting parses slowly, and tags name types.
    """
    depth = 0
    for event in yaml.parse(content, yaml.SafeLoader):
        place = f"{origin}, line {_line(event.start_mark)}"
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{place}: YAML aliases (*name) are not allowed; write it out")
        if getattr(event, "tag", None) is not None:
            raise ConfigError(f"{place}: YAML tags (!name) are not allowed; write plain values")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise ConfigError(f"{place}: nested too deeply, more than {_MAX_DEPTH} levels")


def _line(mark: Any) -> int:  # noqa: ANN401 - the parser in Python and that in C have their own
    line: int = mark.line
    return line + 1
