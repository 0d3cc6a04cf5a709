"""A run's units as a step: what cannot be run is refused when the pipeline is built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apache_beam as beam
import pytest
from support.run_outputs import run, settings

from beam_audio.errors import ConfigError
from beam_audio.run.row_graph import transcribe_rows
from beam_audio.transforms.row_steps import ReadInputRows

if TYPE_CHECKING:
    from pathlib import Path


def build(audio: Path, output: Path, **flags: object) -> None:
    config = settings(input="rows", output=output, **flags)
    _ = beam.Pipeline() | ReadInputRows(input=str(audio)) | transcribe_rows(config)


def test_an_output_laid_out_otherwise_is_refused(audio: Path, tmp_path: Path) -> None:
    assert run(input=audio, output=tmp_path / "out").exit_status == 0
    build(audio, tmp_path / "out")
    with pytest.raises(ConfigError, match="--partition_by"):
        build(audio, tmp_path / "out", partition_by="language")


def test_a_language_that_the_model_does_not_know_is_refused(audio: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--language=xx"):
        build(audio, tmp_path / "out", model="whisper-tiny.en", language="xx")
