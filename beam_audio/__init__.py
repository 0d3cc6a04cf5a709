"""Raw recordings in; transcribed, measured, partitioned Parquet out, by one Apache Beam graph.

Names are imported when they are first used, so that decoding or splitting needs no Beam.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Final

from beam_audio.version import __version__

if TYPE_CHECKING:
    from beam_audio.asr import load_model
    from beam_audio.audio.decode import decode
    from beam_audio.quality.signal import measure
    from beam_audio.segments.splitter import split
    from beam_audio.transforms.decode import DecodeAudio
    from beam_audio.transforms.measure import MeasureQuality
    from beam_audio.transforms.read import ReadAudio
    from beam_audio.transforms.split import SplitAudio
    from beam_audio.transforms.transcribe import Transcribe
    from beam_audio.transforms.units import TranscribeUnits
    from beam_audio.transforms.write import WriteParquet
    from beam_audio.types import Audio, Failure, Quality, Segment, Transcript

__all__ = [
    "Audio",
    "DecodeAudio",
    "Failure",
    "MeasureQuality",
    "Quality",
    "ReadAudio",
    "Segment",
    "SplitAudio",
    "Transcribe",
    "TranscribeUnits",
    "Transcript",
    "WriteParquet",
    "__version__",
    "decode",
    "load_model",
    "measure",
    "split",
]

_MODULES: Final = {
    "Audio": "types",
    "DecodeAudio": "transforms.decode",
    "Failure": "types",
    "MeasureQuality": "transforms.measure",
    "Quality": "types",
    "ReadAudio": "transforms.read",
    "Segment": "types",
    "SplitAudio": "transforms.split",
    "Transcribe": "transforms.transcribe",
    "TranscribeUnits": "transforms.units",
    "Transcript": "types",
    "WriteParquet": "transforms.write",
    "decode": "audio.decode",
    "load_model": "asr",
    "measure": "quality.signal",
    "split": "segments.splitter",
}

# From 1.29 on, ONNX Runtime reports the machine and its models to its maker, unless told not to
# before it is loaded. Every process that uses it here, workers too, comes by this line first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f"beam_audio.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'beam_audio' has no attribute {name!r}")
