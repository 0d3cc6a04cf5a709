"""YAML whose mappings know their lines."""

from __future__ import annotations

import pytest

from beam_audio.errors import ConfigError
from beam_audio.quality.yaml_lines import Located, located_error, parse_yaml


def test_errors_name_the_line_of_a_key() -> None:
    document = parse_yaml("# rules\na: 1\nb:\n  c: 2\n  d: 3\n", "mine")
    assert isinstance(document, Located)
    assert str(located_error("mine", document, "a", "wrong")) == "mine, line 2: wrong"
    assert str(located_error("mine", document["b"], "d", "wrong")) == "mine, line 5: wrong"
    assert str(located_error("mine", document["b"], "x", "missing")) == "mine, line 4: missing"
    assert str(located_error("mine", 5, "x", "no mapping")) == "mine: no mapping"


@pytest.mark.parametrize("content", ["a: &x 1\nb: *x", "[" * 20, "a: [1", "x" * 70_000])
def test_what_is_costly_or_broken_is_refused(content: str) -> None:
    with pytest.raises(ConfigError, match="mine: "):
        parse_yaml(content, "mine")
