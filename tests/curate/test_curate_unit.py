"""Judging again from the rows alone: what a run decides, and earlier decisions put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import judged_outputs
from support.judged_outputs import FLAGS_HERE, OVERLAPPING, rules_on_everything, using
from support.unit_runs import WINDOWS, files, read_all, update

from beam_audio.curate.curate_unit import ByKept, ByRules, compare_unit, curate_unit
from beam_audio.curate.movement import Movement
from beam_audio.output.commits import delete_uncommitted, read_commits
from beam_audio.output.ledger import read_ledger
from beam_audio.quality.rules import load_rules

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.curate.curate_unit import Wanted
    from beam_audio.segments.splitter import SegmentSettings
    from beam_audio.types import AudioRef

FIRST = load_rules("lenient")
OTHER = rules_on_everything()
NOT_SHOWN = {"hallucination_rate_true", "hallucination_rate_false", "language_outvoted_true"}
"""Tones are no speech, so nothing is said too fast; and there is no second model."""


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    return judged_outputs.inputs(tmp_path / "in")


@pytest.fixture
def out(tmp_path: Path, inputs: list[AudioRef]) -> Path:
    return judged_outputs.output(tmp_path / "out", inputs, using(FIRST))


def curated(root: Path, wanted: Wanted) -> Movement:
    return Movement.total(
        curate_unit(str(root), each, wanted, run_id="r").movement
        for each in read_commits(str(root))
    )


@pytest.mark.parametrize("segments", [WINDOWS, OVERLAPPING], ids=["windows", "overlapping"])
def test_rows_are_those_of_a_run_with_these_rules(
    tmp_path: Path, inputs: list[AudioRef], segments: SegmentSettings
) -> None:
    first = judged_outputs.output(tmp_path / "one", inputs, using(FIRST, segments=segments))
    fresh = judged_outputs.output(tmp_path / "two", inputs, using(OTHER, segments=segments))
    curated(first, ByRules(OTHER))
    assert read_all(first) == read_all(fresh)
    met = {reason for row in read_all(first)["segments"] for reason in row["reasons"]}
    wanted = {f"{name}_{value}" for name in FLAGS_HERE for value in ("true", "false")}
    assert wanted - met <= NOT_SHOWN
    assert read_ledger(str(first), [item.source_id for item in inputs]).balances


def test_a_run_with_the_same_rules_has_nothing_left_to_do(
    out: Path, inputs: list[AudioRef]
) -> None:
    curated(out, ByRules(OTHER))
    stood = files(out)
    assert update(out, *inputs, using=using(OTHER)) == []
    assert files(out) == stood


def test_the_second_time_no_byte_changes(out: Path) -> None:
    assert curated(out, ByRules(OTHER)).units == {"written": 2}
    stood = files(out)
    again = curated(out, ByRules(OTHER))
    assert (again.units, again.moved) == ({"unchanged": 2}, 0)
    assert files(out) == stood


def test_earlier_decisions_are_put_back(out: Path, inputs: list[AudioRef]) -> None:
    before = read_all(out)
    curated(out, ByRules(OTHER))
    curated(out, ByRules(load_rules("strict")))
    assert curated(out, ByKept(FIRST.rules_id)).undecided == 0
    assert read_all(out) == before
    assert update(out, *inputs, using=using(FIRST)) == []
    stood = files(out)
    curated(out, ByKept(FIRST.rules_id))
    assert files(out) == stood


def test_what_no_earlier_rules_have_judged_stays(out: Path) -> None:
    stood = files(out)
    moved = curated(out, ByKept("unknown-12345678"))
    assert moved.undecided > 0
    assert files(out) == stood


def test_a_comparison_says_what_would_move_and_what_has_moved(out: Path) -> None:
    root, stood = str(out), files(out)
    rules = ByRules(OTHER)
    would = Movement.total(
        compare_unit(root, each, rules, backwards=False) for each in read_commits(root)
    )
    assert files(out) == stood
    done = curated(out, rules)
    assert would.segments == done.segments
    has = Movement.total(
        compare_unit(root, each, ByKept(FIRST.rules_id), backwards=True)
        for each in read_commits(root)
    )
    assert (has.segments, has.reasons, has.kept_wer(after=True)) == (
        done.segments,
        done.reasons,
        done.kept_wer(after=True),
    )


def test_some_inputs_can_be_judged_alone(out: Path, inputs: list[AudioRef]) -> None:
    chosen = {inputs[1].source_id}
    for each in list(read_commits(str(out))):
        curate_unit(str(out), each, ByRules(OTHER), run_id="r", source_ids=chosen)
    rows = read_all(out)["segments"]
    assert {row["rules_id"] for row in rows if row["source_id"] in chosen} == {OTHER.rules_id}
    assert {row["rules_id"] for row in rows if row["source_id"] not in chosen} == {FIRST.rules_id}


class Stopped(BaseException):
    """Ends the work where it is, as a kill does."""


STEPS = (
    *("store.open_to_write", "store.move_into", "store.delete"),
    *("output.commits.swap", "curate.kept.pq.write_table"),
)


@pytest.mark.parametrize("step", STEPS)
def test_stopped_anywhere_it_is_old_or_new_and_goes_on(
    step: str, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_all(out)

    def stop(*_arguments: object, **_named: object) -> None:
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(f"beam_audio.{step}", stop)
        with pytest.raises(Stopped):
            curated(out, ByRules(OTHER))
    delete_uncommitted(str(out))
    rules: dict[str, set[str]] = {row["source_id"]: set() for row in before["segments"]}
    for row in read_all(out)["segments"]:
        rules[row["source_id"]].add(row["rules_id"])
    assert all(len(ids) == 1 for ids in rules.values())
    assert len(read_all(out)["segments"]) == len(before["segments"])
    curated(out, ByRules(OTHER))
    curated(out, ByKept(FIRST.rules_id))
    assert read_all(out) == before
