"""Units are larger where a GPU recognises them, unless a flag says how large they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apache_beam.options.pipeline_options import PipelineOptions
from support.run_outputs import settings

from beam_audio.run import precision
from beam_audio.run.unit_size import unit_bytes

if TYPE_CHECKING:
    import pytest

MIB = 1 << 20
LOCAL = PipelineOptions()
DATAFLOW = "--runner=DataflowRunner"
L4 = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver:5xx"


def size(options: PipelineOptions, **flags: object) -> int:
    return unit_bytes(settings(input="gs://b/in", output="gs://b/out", **flags), options)


def test_a_gpu_here_has_larger_units(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_gpu, expected in ((True, 256 * MIB), (False, 32 * MIB)):
        monkeypatch.setattr(precision, "has_gpu", lambda it=has_gpu: it)
        assert size(LOCAL) == expected
        assert size(LOCAL, provider="cpu") == 32 * MIB


def test_so_have_dataflows_workers_with_a_gpu() -> None:
    assert size(PipelineOptions([DATAFLOW])) == 32 * MIB
    asked = PipelineOptions([DATAFLOW, f"--dataflow_service_options={L4}"])
    assert size(asked) == 256 * MIB


def test_a_stated_size_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_gpu", lambda: True)
    assert size(LOCAL, unit_bytes=1000) == 1000
