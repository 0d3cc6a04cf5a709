from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.encoded_audio import encode, noise

from beam_audio.audio.decoders import tfio_worker

if TYPE_CHECKING:
    from pathlib import Path

HAS_TFIO = importlib.util.find_spec("tensorflow_io") is not None


def answer(requests: list[list[object]]) -> bytes:
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    command = [sys.executable, "-P", tfio_worker.__file__]
    return subprocess.run(command, input=lines.encode(), capture_output=True, check=True).stdout


@pytest.mark.skipif(HAS_TFIO, reason="tensorflow-io is installed")
def test_without_the_library_it_says_so_and_ends() -> None:
    assert "tensorflow" in json.loads(answer([["open", "speech.wav"]]))["missing"]


@pytest.mark.slow
@pytest.mark.skipif(not HAS_TFIO, reason="needs the tfio extra")
def test_it_answers_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "speech"
    samples = noise(0.5, channels=2)
    path.write_bytes(encode(samples, "float"))
    reply = answer([["open", str(tmp_path / "none")], ["open", str(path)], ["read", 10, 40]])
    failed, header, size, payload = reply.split(b"\n", 3)
    assert "error" in json.loads(failed)
    assert json.loads(header) == {
        "rate": 16_000,
        "channels": 2,
        "frames": 8_000,
        "dtype": "float32",
    }
    assert json.loads(size) == {"bytes": 240}
    np.testing.assert_array_equal(np.frombuffer(payload, np.float32), samples[10:40].ravel())
