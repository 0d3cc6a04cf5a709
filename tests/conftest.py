"""What tests share: audio, or a skip without it; the command; a small model; an emulator."""

from __future__ import annotations

import importlib.util
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.pubsub_emulator import Channel
    from support.run_outputs import Command

    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import Recognizer

IN_CI = os.environ.get("CI", "").lower() == "true"
SHARED_DATA = Path(
    os.environ.get("BEAM_AUDIO_SHARED") or Path(__file__).resolve().parents[2] / "shared" / "data"
)
SHARED_IS_MISSING = not (SHARED_DATA / "manifest.jsonl").is_file()
MISSING_MESSAGE = (
    f"the shared audio is not at {SHARED_DATA}; point BEAM_AUDIO_SHARED at the folder with its "
    "manifest.jsonl"
)

TFIO_IS_MISSING = importlib.util.find_spec("tensorflow_io") is None
TFIO_MESSAGE = "tensorflow-io is not installed here; make tfio runs what needs it where it is"
GPU_MESSAGE = "there is no GPU that ONNX Runtime can use; make gpu-test runs what needs one"

# Decoding and inference have no steady duration; in CI a failure must be the same on every run.
hypothesis.settings.register_profile("beam_audio", deadline=None, derandomize=IN_CI)
hypothesis.settings.load_profile("beam_audio")


def pytest_report_header() -> str:
    return f"shared audio: {MISSING_MESSAGE if SHARED_IS_MISSING else SHARED_DATA}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what lacks its audio or library, and refuse to in CI; what -m leaves out is gone."""
    for marker, message in (
        *([("shared", MISSING_MESSAGE)] if SHARED_IS_MISSING else []),
        *([("tfio", TFIO_MESSAGE)] if TFIO_IS_MISSING else []),
        *([("gpu", GPU_MESSAGE)] if _gpu_is_missing(items) else []),
    ):
        needing = [item for item in items if item.get_closest_marker(marker)]
        if needing and IN_CI:
            raise pytest.UsageError(f"{len(needing)} tests cannot run in CI: {message}")
        for item in needing:
            item.add_marker(pytest.mark.skip(reason=message))


def _gpu_is_missing(items: list[pytest.Item]) -> bool:
    """Whether tests need a GPU and there is none; nobody asks a driver for nothing."""
    if not any(item.get_closest_marker("gpu") for item in items):
        return False
    from beam_audio.asr.gpu import has_gpu  # noqa: PLC0415 - few ask

    return not has_gpu()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the shared audio; the test that asks for it carries ``pytest.mark.shared``."""
    if SHARED_IS_MISSING:
        pytest.fail(f"{MISSING_MESSAGE}; and mark this test with pytest.mark.shared")
    return SHARED_DATA


@pytest.fixture(scope="session")
def shared_models(shared_data: Path) -> Path:
    """Folder of the shared small models; mark the test as for ``shared_data``."""
    return shared_data.parent / "models"


@pytest.fixture(scope="session")
def manifest_lines(shared_data: Path) -> list[dict[str, Any]]:
    """The lines of the shared manifest, in order."""
    text = (shared_data / "manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="session")
def placed_lines(shared_data: Path, manifest_lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same lines with the places of the audio on this machine."""
    return [
        line | {"audio_filepath": str(shared_data / line["audio_filepath"])}
        for line in manifest_lines
    ]


@pytest.fixture(scope="session")
def short_lines(placed_lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lines below 20 s, of every folder, so of every format; of broken recordings too."""
    return [line for line in placed_lines if (line.get("duration") or 0) < 20]


@pytest.fixture(scope="session", autouse=True)
def shared_placeholder() -> Iterator[None]:
    """Runs share a process with the placeholder; one each took half the time of a short run."""
    from beam_audio.asr.isolated import every_gpu  # noqa: PLC0415 - few runs are in every session
    from beam_audio.asr.isolated.recognizer import IsolatedRecognizer  # noqa: PLC0415 - as above

    @lru_cache(maxsize=4)
    def shared(options: ModelOptions, _environment: frozenset[tuple[str, str]]) -> Recognizer:
        return IsolatedRecognizer("placeholder", options)

    def load(model: str, options: ModelOptions, *, gpu: str | None = None) -> Recognizer:
        environment = frozenset(
            (name, value) for name, value in os.environ.items() if not name.startswith("PYTEST_")
        )
        if model == "placeholder" and gpu is None:
            return shared(options, environment)
        return IsolatedRecognizer(model, options, gpu=gpu)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(every_gpu, "IsolatedRecognizer", load)
        yield
    shared.cache_clear()


@pytest.fixture
def audio(tmp_path: Path) -> Path:
    """A folder of two short recordings."""
    from support.run_outputs import write_speech  # noqa: PLC0415 - imports Beam, which few ask for

    folder = tmp_path / "audio"
    write_speech(folder / "one.wav")
    write_speech(folder / "two.wav", start_seconds=2.0)
    return folder


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in this process."""
    from support.run_outputs import run_command  # noqa: PLC0415 - as above

    def run(*arguments: object) -> tuple[int, str, str]:
        status = run_command(*arguments)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder for models that are built."""
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def weights(tmp_path: Path, cache: None) -> str:  # noqa: ARG001 - what is built of them goes there
    """A folder with a small Whisper of random weights."""
    from support.random_whisper import Shape, random_weights, write_huggingface  # noqa: PLC0415 - few ask

    shape = Shape(width=8, encoder_layers=1, decoder_layers=1)
    write_huggingface(tmp_path / "weights", random_weights(shape), shape)
    return str(tmp_path / "weights")


@pytest.fixture(scope="module")
def emulator() -> Iterator[None]:
    """Pub/Sub's emulator, where its clients look for it."""
    from support.pubsub_emulator import pubsub_emulator  # noqa: PLC0415 - the client takes long to import

    with pubsub_emulator() as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        yield


@pytest.fixture
def channel(emulator: None) -> Channel:  # noqa: ARG001 - it is made there
    """A topic and a subscription to it."""
    from support.pubsub_emulator import new_channel  # noqa: PLC0415 - as above

    return new_channel()
