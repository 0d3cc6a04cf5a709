"""Several GPUs: which there are, and which of them takes a batch."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.odd_recognizers import recogniser_processes
from support.unit_runs import Scripted, fail_when_loud, hear_loudness, tones

from beam_audio.asr.isolated.every_gpu import EveryGpu, load_isolated, visible_gpus
from beam_audio.asr.isolated.recognizer import IsolatedRecognizer
from beam_audio.asr.model_options import DEFAULT_OPTIONS
from beam_audio.asr.recognizer import BatchLimits, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.types import Transcript

CLIPS = [Request(tones([level / 10])) for level in range(1, 9)]


@pytest.mark.parametrize(
    ("named", "count", "gpus"),
    [
        (None, 0, []),
        (None, 3, ["0", "1", "2"]),
        ("", 0, []),
        ("2", 1, ["2"]),
        ("2,0", 2, ["2", "0"]),
        ("0,9,1", 1, ["0"]),
        ("GPU-5e,GPU-8a", 2, ["GPU-5e", "GPU-8a"]),
        ("MIG-1,MIG-2,MIG-3", 1, ["MIG-1", "MIG-2", "MIG-3"]),
        ("MIG-1,MIG-2", 0, []),
    ],
)
def test_the_gpus_are_those_that_cuda_shows(named: str | None, count: int, gpus: list[str]) -> None:
    environment = {} if named is None else {"CUDA_VISIBLE_DEVICES": named}
    assert visible_gpus(environment, count) == gpus


def test_a_process_is_shown_its_own_gpu() -> None:
    before = set(recogniser_processes(os.getpid()))
    recognizer = IsolatedRecognizer("placeholder", gpu="MIG-7")
    (process,) = set(recogniser_processes(os.getpid())) - before
    variables = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    assert b"CUDA_VISIBLE_DEVICES=MIG-7" in variables
    assert recognizer.transcribe(CLIPS[:1]) == [hear_loudness(CLIPS[0])]


def test_without_gpus_there_is_one_process() -> None:
    assert isinstance(load_isolated("placeholder", DEFAULT_OPTIONS), IsolatedRecognizer)


def test_batches_that_come_together_go_to_gpus_that_have_none() -> None:
    all_at_work = threading.Barrier(3, timeout=30.0)

    class Gpu(Scripted):
        def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
            all_at_work.wait()
            return super().transcribe(requests)

    every = EveryGpu([Gpu(), Gpu(), Gpu()])
    with ThreadPoolExecutor(3) as threads:
        heard = list(threads.map(every.transcribe, ([clip] for clip in CLIPS[:6])))
    assert heard == [[hear_loudness(clip)] for clip in CLIPS[:6]]


def test_a_gpu_whose_batch_fails_takes_others() -> None:
    every = EveryGpu([Scripted(fail_when_loud)])
    with pytest.raises(ValueError, match="hurts"):
        every.transcribe([Request(tones([0.99]))])
    assert every.transcribe(CLIPS[:2]) == list(map(hear_loudness, CLIPS[:2]))


def test_the_smallest_gpu_decides_the_batch_and_all_take_theirs() -> None:
    parts = [Scripted(batch_limits=BatchLimits(seconds, 2)) for seconds in (960.0, 240.0)]
    every = EveryGpu(parts)
    assert every.batch_limits == BatchLimits(240.0, 4)
    assert every.facts == parts[0].facts
    assert (every.provider, every.passage_seconds) == (parts[0].provider, 0.0)
    assert every.cost_seconds(2.5) == 2.5
