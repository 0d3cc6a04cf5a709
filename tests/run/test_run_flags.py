"""What each flag of a run is by default, and what is known of it."""

from __future__ import annotations

import dataclasses
from typing import get_args

import pytest

from beam_audio.run.run_flags import CHOICES, KINDS, Group, RunFlags

FIELDS = dataclasses.fields(RunFlags)


def test_defaults_are_those_of_the_documentation() -> None:
    flags = RunFlags()
    assert (flags.model, flags.provider, flags.precision) == ("whisper-tiny.en", "auto", "auto")
    assert (flags.language, flags.task, flags.prompt) == ("auto", "transcribe", None)
    assert (flags.segmenter, flags.vad_preset) == ("vad", "default")
    assert (flags.window_seconds, flags.overlap_seconds) == (30.0, 0.0)
    assert (flags.channels, flags.decoder) == ("mix", "auto")
    assert flags.max_recording_seconds == 86_400
    assert (flags.rules, flags.partition_by) == ("balanced", "date,language")
    assert (flags.store_audio, flags.limit) == ("none", None)
    assert (flags.require_provider, flags.retry_failures) == (False, False)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_a_flag_has_a_group_a_help_and_a_default_of_its_kind(
    field: dataclasses.Field[object],
) -> None:
    assert field.metadata["group"] in get_args(Group)
    assert field.metadata["help"]
    assert field.default is None or type(field.default) is KINDS[field.name]
    if choices := CHOICES[field.name]:
        assert field.default is None or field.default in choices
