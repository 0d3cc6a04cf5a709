"""Rules and configuration files that may hold anything: a setting, or an error with its cause."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import hypothesis.strategies as st
import pytest
from hypothesis import given
from support.fuzzing import Damaged, attempt, damaged, fuzzed

from beam_audio.command.flags import with_file
from beam_audio.errors import ConfigError
from beam_audio.quality.rules import PRESETS, load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PRESET_FOLDER = resources.files("beam_audio") / "data" / "rules"
RULES: Mapping[str, bytes] = {
    **{name: (PRESET_FOLDER / f"{name}.yaml").read_bytes() for name in PRESETS},
    "one": b"name: a\nrules:\n- {reason: r, decision: drop, column: wer, above: 0.5}\n",
    "several": b"rules:\n- reason: r\n  decision: keep\n  all:\n  - {column: wer, below: 1}\n",
    "alias": b"rules: &a [*a]\n",
    "deep": b"[" * 300 + b"]" * 300,
    "wide": b"rules: [" + b"{}," * 500 + b"]",
    "tags": b"!!python/object/apply:os.system ['true']\n--- \n? [a]\n: !!binary aGk=\n",
}
CONFIG: Mapping[str, bytes] = {
    "flags": b"input: a\noutput: b\nmodel: placeholder\nlimit: 3\nbatch_seconds: 1e3\n",
    "beam": b"input: a\noutput: b\nrunner: DirectRunner\nnum_workers: 3\nexperiments: [a, b]\n",
    "odd": b"input: 2026-01-05\noutput: !!float nan\nlimit: 0x10\nretry_failures: no\n<<: {a: b}\n",
    "deep": b"input: " + b"[" * 300 + b"]" * 300,
    "alias": b"input: &a [x]\noutput: *a\n",
}
YAML = st.text(
    st.sampled_from(list("{}[]:,-?!&*#|>'\"%@`~ \n\tab01.eE+_<=")) | st.characters(), max_size=80
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def check_rules(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    rules = attempt(content, lambda: load_rules(str(path)), ConfigError)
    if rules is not None:
        assert rules.rules_id == load_rules(str(path)).rules_id
        assert rules.rules


@given(content=damaged(RULES))
@fuzzed(250)
def test_damaged_rules(place: Path, content: Damaged) -> None:
    check_rules(place / "rules.yaml", content)


@given(text=YAML)
@fuzzed(250)
def test_odd_yaml_as_rules(place: Path, text: str) -> None:
    check_rules(place / "rules.yaml", text.encode("utf-8", "surrogatepass"))


@given(content=damaged(CONFIG) | YAML.map(lambda text: text.encode("utf-8", "surrogatepass")))
@fuzzed(300)
def test_damaged_configuration(place: Path, content: bytes) -> None:
    path = place / "config.yaml"
    path.write_bytes(content)
    found = attempt(content, lambda: with_file({}, [], str(path)), ConfigError)
    assert found is None or found[0].output
