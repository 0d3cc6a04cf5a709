"""A pipeline that joins steps wrongly is refused when it is built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.typehints import TypeCheckError
from support.run_outputs import DEMO, settings

from beam_audio import (
    AsRows,
    DecodeAudio,
    MeasureQuality,
    OnnxAsrModelHandler,
    ReadAudio,
    ReadRows,
    SplitAudio,
    Transcribe,
    TranscribeUnits,
    WriteParquet,
)
from beam_audio.run.job import make_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def units(output: str) -> TranscribeUnits:
    job = make_job(settings(input=DEMO, output=output), PipelineOptions())
    return TranscribeUnits(job.settings, job.handler, output=output, unit_bytes=1)


STEPS: dict[str, Callable[[str], beam.PTransform]] = {
    "decode": lambda _: DecodeAudio(),
    "split": lambda _: SplitAudio(),
    "measure": lambda _: MeasureQuality(),
    "transcribe": lambda _: Transcribe(OnnxAsrModelHandler("placeholder")),
    "units": units,
    "rows of units": lambda output: ReadRows(output, table="segments"),
    "rows of steps": lambda _: AsRows(),
    "rows of failures": lambda _: AsRows("failures"),
    "write": lambda output: WriteParquet(output, table="segments"),
}
TAKES = {
    "refs": {"decode", "units"},
    "failures": {"rows of failures", "units"},
    "audio": {"split"},
    "segments": {"measure", "transcribe"},
    "measured": set(),
    "transcripts": {"rows of steps"},
    "reports": {"rows of units"},
    "rows": {"write"},
    "names": set(),
}


def collections(output: str) -> dict[str, Any]:
    """What each step gives, in a pipeline that is never run."""
    refs, failures = beam.Pipeline() | ReadAudio(input=str(DEMO))
    audio, _ = refs | DecodeAudio()
    segments = audio | SplitAudio()
    transcripts, _ = segments | Transcribe(OnnxAsrModelHandler("placeholder"))
    reports = (refs, failures) | beam.Flatten() | units(output)
    rows = reports | ReadRows(output)
    return {
        "refs": refs,
        "failures": failures,
        "audio": audio,
        "segments": segments,
        "measured": segments | MeasureQuality(),
        "transcripts": transcripts,
        "reports": reports,
        "rows": rows,
        "names": rows | WriteParquet(output),
    }


def test_each_step_takes_what_it_is_for_and_refuses_the_rest(tmp_path: Path) -> None:
    output = str(tmp_path)
    taken: dict[str, set[str]] = {name: set() for name in TAKES}
    given = collections(output)
    assert given.keys() == TAKES.keys()
    for name, found in given.items():
        for step, make in STEPS.items():
            try:
                _ = found | f"{name} into {step}" >> make(output)
            except TypeCheckError:
                continue
            taken[name].add(step)
    assert taken == TAKES


def test_the_message_names_both_types() -> None:
    refs, _ = beam.Pipeline() | ReadAudio(input=str(DEMO))
    with pytest.raises(TypeCheckError, match=r"SplitAudio.*expected .*Audio.*got .*AudioRef"):
        _ = refs | SplitAudio()
