"""Values read back from JSON, each checked to be of its kind: anyone can write into an output."""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
_Check = Callable[[Any], bool]


def value_of(kind: type[T], fields: Mapping[str, Any]) -> T:
    """A value of a frozen dataclass from its fields; lists become tuples.

    Raises:
        TypeError: A field is missing, unknown, or of another kind.
    """
    given = {name: tuple(each) if type(each) is list else each for name, each in fields.items()}
    value = kind(**given)
    for name, holds in _checks(cast("Hashable", kind)):
        if name in given and not holds(given[name]):
            raise TypeError(f"{name} is {given[name]!r:.80}")
    return value


@cache
def _checks(kind: Hashable) -> tuple[tuple[str, _Check], ...]:
    return tuple((name, _check(hint)) for name, hint in get_type_hints(cast("type", kind)).items())


def _check(hint: Any) -> _Check:  # noqa: ANN401 - a type
    """Whether a value is of a type; of those that our records have."""
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return lambda value: value in arguments
    if isinstance(hint, types.UnionType):
        checks = tuple(map(_check, arguments))
        return lambda value: any(holds(value) for holds in checks)
    if get_origin(hint) is tuple:
        item = _check(arguments[0])
        return lambda value: type(value) is tuple and all(map(item, value))
    if get_origin(hint) is dict:
        item = _check(arguments[1])
        return lambda value: type(value) is dict and all(map(item, value.values()))
    if hint is float:
        return lambda value: type(value) in {int, float}
    return lambda value: type(value) is hint
