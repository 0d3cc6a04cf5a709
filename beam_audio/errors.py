"""Errors of beam_audio: each message says what is wrong and what to do about it."""

from __future__ import annotations


class BeamAudioError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(BeamAudioError):
    """A flag, configuration key or combination of them that cannot be run (exit status 2)."""


class InputError(BeamAudioError):
    """An input that cannot be read: a missing file, a broken manifest line, an invalid field."""


class DecodeError(BeamAudioError):
    """Bytes that no decoder could turn into audio, or that stopped being audio midway."""


class LimitError(BeamAudioError):
    """Audio beyond a stated limit of bytes, seconds, channels or sample rate."""


class ModelError(BeamAudioError):
    """A model that is unknown, incomplete, of an unsupported layout, or asked for what it lacks."""


class ChecksumError(ModelError):
    """A model file whose sha256 differs from its card's; it is refused, never used."""


class ProviderError(ModelError):
    """An ONNX Runtime execution provider that was required and is not the one in use."""


class StoreError(BeamAudioError):
    """An output that cannot be written or that does not fit the run asked for."""
