"""Speech recognisers: one contract, one file a model family, one registry; no Beam import."""

from beam_audio.asr.recognizer import Recognizer, Request, Task
from beam_audio.asr.registry import (
    CheckReport,
    ModelFacts,
    ModelStatus,
    build_model,
    check_model,
    list_models,
    load_model,
    model_facts,
)

__all__ = [
    "CheckReport",
    "ModelFacts",
    "ModelStatus",
    "Recognizer",
    "Request",
    "Task",
    "build_model",
    "check_model",
    "list_models",
    "load_model",
    "model_facts",
]
