from __future__ import annotations

import os
import resource
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.odd_recognizers import odd_environment, recogniser_processes
from support.random_whisper import Shape, random_weights, write_huggingface
from support.unit_runs import hear_loudness, tones

from beam_audio.asr import load_model
from beam_audio.asr.isolated.recognizer import IsolatedRecognizer
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.recognizer import BatchLimits, Request
from beam_audio.errors import MachineError, ModelError, RecognizerCrash, RecognizerHang
from beam_audio.unit.recognise import recognise, require_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beam_audio.types import Transcript

LOUD = Request(tones([0.99]))
CALM = [Request(tones([level / 10])) for level in range(1, 8)]
BATCH = [*CALM[:3], LOUD, *CALM[3:]]
HEARD = [hear_loudness(each) for each in CALM]


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> IsolatedRecognizer:
    """The placeholder, odd as the test's parameter says."""
    what, device, _ = request.param.partition(" on a device")
    for name, value in odd_environment(what, on_device=bool(device)).items():
        monkeypatch.setenv(name, value)
    return IsolatedRecognizer("placeholder", hang_seconds=1.0)


@contextmanager
def new_process() -> Iterator[Callable[[], int]]:
    """What gives the process that was started since."""
    before = set(recogniser_processes(os.getpid()))

    def find() -> int:
        (process,) = set(recogniser_processes(os.getpid())) - before
        return process

    yield find


def test_it_is_as_the_model_in_this_process(weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(Path(weights).parent)
    weights = "weights"
    options = ModelOptions(provider="cpu", padding="condensed", threads=1, safeguards=False)
    isolated, own = IsolatedRecognizer(weights, options), load_model(weights, options)
    assert isolated.facts == own.facts
    assert isolated.provider == own.provider
    assert isolated.passage_seconds == own.passage_seconds > 0
    costs = [(each, isolated.cost_seconds(each), own.cost_seconds(each)) for each in (0.3, 4.2, 30)]
    for seconds, cost, own_cost in costs:
        assert cost >= seconds
        assert cost == pytest.approx(own_cost, abs=0.25)
    batch = [Request(tones([0.1, 0.3]), "en", seed=4), Request(tones([0.2]), None, seed=5)]
    assert isolated.transcribe(batch) == own.transcribe(batch)
    with pytest.raises(ModelError, match="does not know language 'xx'"):
        isolated.transcribe([Request(tones([0.1]), "xx")])


def test_the_placeholders_costs_are_its_lengths() -> None:
    recognizer = IsolatedRecognizer("placeholder")
    lengths = [0.0, 0.05, 1.23, 29.99, 30.0]
    assert [recognizer.cost_seconds(each) for each in lengths] == pytest.approx(lengths)


@pytest.mark.parametrize(
    ("odd", "cause"),
    [("abort", "SIGABRT"), ("segfault", "SIGSEGV")],
    indirect=["odd"],
)
def test_a_clip_that_ends_the_process_fails_alone(odd: IsolatedRecognizer, cause: str) -> None:
    found = recognise(odd, BATCH)
    crash = found.pop(3)
    assert found == HEARD
    assert isinstance(crash, RecognizerCrash)
    assert str(crash) == f"placeholder/none died of this segment ({cause})"
    require_alive(odd)


@pytest.mark.slow
@pytest.mark.parametrize("odd", ["hang"], indirect=True)
def test_a_clip_that_hangs_fails_alone(odd: IsolatedRecognizer) -> None:
    found = recognise(odd, BATCH[2:5])
    hang = found.pop(1)
    assert found == HEARD[2:4]
    assert isinstance(hang, RecognizerHang)


@pytest.mark.parametrize("odd", ["always"], indirect=True)
def test_a_model_that_dies_of_everything_is_no_clips_fault(odd: IsolatedRecognizer) -> None:
    with pytest.raises(ModelError, match=r"silence included.*SIGABRT"):
        require_alive(odd)


@pytest.mark.parametrize("odd", ["abort", "abort on a device"], indirect=True)
def test_batches_of_other_threads_are_not_blamed(odd: IsolatedRecognizer) -> None:
    found: dict[int, list[Transcript | Exception]] = {}

    def hear(thread: int) -> None:
        found[thread] = []
        for clip in [*CALM, LOUD] if thread == 0 else CALM * 4:
            found[thread] += recognise(odd, [clip])

    threads = [threading.Thread(target=hear, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert isinstance(found[0].pop(), RecognizerCrash)
    assert found == {0: HEARD, 1: HEARD * 4, 2: HEARD * 4, 3: HEARD * 4}


@pytest.mark.parametrize("odd", ["work on a device"], indirect=True)
def test_batches_that_wait_for_a_device_together_are_heard_each(odd: IsolatedRecognizer) -> None:
    assert odd.batch_limits == BatchLimits(120.0, 2)
    batches = [[LOUD], [LOUD], *([clip] for clip in CALM)]  # the first two hold the others up
    with ThreadPoolExecutor(len(batches)) as threads:
        heard = list(threads.map(odd.transcribe, batches))
    assert heard == [[hear_loudness(clip) for clip in batch] for batch in batches]


def test_a_process_that_is_killed_between_batches_costs_nothing() -> None:
    with new_process() as find:
        recognizer = IsolatedRecognizer("placeholder")
        for number in (signal.SIGKILL, signal.SIGSEGV):
            os.kill(find(), number)
            assert recognizer.transcribe(CALM) == HEARD


@pytest.mark.slow
def test_twenty_kills_inside_one_batch_blame_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in odd_environment("killed", twenty_times=tmp_path / "kills").items():
        monkeypatch.setenv(name, value)
    recognizer = IsolatedRecognizer("placeholder")
    for _ in range(20):
        try:
            found = recognise(recognizer, BATCH)
            break
        except MachineError as error:
            message = str(error)
    assert "SIGKILL" in message
    assert (tmp_path / "kills").stat().st_size == 20
    assert found == list(map(hear_loudness, BATCH))


@pytest.mark.parametrize("odd", ["killed"], indirect=True)
def test_a_clip_at_which_the_machine_kills_is_not_blamed(odd: IsolatedRecognizer) -> None:
    with pytest.raises(MachineError, match=r"SIGKILL.*2 times.*more"):
        recognise(odd, BATCH[:4])
    assert recognise(odd, CALM) == HEARD


def test_a_model_that_ends_its_process_while_it_loads_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in odd_environment("load").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ModelError, match=r"placeholder ends the process that loads it \(SIGABRT\)"):
        IsolatedRecognizer("placeholder")


def test_another_model_is_not_taken_for_the_one_that_was_lost(weights: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with new_process() as find:
        recognizer = IsolatedRecognizer(weights, ModelOptions(provider="cpu"))
        process = find()
    shape = Shape(width=8, encoder_layers=1, decoder_layers=1)
    write_huggingface(tmp_path / "weights", random_weights(shape, seed=9), shape)
    os.kill(process, signal.SIGKILL)
    with pytest.raises(MachineError, match=r"cannot be loaded again: it is another model now"):
        recognizer.transcribe([Request(np.zeros(16_000, np.float32))])


def test_a_machine_that_has_no_open_files_left_is_at_fault() -> None:
    recognizer = IsolatedRecognizer("placeholder")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(MachineError, match=r"cannot be handed.*Too many open files"):
            recognizer.transcribe(CALM)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert recognizer.transcribe(CALM) == HEARD


def test_the_process_ends_with_the_recogniser() -> None:
    with new_process() as find:
        recognizer = IsolatedRecognizer("placeholder")
        process = find()
    del recognizer
    end = time.monotonic() + 10
    while process in recogniser_processes(os.getpid()) and time.monotonic() < end:
        time.sleep(0.01)
    assert process not in recogniser_processes(os.getpid())
