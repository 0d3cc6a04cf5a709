"""How much of an input is done, given what became of it before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from beam_audio.output.commits import InputState
from beam_audio.types import AudioRef, Failure
from beam_audio.unit.recut import AddEvidence, FromAudio, FromRows, Recut, Remeasure
from beam_audio.unit.tasks import Committed, Task, Wanted

if TYPE_CHECKING:
    from beam_audio.unit.recut import Redo

LAYERS = {
    "decode": "d",
    "segment": "s",
    "measures": "q",
    "model": "m",
    "metrics": "n",
    "rules": "r",
}
REF = AudioRef("/a.wav", 10, "1", language="en", reference_text="so it is")
WANTED = Wanted(LAYERS)


def done(ref: AudioRef = REF, unit: str = "u", **state: Any) -> Committed:  # noqa: ANN401 - its fields
    """An input that a run committed."""
    fields: dict[str, Any] = {
        "outcome": "recorded",
        "place_id": ref.place_id,
        "stated_id": ref.stated_id,
        "stated_language": ref.language,
        "layers": LAYERS,
        "recording_ids": ("r",),
    }
    return Committed(unit, 1, ref.source_id, InputState(**fields | state))


def planned(*committed: Committed, item: AudioRef = REF, **wanted: Any) -> list[tuple[str, Task]]:  # noqa: ANN401 - fields of Wanted
    """Units, named or new, and tasks of one input."""
    tasks = replace(WANTED, **wanted).tasks([item], committed)
    return [(unit.unit_id if unit else "new", task) for unit, task in tasks]


def redo(committed: Committed, item: AudioRef = REF, **wanted: Any) -> type[Redo] | None:  # noqa: ANN401 - fields of Wanted
    """How much of an input is done again; None when nothing is."""
    tasks = planned(committed, item=item, **wanted)
    assert all(task.replaces == committed.source_id for _, task in tasks)
    found = tasks[0][1].redo if tasks else None
    return type(found) if found else None


def test_an_uncommitted_input_is_new() -> None:
    assert planned() == [("new", Task(REF))]


def test_up_to_date_inputs_are_left_alone() -> None:
    assert planned(done()) == []


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        (("rules",), FromRows),
        (("metrics",), FromRows),
        (("measures", "rules"), Remeasure),
        (("model", "rules"), Recut),
        (("measures", "model"), FromAudio),
        (("segment",), FromAudio),
        (("decode", "model"), FromAudio),
    ],
)
def test_the_first_layer_that_changed_decides(layers: tuple[str, ...], wanted: type[Redo]) -> None:
    assert redo(done(), layers=LAYERS | dict.fromkeys(layers, "new")) == wanted


@pytest.mark.parametrize(
    "stated",
    [
        {"reference_text": "so it was"},
        {"metadata": (("speaker", "b"),)},
        {"manifest_seconds": 2.0},
        {"event_time": datetime(2026, 1, 1, tzinfo=UTC)},
        {"language": "de"},
    ],
)
def test_other_statements_change_only_rows(stated: dict[str, Any]) -> None:
    assert redo(done(), replace(REF, **stated)) == FromRows


def test_decisions_follow_from_the_rows_if_nothing_but_the_rules_changed() -> None:
    rules = LAYERS | {"rules": "new"}
    ((_, task),) = planned(done(), layers=rules)
    assert task.only_judges
    for item, layers in (
        (REF, LAYERS | {"metrics": "new"}),
        (REF, rules | {"metrics": "new"}),
        (replace(REF, reference_text="so it was"), rules),
        (replace(REF, version="touched"), rules),
    ):
        ((_, task),) = planned(done(), item=item, layers=layers)
        assert not task.only_judges


def test_what_the_model_hears_is_a_layer_whose_absence_counts() -> None:
    with_enhancer = LAYERS | {"enhance": "e"}
    enhanced = done(layers=with_enhancer)
    assert redo(enhanced, layers=with_enhancer) is None
    assert redo(done(), layers=with_enhancer) == Recut
    assert redo(enhanced, layers=LAYERS | {"enhance": "other"}) == Recut
    assert redo(enhanced) == Recut
    assert redo(enhanced, layers=with_enhancer | {"measures": "new"}) == Remeasure
    assert redo(done(failed_segments=1), layers=with_enhancer) == FromAudio


def test_a_stated_language_counts_if_the_model_is_given_it() -> None:
    german = replace(REF, language="de")
    assert redo(done(), german, stated_languages=True) == Recut
    assert redo(done(failed_segments=1), german, stated_languages=True) == FromAudio


def test_failed_segments_are_found_again_for_a_new_model_and_on_request() -> None:
    failed = done(failed_segments=2)
    assert redo(failed) is None
    assert redo(failed, retry_failures=True) == FromAudio
    assert redo(failed, layers=LAYERS | {"model": "new"}) == FromAudio
    assert redo(failed, layers=LAYERS | {"measures": "new"}) == Remeasure
    assert redo(failed, layers=LAYERS | {"rules": "new"}) == FromRows
    assert redo(done(), retry_failures=True) is None


def test_failed_opinions_are_asked_for_again_on_request() -> None:
    with_second = LAYERS | {"second": "s"}
    failed = done(failed_opinions=1, layers=with_second)
    assert redo(failed, layers=with_second) is None
    assert redo(failed, layers=with_second, retry_failures=True) == AddEvidence
    assert redo(failed, retry_failures=True) is None
    neither = done(failed_opinions=1, failed_segments=1, layers=with_second)
    assert redo(neither, layers=with_second, retry_failures=True) == FromAudio


def test_a_failed_input_is_tried_again_on_request_or_with_other_decoding() -> None:
    failed = done(outcome="failed", recording_ids=(), attempt=2)
    assert planned(failed) == []
    assert planned(failed, layers=LAYERS | {"model": "new"}) == []
    again = [("u", Task(REF.retried(3), FromAudio(REF.source_id)))]
    assert planned(failed, retry_failures=True) == again
    assert planned(failed, layers=LAYERS | {"decode": "new"}) == again


def test_a_later_success_counts_whatever_the_order_of_units() -> None:
    failures = [done(unit=unit, outcome="failed", recording_ids=()) for unit in "ac"]
    for committed in ([*failures, done(unit="b")], [done(unit="b"), *failures]):
        assert planned(*committed, retry_failures=True) == []


def test_a_touched_file_is_new_until_its_content_is_known() -> None:
    touched = replace(REF, version="2")
    assert planned(done(), item=touched) == [("new", Task(touched, known=("r",)))]
    known = done(touched, unit="v", outcome="known")
    assert planned(done(), known, item=touched) == []


@pytest.mark.parametrize("is_known", [True, False])
def test_rows_of_a_touched_file_are_done_again_in_their_unit(is_known: bool) -> None:  # noqa: FBT001 - a parameter
    touched = replace(REF, version="2")
    known = [done(touched, unit="v", outcome="known")] if is_known else []
    other = done(unit="w", recording_ids=("other",)) if is_known else done(unit="w")
    tasks = planned(done(), other, *known, item=touched, layers=LAYERS | {"rules": "new"})
    assert tasks == [("u", Task(touched, FromRows(REF.source_id)))]
    assert tasks[0][1].is_touched


def test_a_known_input_whose_rows_are_gone_is_done() -> None:
    known = done(unit="v", outcome="known")
    assert planned(known) == [("v", Task(REF, FromAudio(REF.source_id)))]


def test_contradictory_lines_are_one_failure_until_the_manifest_is_mended() -> None:
    stated = [replace(REF, reference_text=text) for text in ("one", "two")]
    there, back = (list(WANTED.tasks(order, [])) for order in (stated, stated[::-1]))
    assert there == back
    ((_, task),) = there
    assert isinstance(task.item, Failure)
    failed = done(outcome="failed", stated_id="", stated_language=None, recording_ids=())
    assert list(WANTED.tasks(stated, [failed])) == []
    assert planned(failed) == [("u", Task(REF.retried(2), FromAudio(REF.source_id)))]
    ((unit, task),) = WANTED.tasks(stated, [done()])
    assert unit is not None
    assert (task.item.source_id, task.redo) == (REF.source_id, FromAudio(REF.source_id))


def test_an_input_whose_language_the_model_lacked_waits_for_another_model() -> None:
    failed = done(outcome="failed", recording_ids=(), lacks_model=True)
    again = [("u", Task(REF.retried(2), FromAudio(REF.source_id)))]
    assert planned(failed) == []
    assert planned(failed, layers=LAYERS | {"rules": "new"}) == []
    assert planned(failed, layers=LAYERS | {"model": "new"}) == again
    french = replace(REF, language="fr")
    assert planned(failed, item=french) == [
        ("u", Task(french.retried(2), FromAudio(REF.source_id)))
    ]


def test_a_line_that_cannot_be_read_stays_a_failure() -> None:
    line = Failure("input", "read", "line", "m.jsonl", "InputError", "line 3: no")
    state = InputState("failed", line.place_id, "", None, LAYERS)
    committed = [Committed("u", 1, line.source_id, state)]
    assert list(WANTED.tasks([line], [])) == [(None, Task(line))]
    assert list(WANTED.tasks([line], committed)) == []
    ((unit, task),) = replace(WANTED, retry_failures=True).tasks([line], committed)
    assert unit is committed[0]
    assert task.item.attempt == 2


def test_inputs_this_run_has_committed_are_planned_as_before_and_marked() -> None:
    """A runner that lost a worker may plan a run again, and must get the same units."""
    mine = replace(done(unit="mine"), run_id="now")
    assert planned(mine, run_id="now") == [("new", Task(REF, held_by="mine"))]
    assert planned(mine, run_id="later") == []
    assert planned(replace(mine, version=2), run_id="now") == []
    assert planned(done()) == []
