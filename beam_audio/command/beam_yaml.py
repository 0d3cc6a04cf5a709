"""Steps for Beam YAML: what the flags of the command say, a YAML file says as ``config``."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Final

from beam_audio.command.flags import resolve
from beam_audio.errors import ConfigError
from beam_audio.output.folder import require_writable
from beam_audio.output.holder import require_free
from beam_audio.run.config import RunConfig
from beam_audio.run.job import committed_before, make_job
from beam_audio.spelling import nearest
from beam_audio.store.credentials import require_access
from beam_audio.transforms.read import ReadAudio
from beam_audio.transforms.row_steps import ReadInputRows, TranscribeRows
from beam_audio.transforms.units import TranscribeUnits
from beam_audio.transforms.write import WriteParquet

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.schema import Table

_OTHER_GROUPS: Final = ("input", "streaming")
_KEYS: Final = tuple(
    each.name
    for each in dataclasses.fields(RunConfig)
    if each.metadata["group"] not in _OTHER_GROUPS or each.name == "retry_failures"
)


def read_audio(
    *,
    input: str | None = None,  # noqa: A002 - the flag's name
    manifest: str | None = None,
    exclude: str | None = None,
    limit: int | None = None,
    input_format: str | None = None,
) -> ReadInputRows:
    """List audio as rows, one an input; see :class:`ReadAudio` for the arguments.

    Raises:
        ConfigError: Not exactly one of ``input`` and ``manifest`` is given.
    """
    return ReadInputRows(
        ReadAudio(
            input=input,
            manifest=manifest,
            exclude=exclude,
            limit=limit,
            input_format=input_format,
        )
    )


def transcribe_units(**config: object) -> TranscribeRows:
    """Transcribe rows of inputs into an output folder, and give what is committed as rows.

    Args:
        config: Flags of ``beam-audio run`` by name, but for those of its input and of streams.

    Raises:
        ConfigError: A flag is unknown, or the flags contradict each other.
    """
    for name in config:
        if name not in _KEYS:
            raise ConfigError(f"TranscribeUnits does not take {name!r}{nearest(name, _KEYS)}")
    flags = resolve(config | {"input": "the rows that are given"})
    return TranscribeRows(
        partial(_transcribe_units, flags), output=flags.output, metadata_columns=flags.metadata_keys
    )


def write_parquet(
    *, output: str, table: Table = "segments", partition_by: str = "", shards: int = 1
) -> WriteParquet:
    """Write rows of a table; see :class:`WriteParquet`.

    Args:
        output: The output folder.
        table: ``segments``, ``recordings`` or ``failures``.
        partition_by: Columns that name folders, with commas between them.
        shards: Number of files per partition.
    """
    keys = tuple(filter(None, partition_by.split(",")))
    return WriteParquet(output, table=table, partition_by=keys, shards=shards)


def _transcribe_units(config: RunConfig, options: PipelineOptions) -> TranscribeUnits:
    """The transform for these flags.

    Raises:
        ConfigError: The flags cannot be run, or the output is laid out otherwise.
        HeldError: A living batch holds the output.
        StoreError: The output is not writable.
        ModelError: The model cannot be had.
    """
    require_access((config.output, config.model, config.second_model), options)
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
