"""Columns that say what a reference comes to, where it is from, and who decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beam_audio.types import Row
    from beam_audio.unit.events import RecordingEnd
    from beam_audio.unit.scoring import Scored, Verdict


def corrected_columns(verdict: Verdict) -> Row:
    """The label of a segment, where it is from, and what rules decided where a person did."""
    correction, row = verdict.correction, dict[str, object](label_text=verdict.label)
    if verdict.share is not None:
        row["reference_origin"] = "manifest"
    if correction is None:
        return row
    row |= {"corrected_by": correction.corrected_by, "corrected_at": correction.corrected_at}
    if correction.text is not None and verdict.share is not None:
        row["reference_origin"] = "correction"
    if correction.verdict is not None:
        row |= {"rules_decision": verdict.decision, "rules_reasons": list(verdict.reasons)}
    return row


def origin_columns(end: RecordingEnd, scored: Scored) -> Row:
    """Where the reference of a recording is from; what was stated stays beside corrections."""
    if scored.share is None:
        stated = end.source.ref.reference_text if scored.corrections else None
        return {"stated_reference_text": stated}
    if not scored.has_corrected_text:
        return {"reference_origin": "manifest"}
    return {
        "reference_origin": "correction",
        "stated_reference_text": end.source.ref.reference_text,
    }
