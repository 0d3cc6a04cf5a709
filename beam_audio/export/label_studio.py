"""A segment as a task of Label Studio: its audio, and what is to be looked at or corrected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from beam_audio.types import Row

COLUMNS: Final = (
    *("segment_id", "recording_id", "uri", "channel", "start_seconds", "end_seconds", "language"),
    *("text_language", "text", "words", "reference_text", "wer", "decision", "reasons", "rules_id"),
    *("model_id", "metadata"),
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


def task(row: Row, audio: str) -> dict[str, Any]:
    """A task with the text and the decision as what a model predicts.

    Args:
        row: A row of ``segments``, with :data:`COLUMNS` where its file has them.
        audio: Where Label Studio finds the audio.

    Returns:
        A member of the array that Label Studio imports.
    """
    told = ("segment_id", "recording_id", "uri", "channel", "start_seconds", "end_seconds")
    return {
        "data": {
            "audio": audio,
            **{name: row[name] for name in told},
            "language": row["text_language"],
            "reasons": ", ".join(row["reasons"]),
            "words": row["words"],
            "reference_text": row["reference_text"],
            "wer": row["wer"],
            "rules_id": row["rules_id"],
            "metadata": row["metadata"],
        },
        "predictions": [
            {
                "model_version": row["model_id"],
                "result": [
                    _result("text", "textarea", {"text": [row["text"]]}),
                    _result("verdict", "choices", {"choices": [row["decision"]]}),
                ],
            }
        ],
    }


def _result(name: str, kind: str, value: dict[str, list[str]]) -> dict[str, Any]:
    return {"from_name": name, "to_name": "audio", "type": kind, "value": value}
