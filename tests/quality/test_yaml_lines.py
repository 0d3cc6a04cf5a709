"""YAML whose mappings know their lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import ConfigError
from beam_audio.quality.yaml_lines import Located, located_error, parse_yaml, read_yaml

if TYPE_CHECKING:
    from pathlib import Path


def test_errors_name_the_line_of_a_key() -> None:
    document = parse_yaml("# rules\na: 1\nb:\n  c: 2\n  d: 3\n", "mine")
    assert isinstance(document, Located)
    assert str(located_error("mine", document, "a", "wrong")) == "mine, line 2: wrong"
    assert str(located_error("mine", document["b"], "d", "wrong")) == "mine, line 5: wrong"
    assert str(located_error("mine", document["b"], "x", "missing")) == "mine, line 4: missing"
    assert str(located_error("mine", 5, "x", "no mapping")) == "mine: no mapping"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: &x 1\nb: *x", ", line 2: YAML aliases"),
        ("[" * 20, ", line 1: nested too deeply"),
        ("- x\n- " + "[" * 100_000, ", line 2: nested too deeply"),
        ("a:\n  - b: {c: {d: {e: {f: {g: {h: [1]}}}}}}", ", line 2: nested too deeply"),
        ("x" * 70_000, ": a file of YAML is limited to 65536 bytes"),
        ("a: '" + "ü" * 40_000 + "'", ": a file of YAML is limited to 65536 bytes"),
        ("a: [1", ", line 1: cannot be read as YAML"),
        ("a: b\n\tc: d", ", line 2: cannot be read as YAML"),
        ("a: 1\0", ": cannot be read as YAML: unacceptable character"),
        ("a: 2001-99-99", ": cannot be read as YAML"),
        ("a: 1\nb: 2\na: 3", ", line 3: 'a' is given twice, first on line 1"),
        ("x:\n  - {b: 1, 'b': 2}", ", line 2: 'b' is given twice, first on line 2"),
        ("a: 1\n2: b", ", line 2: a key must be text"),
        ("true: b", ", line 1: a key must be text"),
        ("? [a]\n: b", ", line 1: a key must be text"),
        ("? {a: b}\n: b", ", line 1: a key must be text"),
        ("a: 1\n<<: {b: 2}", ", line 2: a key must be text"),
        ("a: !!python/object/apply:os.getcwd []", ", line 1: YAML tags"),
        ("a: !!binary aGk=", ", line 1: YAML tags"),
        ("a: !mine x", ", line 1: YAML tags"),
        ("a: 0x" + "f" * 20, ", line 1: the number is too large"),
        ("a\n---\nb", ", line 2: cannot be read as YAML"),
    ],
)
def test_what_is_costly_or_broken_is_refused_in_one_line(content: str, says: str) -> None:
    with pytest.raises(ConfigError, match="^" + re.escape(f"mine{says}")) as raised:
        parse_yaml(content, "mine")
    assert "\n" not in str(raised.value)


def test_a_file_is_read_no_further_than_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(8 << 30)
    with pytest.raises(ConfigError, match="mine"):
        read_yaml(str(path), "mine")
    path.write_bytes(b"a: caf\xe9")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_yaml(str(path), "mine")
    path.write_text("a: [b, 1]", encoding="utf-8")
    assert read_yaml(str(path), "mine") == {"a": ["b", 1]}
