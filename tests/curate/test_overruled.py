"""A person's verdict stands, and what the rules decide stands beside it."""

from __future__ import annotations

import pyarrow as pa

from beam_audio.curate.overruled import by_rules, with_verdicts

LISTS = pa.list_(pa.string())
SEGMENTS = pa.table(
    {
        "segment_id": ["s1", "s2", "s3"],
        "decision": ["keep", "drop", "review"],
        "reasons": pa.array([[], ["corrected"], ["snr_low"]], LISTS),
        "rules_decision": pa.array([None, "keep", None], pa.string()),
        "rules_reasons": pa.array([None, ["no_reference"], None], LISTS),
    }
)


def test_new_decisions_stand_beside_verdicts() -> None:
    new = pa.table(
        {
            "segment_id": ["s3", "s2"],
            "decision": ["drop", "review"],
            "reasons": pa.array([["wer_high"], ["too_short"]], LISTS),
        }
    )
    assert with_verdicts(SEGMENTS, new).to_pylist() == [
        {
            "segment_id": "s3",
            "decision": "drop",
            "reasons": ["wer_high"],
            "rules_decision": None,
            "rules_reasons": None,
        },
        {
            "segment_id": "s2",
            "decision": "drop",
            "reasons": ["corrected"],
            "rules_decision": "review",
            "rules_reasons": ["too_short"],
        },
    ]


def test_the_rules_alone_decided_what_stands_beside() -> None:
    found = by_rules(SEGMENTS)
    assert found["decision"].to_pylist() == ["keep", "keep", "review"]
    assert found["reasons"].to_pylist() == [[], ["no_reference"], ["snr_low"]]
