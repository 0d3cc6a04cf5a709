"""Errors of beam_audio: each message says what is wrong and what to do about it."""

from __future__ import annotations


class BeamAudioError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(BeamAudioError):
    """A flag, configuration key or combination of them that cannot be run (exit status 2)."""


class InputError(BeamAudioError):
    """An input that cannot be read: a missing file, a broken manifest line, an invalid field."""


class ContradictionError(InputError):
    """Lines about one input that state different things of it."""


class DecodeError(BeamAudioError):
    """Bytes that no decoder turns into audio, or that stop being audio midway."""


class DecoderCrash(DecodeError):  # noqa: N818 - failures have this name
    """A file that ends the process that decodes it."""


class DecoderHang(DecodeError):  # noqa: N818 - as above
    """A file that a decoder never gets to the end of."""


class MachineError(BeamAudioError):
    """A fault of the machine: its disks, memory, open files, network or credentials.

    No input is at fault, so no failure row is written. The unit fails and is done again, by the
    runner or by the next run.
    """


class LimitError(BeamAudioError):
    """Audio beyond a stated limit of bytes, seconds, channels or sample rate."""


class ModelError(BeamAudioError):
    """A model that is unknown, incomplete or unsupported, or that lacks what it is asked for."""


class LanguageUnsupported(ModelError):  # noqa: N818 - failures have this name
    """An input whose stated language the model does not know."""


class ChecksumError(ModelError):
    """A model file whose sha256 differs from its card's; it is never used."""


class ProviderError(ModelError):
    """A required ONNX Runtime execution provider that is not in use."""


class StoreError(BeamAudioError):
    """An output that cannot be written or that does not fit the run asked for."""


class HeldError(BeamAudioError):
    """An output that another batch holds (exit status 1): it is free again when that has ended."""
