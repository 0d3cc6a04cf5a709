from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from beam_audio.output.stored_values import value_of


@dataclass(frozen=True)
class Inner:
    size: int


@dataclass(frozen=True)
class Example:
    name: str
    kind: Literal["a", "b"]
    seconds: float
    tags: tuple[str, ...] = ()
    language: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    parts: dict[str, Inner] = field(default_factory=dict)


GOOD: dict[str, Any] = {"name": "x", "kind": "a", "seconds": 1}


def test_fields_become_a_value() -> None:
    fields = GOOD | {"tags": ["t"], "counts": {"n": 1}, "parts": {"p": Inner(2)}}
    assert value_of(Example, fields) == Example(
        "x", "a", 1, ("t",), None, {"n": 1}, {"p": Inner(2)}
    )


@pytest.mark.parametrize(
    "wrong",
    [
        *({"name": None}, {"name": 1}, {"kind": "c"}, {"kind": []}, {"seconds": "1"}),
        *({"seconds": True}, {"tags": "abc"}, {"tags": [1]}, {"tags": {}}, {"language": 1}),
        *({"counts": {"n": 1.5}}, {"counts": {"n": True}}, {"counts": []}, {"parts": {"p": {}}}),
        *({"more": 1},),
    ],
)
def test_fields_of_another_kind_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        value_of(Example, GOOD | wrong)


def test_a_missing_field_is_refused() -> None:
    with pytest.raises(TypeError, match="seconds"):
        value_of(Example, {"name": "x", "kind": "a"})
