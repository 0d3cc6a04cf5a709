"""Clips to text: one contract, one folder per model family, one registry; no Beam.

In: clips, float32 samples at the model's rate, and the name or directory of a model.
Out: transcripts with log probabilities, language and words.
Main function: :func:`beam_audio.asr.registry.load_model`.

The names below are imported at first use, because most of them load numpy and the models' code.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from beam_audio.asr.inventory import (
        CheckReport,
        ModelStatus,
        build_model,
        check_model,
        list_models,
    )
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import Mode, ModelFacts, Recognizer, Request
    from beam_audio.asr.registry import load_model, model_facts
    from beam_audio.models.card import PADDINGS, Padding

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

_NAMES: Final = {
    "asr.inventory": "CheckReport ModelStatus build_model check_model list_models",
    "asr.model_options": "ModelOptions",
    "asr.recognizer": "Mode ModelFacts Recognizer Request",
    "asr.registry": "load_model model_facts",
    "models.card": "PADDINGS Padding",
}
_MODULES: Final = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f"beam_audio.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'beam_audio.asr' has no attribute {name!r}")
