"""Curation of a whole output, as a graph."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from support import run_outputs
from support.unit_runs import files, read_all

from beam_audio.errors import ConfigError, HeldError
from beam_audio.output.compact import compact
from beam_audio.output.holder import Holder, held
from beam_audio.quality.rules import load_rules, parse_rules
from beam_audio.run.curation import compare, curate, restore

if TYPE_CHECKING:
    from pathlib import Path

LONG = parse_rules("rules: [{reason: long, decision: drop, column: text_chars, above: 1}]", "here")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An output of three units whose audio is gone."""
    for index in range(3):
        run_outputs.write_speech(tmp_path / "in" / f"{index}.wav", index, seconds=4.0)
    run_outputs.run(input=tmp_path / "in", output=tmp_path / "out", unit_bytes=1)
    shutil.rmtree(tmp_path / "in")
    return tmp_path / "out"


@pytest.mark.parametrize("is_compacted", [False, True])
def test_decisions_change_and_come_back_without_the_audio(
    out: Path,
    is_compacted: bool,  # noqa: FBT001
) -> None:
    if is_compacted:
        compact(str(out))
    before = read_all(out)
    done = curate(str(out), LONG)
    assert done.movement.units == {"written": 3}
    rows = read_all(out)["segments"]
    assert {row["rules_id"] for row in rows} == {LONG.rules_id}
    assert {row["decision"] for row in rows if row["text"]} == {"drop"}
    stood = files(out)
    assert curate(str(out), LONG).movement.units == {"unchanged": 3}
    assert compare(str(out), load_rules("balanced").rules_id).movement.moved == done.movement.moved
    assert curate(str(out), load_rules("strict"), dry_run=True).movement.moved > 0
    assert files(out) == stood
    restore(str(out), load_rules("balanced").rules_id)
    assert read_all(out) == before


@pytest.mark.slow
def test_workers_of_their_own_give_the_same_rows(out: Path) -> None:
    before = read_all(out)
    flags = ["--direct_num_workers=2", "--direct_running_mode=multi_processing"]
    assert curate(str(out), LONG, flags).movement.units == {"written": 3}
    restore(str(out), load_rules("balanced").rules_id, flags)
    assert read_all(out) == before


def test_fences_are_those_of_the_output(out: Path) -> None:
    rule = "{reason: odd, decision: review, column: chars_per_second, outside_quartiles: 0}"
    rules = parse_rules(f"rules: [{rule}]", "here")
    done = curate(str(out), rules)
    assert done.rules_id.startswith(f"{rules.rules_id}-corpus-")
    reviewed = [row["decision"] == "review" for row in read_all(out)["segments"]]
    assert any(reviewed)
    assert not all(reviewed)
    stood = files(out)
    assert curate(str(out), rules).rules_id == done.rules_id
    assert files(out) == stood


def test_an_output_in_use_and_one_without_rows_are_refused(out: Path, tmp_path: Path) -> None:
    with (
        held(str(out), Holder.here("other", ends_with_process=True)),
        pytest.raises(HeldError, match="in use by batch other"),
    ):
        curate(str(out), LONG)
    with pytest.raises(ConfigError, match="no committed part files"):
        curate(str(tmp_path / "none"), LONG)
    with pytest.raises(ConfigError, match="keeps no decisions of rules 'x-1'; none are kept"):
        restore(str(out), "x-1")
