"""The units of a run as a step of another pipeline, from rows of inputs to rows of tables."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from beam_audio.output.folder import require_writable
from beam_audio.output.holder import require_free
from beam_audio.run.job import committed_before, make_job
from beam_audio.store.credentials import require_access
from beam_audio.transforms.row_steps import TranscribeRows
from beam_audio.transforms.units import TranscribeUnits

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.run.config import RunConfig


def transcribe_rows(config: RunConfig) -> TranscribeRows:
    """What does the units of a run whose inputs are the rows that it is given.

    The flags are checked against model and output when the pipeline is built.

    Args:
        config: The flags; those of the input are not looked at.
    """
    return TranscribeRows(
        partial(_units, config), output=config.output, metadata_columns=config.metadata_keys
    )


def _units(config: RunConfig, options: PipelineOptions) -> TranscribeUnits:
    """The transform for these flags.

    Raises:
        ConfigError: The flags cannot be run, or the output is laid out otherwise.
        HeldError: A living batch holds the output.
        StoreError: The output is not writable.
        ModelError: The model cannot be had.
    """
    require_access((config.output, config.model, *config.other_model_names), options)
    job = make_job(config, options)
    for _ in committed_before(job):
        pass
    require_writable(job.output)
    require_free(job.output)
    return TranscribeUnits(
        job.settings,
        job.handler,
        output=job.output,
        unit_bytes=job.unit_bytes,
        retry_failures=config.retry_failures,
        second=job.second,
    )
