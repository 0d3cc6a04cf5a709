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
WAV = encode(noise(0.5))
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
    wrong = (b"no audio", WAV[:40] + b"\0\0\0\x80" + WAV[44:], b"RIFF" + b"\xff" * 200)
    errors = [json.loads(ask(child, ["open"], data).data)["error"] for data in wrong]
    header = ask(child, ["open"], encode(samples, "float")).data
    line, _, payload = ask(child, ["read", 10, 40]).data.partition(b"\n")
    child.stop()
    assert all(errors)
    assert not any("/proc" in error or "{{" in error for error in errors), "of one machine"
    assert json.loads(header) == {
        "rate": 16_000,
        "channels": 2,
        "frames": 8_000,
        "dtype": "float32",
    }
    assert json.loads(line) == {}
    np.testing.assert_array_equal(np.frombuffer(payload, np.float32), samples[10:40].ravel())
