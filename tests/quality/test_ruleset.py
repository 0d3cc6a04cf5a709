"""What a set of rules decides: texts, metadata, and the languages and sources of a rule."""

from __future__ import annotations

import pytest

from beam_audio.errors import ConfigError
from beam_audio.quality.measures import RULE_FLAGS, RULE_MEASURES, Value
from beam_audio.quality.rules import parse_rules

GOOD: dict[str, Value] = {
    **dict.fromkeys(RULE_MEASURES, 1.0),
    **dict.fromkeys(RULE_FLAGS, False),
    "text": "good",
    "language": "en",
    "uri": "/good.wav",
}


def decided(rule: str, **values: Value) -> bool:
    """Whether a rule applies to a good segment with these values; metadata as ``metadata_key``."""
    named = {name.replace("metadata_", "metadata.", 1): each for name, each in values.items()}
    rules = parse_rules(f"rules: [{{reason: it, decision: drop, {rule}}}]", "here")
    return rules.decide({**GOOD, **named}) == ("drop", ("it",))


@pytest.mark.parametrize(
    ("rule", "values", "applies"),
    [
        ("column: text, contains: THANK YOU", {"text": "And thank you all."}, True),
        ("column: text, contains: thanks", {"text": "And thank you all."}, False),
        ("column: text, matches: '^[♪ ]+$'", {"text": "♪ ♪"}, True),
        ("column: text, matches: '^[♪ ]+$'", {"text": "la ♪"}, False),
        ("column: text_chars, below: 5", {"text_chars": 4}, True),
        ("column: language, is: de", {"language": "de"}, True),
        ("column: language, is: de", {"language": None}, False),
        ("column: metadata.speaker, is: anna", {"metadata_speaker": "anna"}, True),
        ("column: metadata.speaker, is: anna", {}, False),
        ("column: metadata.age, below: 18", {"metadata_age": "17"}, True),
        ("column: metadata.age, below: 18", {"metadata_age": "unknown"}, False),
        ("column: metadata.age, below: 18", {"metadata_age": "nan"}, False),
        ("column: snr_db, below: 30, languages: [German]", {"language": "de"}, True),
        ("column: snr_db, below: 30, languages: [de]", {"language": "de-AT"}, True),
        ("column: snr_db, below: 30, languages: de", {"language": "en"}, False),
        ("column: snr_db, below: 30, languages: de", {"language": None}, False),
        ("column: snr_db, below: 30, sources: ['*/calls/*']", {"uri": "/a/calls/1.wav"}, True),
        ("column: snr_db, below: 30, sources: ['*/calls/*']", {"uri": "/a/talks/1.wav"}, False),
    ],
)
def test_rules_look_at_texts_languages_sources_and_metadata(
    rule: str,
    values: dict[str, Value],
    applies: bool,  # noqa: FBT001
) -> None:
    assert decided(rule, **values) is applies


def test_scope_and_texts_are_part_of_the_id() -> None:
    endings = ("", ", languages: [de]", ", sources: ['*/a/*']", ", languages: [fr, de]")
    ids = {parse_rules(_one(ending), "here").rules_id for ending in endings}
    assert len(ids) == len(endings)
    same = parse_rules(_one(", languages: [German, fr]"), "here").rules_id
    assert same == parse_rules(_one(", languages: [fr, de]"), "here").rules_id


def _one(ending: str) -> str:
    return f"rules: [{{reason: it, decision: drop, column: wer, above: 3{ending}}}]"


def test_the_quartiles_of_a_corpus_are_not_known_to_one_segment() -> None:
    with pytest.raises(ConfigError, match="only 'beam-audio curate' knows them"):
        decided("column: snr_db, outside_quartiles: 1.5")
