"""Corrections in the rows: as a run writes them, taken back, and stronger than rules and models."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support import judged_outputs
from support.corrected_outputs import correct, correction, keep, some, withdrawn
from support.judged_outputs import OVERLAPPING, rules_on_everything, using
from support.unit_runs import (
    LAYERS,
    WINDOWS,
    Scripted,
    files,
    levels,
    only_recording,
    read_all,
    ref,
    segments_in_order,
    settings,
    texts_by_loudness,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.curate.correct_unit import Corrected
from beam_audio.curate.curate_unit import ByKept, ByRules, curate_unit
from beam_audio.output.commits import read_commits
from beam_audio.output.ledger import read_ledger
from beam_audio.quality.rules import load_rules
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import AudioRef, Row

EVERYTHING = rules_on_everything()
STRICT = load_rules("strict")


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    return judged_outputs.inputs(tmp_path / "in")


@pytest.mark.parametrize("segments", [WINDOWS, OVERLAPPING], ids=["windows", "overlapping"])
def test_rows_are_those_of_a_run_that_finds_the_corrections(
    tmp_path: Path, inputs: list[AudioRef], segments: SegmentSettings
) -> None:
    wanted = using(EVERYTHING, segments=segments)
    first = judged_outputs.output(tmp_path / "one", inputs, wanted)
    before, corrections = read_all(first), some(first)
    keep(first, corrections)
    keep(tmp_path / "two", corrections)
    fresh = judged_outputs.output(tmp_path / "two", inputs, wanted)
    done = correct(first, EVERYTHING)
    assert done.units == {"written": 2}
    assert not done.nowhere
    assert not done.unjudged
    assert read_all(first) == read_all(fresh) != before
    assert read_ledger(str(first), [item.source_id for item in inputs]).balances
    stood = files(first)
    assert correct(first, EVERYTHING).units == {"unchanged": 2}
    assert files(first) == stood
    assert update(first, *inputs, using=wanted) == []
    keep(first, withdrawn(corrections))
    correct(first, EVERYTHING)
    assert read_all(first) == before


def test_only_rows_that_are_spoken_of_change(tmp_path: Path, inputs: list[AudioRef]) -> None:
    out = judged_outputs.output(tmp_path / "out", inputs, using(EVERYTHING))
    before = {row["segment_id"]: row for row in read_all(out)["segments"]}
    row = next(each for each in before.values() if each["uri"].endswith("7.wav"))
    keep(out, [correction(row, text="one two four")])
    done = correct(out, EVERYTHING)
    assert done.units == {"written": 1, "unchanged": 1}
    assert done.counts == {"texts": 1, "verdicts": 0, "moved": 0}
    after = {row["segment_id"]: row for row in read_all(out)["segments"]}
    assert [name for name in after if after[name] != before[name]] == [row["segment_id"]]


@pytest.fixture
def source(tmp_path: Path) -> AudioRef:
    """A recording of three segments with a reference."""
    path = write(tmp_path / "a.wav", tones(levels(3)))
    return ref(path, reference_text="the old river ran for miles", language="en")


HEARD = Scripted(texts_by_loudness("the old", "river rain", "for miles"))
USING = settings(rules="balanced")
RULES = USING.rows.rules


@pytest.fixture
def out(tmp_path: Path, source: AudioRef) -> Path:
    transcribe(tmp_path / "out", source, recognizer=HEARD, using=USING)
    return tmp_path / "out"


def test_references_scores_and_the_recording_follow(out: Path) -> None:
    first, second, third = segments_in_order(out)
    assert (second["decision"], second["wer"], second["reference_origin"]) == (
        "drop",
        0.5,
        "manifest",
    )
    keep(out, [correction(second, text="River rain!"), correction(first, verdict="review")])
    done = correct(out, RULES)
    assert done.counts == {"texts": 1, "verdicts": 1, "moved": 2}
    assert done.words == {
        "errors_before": 1,
        "words_before": 4,
        "errors_after": 0,
        "words_after": 4,
    }
    one, two, three = segments_in_order(out)
    assert three == third
    assert (one["decision"], one["reasons"]) == ("review", ["corrected"])
    assert (one["rules_decision"], one["rules_reasons"]) == (first["decision"], first["reasons"])
    assert (one["reference_text"], one["reference_origin"]) == ("the old", "manifest")
    assert (two["reference_text"], two["wer"], two["reference_origin"]) == (
        *("River rain!", 0.0),
        "correction",
    )
    assert (two["corrected_by"], two["decision"], two["rules_decision"]) == ("anna", "keep", None)
    recording = only_recording(out)
    assert recording["reference_text"] == "the old River rain! for miles"
    assert recording["stated_reference_text"] == "the old river ran for miles"
    assert (recording["wer"], recording["wer_hits"]) == (0.0, 6)
    assert (recording["keep_samples"], recording["review_samples"]) == (32_000, 16_000)


def test_without_a_manifest_a_recording_is_compared_once_all_of_it_has_references(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    silent = ref(write(tmp_path / "a.wav", tones(levels(2))))
    transcribe(out, silent, recognizer=HEARD, using=USING)
    one, two = segments_in_order(out)
    keep(out, [correction(one, text="the old")])
    correct(out, RULES)
    assert only_recording(out)["wer"] is None
    assert "no_reference" in only_recording(out)["reasons"]
    assert [row["wer"] for row in segments_in_order(out)] == [0.0, None]
    keep(out, [correction(two, text="river ran")])
    correct(out, RULES)
    recording = only_recording(out)
    assert (recording["wer"], recording["reference_text"]) == (0.25, "the old river ran")
    assert "no_reference" not in recording["reasons"]
    assert recording["stated_reference_text"] is None


def judged_by(out: Path, wanted: ByRules | ByKept) -> list[Row]:
    for each in list(read_commits(str(out))):
        curate_unit(str(out), each, wanted, run_id="r")
    return segments_in_order(out)


def test_a_verdict_outlasts_other_rules_and_earlier_decisions(out: Path) -> None:
    second = segments_in_order(out)[1]
    keep(out, [correction(second, verdict="keep")])
    correct(out, RULES)
    corrected = segments_in_order(out)
    row = judged_by(out, ByRules(STRICT))[1]
    assert (row["decision"], row["reasons"], row["rules_id"]) == (
        *("keep", ["corrected"]),
        STRICT.rules_id,
    )
    assert row["rules_decision"] == "drop"
    assert judged_by(out, ByKept(RULES.rules_id)) == corrected
    keep(out, withdrawn([correction(second, verdict="keep")]))
    correct(out, RULES)
    assert segments_in_order(out)[1] == second


def test_a_new_model_finds_the_corrections(out: Path, source: AudioRef) -> None:
    first, second, _ = segments_in_order(out)
    keep(out, [correction(second, text="river ran", verdict="keep"), correction(first, text="x")])
    correct(out, RULES)
    other = Scripted(lambda _: Transcript("river ran", "en"))
    layers = {**LAYERS, "model": "other"}
    update(out, source, recognizer=other, using=settings(layers=layers))
    one, two, three = segments_in_order(out)
    assert [row["text"] for row in (one, two, three)] == ["river ran"] * 3
    assert [row["reference_origin"] for row in (one, two, three)] == [
        *("correction", "correction", "manifest")
    ]
    assert (two["wer"], two["decision"], two["corrected_by"]) == (0.0, "keep", "anna")
    stood = files(out)
    assert correct(out, RULES).units == {"unchanged": 1}
    assert files(out) == stood


def test_another_cut_keeps_corrections_of_the_same_times_and_lists_the_rest(
    out: Path, source: AudioRef
) -> None:
    first, second, third = segments_in_order(out)
    keep(out, [correction(first, text="one", verdict="drop"), correction(third, text="six")])
    correct(out, RULES)
    longer = SegmentSettings(segmenter="fixed", window_seconds=1.05)
    layers = {**LAYERS, "segment": "longer"}
    update(out, source, recognizer=HEARD, using=settings(segments=longer, layers=layers))
    found = segments_in_order(out)
    assert first["segment_id"] not in {row["segment_id"] for row in found}
    assert [row["reference_origin"] for row in found] == ["correction", "manifest", "manifest"]
    done = correct(out, RULES)
    assert done.units == {"unchanged": 1}
    assert done.nowhere == (f"{third['recording_id']}, 2.000 to 3.000 s",)
    assert second["end_seconds"] != found[1]["end_seconds"]


def test_without_its_rules_a_segment_keeps_its_decision_until_a_run_judges_it(
    out: Path, source: AudioRef
) -> None:
    second = segments_in_order(out)[1]
    keep(out, [correction(second, text="river rain")])
    done = correct(out)
    assert done.unjudged == {RULES.rules_id: 1}
    row = segments_in_order(out)[1]
    assert (row["wer"], row["decision"], row["reasons"]) == (0.0, "drop", second["reasons"])
    update(out, source, recognizer=HEARD, using=USING)
    assert segments_in_order(out)[1]["decision"] == "keep"


def test_counts_add_up_and_are_read_back() -> None:
    one = Corrected(
        Counter(texts=1), Counter(words_after=3), ("b",), Counter(x=1), Counter(written=1)
    )
    two = Corrected(Counter(texts=2), Counter(), ("a",), Counter(), Counter(unchanged=1))
    both = Corrected.total([one, two])
    assert both.counts == {"texts": 3}
    assert both.nowhere == ("a", "b")
    assert both.units == {"written": 1, "unchanged": 1}
    assert Corrected.of_json(both.to_json()) == both
