"""``beam-audio curate``: its flags and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import run_outputs

from beam_audio.command.cli import main
from beam_audio.quality.rules import load_rules

if TYPE_CHECKING:
    from pathlib import Path

BALANCED = load_rules("balanced").rules_id


@pytest.fixture
def out(tmp_path: Path) -> str:
    run_outputs.write_speech(tmp_path / "in" / "a.wav", 1, seconds=4.0)
    run_outputs.run(input=tmp_path / "in", output=tmp_path / "out")
    return str(tmp_path / "out")


def test_it_says_what_moved(out: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "mine.yaml"
    rules.write_text(
        "name: mine\nrules:\n  - {reason: all, decision: drop, column: text, matches: .}"
    )
    assert main(["curate", out, f"--rules={rules}", "--compare"]) == 0
    assert capsys.readouterr().out.startswith("would be judged by mine-")
    assert main(["curate", out, f"--rules={rules}"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("judged by mine-")
    assert "keep to drop: " in printed
    assert "more for all: " in printed
    assert "1 units written" in printed
    assert main(["curate", out, f"--compare={BALANCED}"]) == 0
    assert "keep to drop: " in capsys.readouterr().out
    assert main(["curate", out, f"--restore={BALANCED}"]) == 0
    assert "drop to keep: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        ([], "give one of --rules"),
        (["--compare"], "give one of --rules"),
        (["--rules=strict", "--restore=x"], "give one of --rules"),
        (["--rules=strict", "--compare=x"], "give one of --rules"),
        (["--rules=stirct"], "did you mean 'strict'"),
        ([f"--restore={BALANCED}"], "keeps no decisions of rules"),
        (["--rulez=strict"], "unknown flag --rulez"),
    ],
)
def test_wrong_flags_are_refused(
    out: str, flags: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curate", out, *flags]) == 2
    assert complaint in capsys.readouterr().err
