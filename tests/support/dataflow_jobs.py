"""Runs sent to the stand-in of Dataflow, and what their graphs say."""

from __future__ import annotations

import base64
import bz2
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from support.fake_dataflow import BUCKET, FakeDataflow, storage
from support.run_outputs import write_speech

from beam_audio import store
from beam_audio.command.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from apache_beam.portability.api.beam_runner_api_pb2 import Pipeline, PTransform

Flags = dict[str, str | None]
"""Values by the names of flags, None for a switch that stands alone."""

INPUT = f"gs://{BUCKET}/in/"
IMAGE = "europe-docker.pkg.dev/p/r/worker-gpu@sha256:" + "0" * 64
GPU = "worker_accelerator=type:nvidia-l4;count:1;install-nvidia-driver:5xx"
RECORDINGS = 3
OURS = ("input", "output", "model")
MODULES_OF_AUDIO = (
    b"beam_audio.audio.decode",
    b"beam_audio.audio.decoders",
    b"beam_audio.unit.prepare",
)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The stand-ins, and the flags that lead to them."""

    service: FakeDataflow
    output: str

    @property
    def flags(self) -> Flags:
        return {
            "input": INPUT,
            "output": self.output,
            "model": "placeholder",
            "runner": "DataflowRunner",
            "project": "project-1",
            "region": "europe-west4",
            "temp_location": f"gs://{BUCKET}/temp",
            "sdk_container_image": IMAGE,
            "dataflow_endpoint": f"http://localhost:{self.service.port}",
            "no_auth": None,
        }

    @property
    def words(self) -> list[str]:
        return written(self.flags)

    @property
    def of_beam(self) -> list[str]:
        return written({name: self.flags[name] for name in self.flags if name not in OURS})

    def run(self, *words: str) -> int:
        return main(["run", *self.words, *words])

    def run_files(self) -> list[dict[str, Any]]:
        return [json.loads(read(meta.path)) for meta in store.files_like(self.output, "run-*.json")]


def written(flags: Flags) -> list[str]:
    """Flags as words of a command."""
    return [f"--{name}" if value is None else f"--{name}={value}" for name, value in flags.items()]


def read(uri: str) -> bytes:
    """All of a file."""
    with store.open_to_read(uri) as file:
        content: bytes = file.read()
    return content


@contextmanager
def recordings_in_a_bucket(folder: Path) -> Iterator[None]:
    """Storage that holds the recordings, found by this process and those it starts."""
    with storage() as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        patch.setenv("NO_GCE_CHECK", "true")
        FileSystems.set_options(PipelineOptions(["--no_auth"]))
        for index in range(RECORDINGS):
            local = write_speech(folder / "a.wav", start_seconds=0.5 * index)
            with store.open_to_write(f"{INPUT}{index}.wav") as file:
                file.write(local.read_bytes())
        yield


def transforms(graph: Pipeline) -> list[PTransform]:
    """Transforms that do something themselves."""
    return [each for each in graph.components.transforms.values() if not each.subtransforms]


def the_unit(graph: Pipeline) -> PTransform:
    """The one transform that opens audio."""
    (found,) = [each for each in transforms(graph) if b"_TranscribeUnit" in function(each)]
    return found


def function(transform: PTransform) -> bytes:
    """The pickled function of a ParDo, its modules readable; nothing of other transforms."""
    if transform.spec.urn != common_urns.primitives.PAR_DO.urn:
        return b""
    payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
    return bz2.decompress(base64.b64decode(payload.do_fn.payload))
