"""A segment as a task of Label Studio: its audio, and what is to be looked at or corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beam_audio.quality.pii import find_pii, redact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.types import Row

COLUMNS: Final = (
    *("segment_id", "recording_id", "uri", "channel", "start_seconds", "end_seconds", "language"),
    *("text_language", "text", "words", "reference_text", "wer", "decision", "reasons", "rules_id"),
    *("model_id", "metadata", "text_redacted", "redactions"),
)
"""Columns of ``segments`` that a task is made from."""

CONFIG: Final = """<View>
  <Audio name="audio" value="$audio"/>
  <Header value="$reasons"/>
  <TextArea name="text" toName="audio" editable="true" maxSubmissions="1" rows="3"/>
  <Choices name="verdict" toName="audio" choice="single">
    <Choice value="keep"/><Choice value="review"/><Choice value="drop"/>
  </Choices>
</View>
"""
"""The labelling interface that tasks are made for."""


def task(row: Row, audio: str, muted: Sequence[Row] = ()) -> dict[str, Any]:
    """A task with the text and the decision as what a model predicts.

    Of a segment that is redacted, the redacted text stands there, and no word that is muted.

    Args:
        row: A row of ``segments``, with :data:`COLUMNS` where its file has them.
        audio: Where Label Studio finds the audio.
        muted: The stretches of the recording that are silent in it, with their kinds.

    Returns:
        A member of the array that Label Studio imports.
    """
    told = ("segment_id", "recording_id", "uri", "channel", "start_seconds", "end_seconds")
    text, words, reference = row["text"], row["words"], row["reference_text"]
    if row.get("redactions") is not None:
        text = row["text_redacted"]
        words = words and [each for each in words if not _is_muted(each, muted)]
        if reference is not None:
            reference = redact(reference, find_pii(reference, row["text_language"]))
    return {
        "data": {
            "audio": audio,
            **{name: row[name] for name in told},
            "language": row["text_language"],
            "reasons": ", ".join(row["reasons"]),
            "words": words,
            "muted": list(muted),
            "reference_text": reference,
            "wer": row["wer"],
            "rules_id": row["rules_id"],
            "metadata": row["metadata"],
        },
        "predictions": [
            {
                "model_version": row["model_id"],
                "result": [
                    _result("text", "textarea", {"text": [text]}),
                    _result("verdict", "choices", {"choices": [row["decision"]]}),
                ],
            }
        ],
    }


def _is_muted(word: Row, muted: Sequence[Row]) -> bool:
    return any(
        word["start_seconds"] < each["end_seconds"] and each["start_seconds"] < word["end_seconds"]
        for each in muted
    )


def _result(name: str, kind: str, value: dict[str, list[str]]) -> dict[str, Any]:
    return {"from_name": name, "to_name": "audio", "type": kind, "value": value}
