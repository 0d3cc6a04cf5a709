from __future__ import annotations

import importlib.util
import json
import tempfile

import numpy as np
import pytest
from support.encoded_audio import encode, noise

from beam_audio.child import Child, Message

PROGRAM = "beam_audio.audio.decoders.tfio_worker"
HAS_TFIO = importlib.util.find_spec("tensorflow_io") is not None
PATIENCE_SECONDS = 300.0


def first_answer(child: Child) -> dict[str, object]:
    line, _, _ = child.receive(hang_seconds=PATIENCE_SECONDS).data.partition(b"\n")
    return dict(json.loads(line))


def ask(child: Child, request: list[object], data: bytes | None = None) -> Message:
    with tempfile.TemporaryFile() as file:
        file.write(data or b"")
        file.flush()
        child.send(json.dumps(request).encode(), [] if data is None else [file.fileno()])
        return child.receive(hang_seconds=PATIENCE_SECONDS)


@pytest.mark.skipif(HAS_TFIO, reason="tensorflow-io is installed")
def test_without_the_library_it_says_so_and_ends() -> None:
    child = Child(PROGRAM)
    assert "tensorflow" in str(first_answer(child)["missing"])
    child.stop()


@pytest.mark.tfio
def test_it_answers_each_request() -> None:
    samples = noise(0.5, channels=2)
    child = Child(PROGRAM)
    assert first_answer(child) == {"ready": True}
    failed = ask(child, ["open"], b"no audio").data
    header = ask(child, ["open"], encode(samples, "float")).data
    line, _, payload = ask(child, ["read", 10, 40]).data.partition(b"\n")
    child.stop()
    assert "error" in json.loads(failed)
    assert json.loads(header) == {
        "rate": 16_000,
        "channels": 2,
        "frames": 8_000,
        "dtype": "float32",
    }
    assert json.loads(line) == {}
    np.testing.assert_array_equal(np.frombuffer(payload, np.float32), samples[10:40].ravel())


@pytest.mark.tfio
def test_errors_name_no_place_of_this_machine() -> None:
    child = Child(PROGRAM)
    first_answer(child)
    wav = encode(noise(0.5))
    said = [
        json.loads(ask(child, ["open"], data).data)["error"]
        for data in (b"x" * 1000, wav[:40] + b"\0\0\0\x80" + wav[44:], b"RIFF" + b"\xff" * 200)
    ]
    child.stop()
    assert all(said)
    assert not any("/proc" in each or "{{" in each for each in said)
