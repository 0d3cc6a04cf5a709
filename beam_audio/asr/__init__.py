"""Clips to text: one contract, one folder a model family, one registry; no Beam.

In: clips, float32 samples at the model's rate, and a built model.
Out: transcripts with log probabilities, language and words.
Main function: :func:`beam_audio.asr.registry.load_model`.
"""

from beam_audio.asr.inventory import (
    CheckReport,
    ModelStatus,
    build_model,
    check_model,
    list_models,
)
from beam_audio.asr.model_facts import ModelFacts
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.recognizer import Mode, Recognizer, Request
from beam_audio.asr.registry import load_model, model_facts
from beam_audio.asr.whisper.padding import PADDINGS
from beam_audio.models.card import Padding

__all__ = [
    "PADDINGS",
    "CheckReport",
    "Mode",
    "ModelFacts",
    "ModelOptions",
    "ModelStatus",
    "Padding",
    "Recognizer",
    "Request",
    "build_model",
    "check_model",
    "list_models",
    "load_model",
    "model_facts",
]
