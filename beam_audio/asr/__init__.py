"""Speech recognisers: one contract, one file a model family, one registry; no Beam import."""

from beam_audio.asr.identity import ModelFacts
from beam_audio.asr.inventory import (
    CheckReport,
    ModelStatus,
    build_model,
    check_model,
    list_models,
)
from beam_audio.asr.padding import PADDINGS
from beam_audio.asr.recognizer import Recognizer, Request, Task
from beam_audio.asr.registry import load_model, model_facts
from beam_audio.models.card import Padding

__all__ = [
    "PADDINGS",
    "CheckReport",
    "ModelFacts",
    "ModelStatus",
    "Padding",
    "Recognizer",
    "Request",
    "Task",
    "build_model",
    "check_model",
    "list_models",
    "load_model",
    "model_facts",
]
