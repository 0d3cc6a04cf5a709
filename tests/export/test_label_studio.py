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
