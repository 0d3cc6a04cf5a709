from __future__ import annotations

from dataclasses import replace

from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.whisper.identity import built_facts, whisper_model_id
from beam_audio.models.resolve import ensure_built


def test_what_changes_the_text_is_part_of_the_name() -> None:
    assert whisper_model_id("tiny", "int8", "full", "transcribe") == "tiny/int8"
    assert whisper_model_id("tiny", "int8", "condensed", "transcribe") == "tiny/int8/condensed"
    assert whisper_model_id("tiny", "int8", "full", "translate") == "tiny/int8/translate"


def test_options_come_before_what_the_model_was_built_with(weights: str) -> None:
    built = replace(ensure_built(weights, None), padding="condensed")
    assert built_facts(built, ModelOptions()).model_id == "weights/float32/condensed"
    facts = built_facts(built, ModelOptions(padding="full"))
    assert facts.model_id == "weights/float32"
    assert facts.model_sha256 == built.model_sha256
    assert facts.languages == frozenset(built.whisper.languages)
