"""How many encoded bytes are committed together, decided once, before any worker starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.run.precision import workers_have_gpu

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.run.config import RunConfig

_ON_A_CPU: Final = 32 << 20
_ON_A_GPU: Final = 256 << 20
"""Some four hours of 16 kHz FLAC. The first batches of a unit are small, and its last one is as
small as what is left: of units of 32 MiB they were half."""


def unit_bytes(config: RunConfig, options: PipelineOptions) -> int:
    """Most encoded bytes of a unit; what ``--unit_bytes`` says, if it says something.

    Args:
        config: The flags.
        options: Beam's flags, which say where the workers are.
    """
    by_machine = _ON_A_GPU if workers_have_gpu(config, options) else _ON_A_CPU
    return config.unit_bytes or by_machine
