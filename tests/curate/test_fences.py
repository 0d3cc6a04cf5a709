"""Fences: quartiles of a corpus by language, in fixed bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.curate.evidence import Evidence
from beam_audio.curate.fences import Sketch, with_fences
from beam_audio.quality.rules import parse_rules

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from beam_audio.quality.measures import Value
    from beam_audio.quality.ruleset import Rules


def evidence(values: Sequence[float | None], language: str | None = "en") -> Evidence:
    segments = pa.table(
        {
            "recording_id": pa.array(["r"] * len(values), pa.string()),
            "text_language": pa.array([language] * len(values), pa.string()),
            "snr_db": pa.array(values, pa.float64()),
        }
    )
    return Evidence(segments, pa.table({"recording_id": ["r"]}))


def sketch(values: Sequence[float | None], language: str | None = "en") -> Sketch:
    return Sketch.of(evidence(values, language), ["snr_db"])


def fenced(rule: str, found: Sketch) -> Rules:
    return with_fences(parse_rules(f"rules: [{{reason: odd, decision: drop, {rule}}}]", "x"), found)


def applies(rules: Rules, **values: Value) -> bool:
    return rules.decide({"uri": "", **values})[0] == "drop"


VALUES = st.lists(st.floats(-1e6, 1e6).map(lambda value: round(value, 4)), min_size=1, max_size=50)


@given(VALUES, st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
def test_a_quantile_is_within_one_percent(values: list[float], share: float) -> None:
    exact = sorted(values)[int(share * (len(values) - 1))]
    found = sketch(values).quantile("snr_db", "en", share)
    assert found == pytest.approx(exact, rel=0.01 + 1e-9, abs=5e-5)


@given(VALUES, st.integers(1, 5), st.randoms())
def test_parts_add_up_in_any_order(values: list[float], parts: int, order: random.Random) -> None:
    pieces = [sketch(values[n::parts]) for n in range(parts)]
    order.shuffle(pieces)
    total = Sketch.total(pieces)
    assert total == Sketch.total([sketch(values)])
    assert Sketch.of_json(total.to_json()) == total


def test_missing_values_and_unknown_languages_are_not_counted() -> None:
    assert sketch([None, 5.0]).quantile("snr_db", "en", 0) == pytest.approx(5.0, rel=0.01)
    assert sketch([1.0], None).bins == {}
    assert sketch([None]).quantile("snr_db", "en", 0.5) is None


def test_a_fence_lies_beyond_the_quartiles_of_the_own_language() -> None:
    corpus = Sketch.total(
        [sketch(list(np.linspace(10, 30, 201))), sketch(list(np.linspace(100, 300, 201)), "de")]
    )
    rules = fenced("column: snr_db, outside_quartiles: 1", corpus)
    assert [applies(rules, snr_db=value, language="en") for value in (4, 6, 34, 36)] == [
        *(True, False, False, True)
    ]
    assert [applies(rules, snr_db=value, language="de-AT") for value in (45, 60)] == [True, False]
    assert not applies(rules, snr_db=-99.0, language="fr")
    assert not applies(rules, snr_db=None, language="en")


def test_a_fence_stands_with_other_conditions_and_for_its_languages() -> None:
    corpus = Sketch.total([sketch([10.0, 20.0, 30.0]), sketch([10.0, 20.0, 30.0], "de")])
    both = "all: [{column: snr_db, outside_quartiles: 0}, {column: text, contains: x}]"
    rules = fenced(f"{both}, languages: [de]", corpus)
    assert applies(rules, snr_db=99.0, language="de", text="x")
    assert not applies(rules, snr_db=99.0, language="de", text="y")
    assert not applies(rules, snr_db=99.0, language="en", text="x")


def test_the_id_names_rules_and_corpus() -> None:
    rule = "column: snr_db, outside_quartiles: 1"
    one, other = fenced(rule, sketch([1.0, 2.0, 3.0])), fenced(rule, sketch([1.0, 5.0, 6.0]))
    plain = parse_rules(f"rules: [{{reason: odd, decision: drop, {rule}}}]", "x")
    assert one.rules_id.startswith(f"{plain.rules_id}-corpus-")
    assert one.rules_id != other.rules_id
    assert fenced(rule, sketch([3.0, 1.0, 2.0])).rules_id == one.rules_id
