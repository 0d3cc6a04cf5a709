"""The step of Beam YAML that takes flags: a YAML file gives them as ``config``."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

from beam_audio.command.flags import resolve
from beam_audio.errors import ConfigError
from beam_audio.run.config import RunConfig
from beam_audio.run.row_graph import transcribe_rows
from beam_audio.spelling import nearest

if TYPE_CHECKING:
    import apache_beam as beam

_OTHER_GROUPS: Final = ("input", "streaming")
_KEYS: Final = tuple(
    each.name
    for each in dataclasses.fields(RunConfig)
    if each.metadata["group"] not in _OTHER_GROUPS or each.name == "retry_failures"
)


def transcribe_units(**config: object) -> beam.PTransform:
    """Transcribe rows of inputs into an output folder, and give what is committed as rows.

    Args:
        config: Flags of ``beam-audio run`` by name, but for those of its input and of streams.

    Raises:
        ConfigError: A flag is unknown, or the flags contradict each other.
    """
    for name in config:
        if name not in _KEYS:
            raise ConfigError(f"TranscribeUnits does not take {name!r}{nearest(name, _KEYS)}")
    return transcribe_rows(resolve(config | {"input": "the rows that are given"}))
