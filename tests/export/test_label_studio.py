"""A segment as a task: what Label Studio shows and what it fills in."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from beam_audio.export.label_studio import COLUMNS, CONFIG, task

ROW = dict.fromkeys(COLUMNS) | {
    "segment_id": "s1",
    "text": 'she said "<b>no</b>"',
    "text_language": "en",
    "reasons": ["wer_high", "snr_low"],
    "decision": "review",
    "model_id": "whisper-tiny.en",
}


def test_the_text_and_the_decision_stand_as_a_prediction() -> None:
    found = task(ROW, "audio/s1.flac")
    assert found["data"]["audio"] == "audio/s1.flac"
    assert found["data"]["segment_id"] == "s1"
    assert found["data"]["reasons"] == "wer_high, snr_low"
    (prediction,) = found["predictions"]
    assert prediction["model_version"] == "whisper-tiny.en"
    values = {each["from_name"]: each["value"] for each in prediction["result"]}
    assert values == {"text": {"text": [ROW["text"]]}, "verdict": {"choices": ["review"]}}


def test_the_interface_has_what_the_predictions_name() -> None:
    view = ET.fromstring(CONFIG)  # noqa: S314 - our own text
    names = {each.get("name") for each in view.iter()} - {None}
    results = task(ROW, "")["predictions"][0]["result"]
    assert {each["from_name"] for each in results} | {"audio"} == names
    assert {each.get("value") for each in view.iter("Choice")} == {"keep", "review", "drop"}


def test_a_redacted_segment_shows_none_of_what_is_muted() -> None:
    number = {"start_seconds": 2.0, "end_seconds": 3.0}
    words = [
        {"word": "call", "start_seconds": 1.0, "end_seconds": 2.0},
        {"word": "4155552671"} | number,
    ]
    redacted = {
        "text": "call 4155552671",
        "words": words,
        "reference_text": "Call 415-555-2671 now",
        "text_redacted": "call [PHONE]",
        "redactions": [{"kind": "phone", "start": 5, "end": 15} | number],
    }
    muted = [{"kind": "phone"} | number]
    found = task(ROW | redacted, "audio/s1.flac", muted)
    assert found["data"]["muted"] == muted
    assert found["data"]["words"] == words[:1]
    assert found["data"]["reference_text"] == "Call [PHONE] now"
    assert found["predictions"][0]["result"][0]["value"] == {"text": ["call [PHONE]"]}
    assert "2671" not in repr(found)
