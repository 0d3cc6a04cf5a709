from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.child_processes import children
from support.encoded_audio import FLAC_COUNT, encode, noise

from beam_audio.audio.decoders.tfio_child import TfioChild, give_back, take_child
from beam_audio.errors import ConfigError, DecodeError, DecoderCrash, DecoderHang, MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator

HAS_TFIO = importlib.util.find_spec("tensorflow_io") is not None
WAV = encode(noise(0.5))
DEADLY = WAV[:32] + bytes(2) + WAV[34:]
"""Frames of no bytes: the library divides by them."""

FORK = """
import io, os, sys
from pathlib import Path
from beam_audio.audio.decoders.tfio import TfioReader
def decode():
    reader = TfioReader(io.BytesIO(Path(sys.argv[1]).read_bytes()))
    frames = len(reader.read())
    reader.close()
    return frames
def children():
    tasks = Path("/proc/self/task").iterdir()
    return {pid for task in tasks for pid in (task / "children").read_text().split()}
first, before = decode(), children()
if os.fork():
    os.wait()
    print("parent", decode() == first, children() == before, flush=True)
else:
    print("forked", decode() == first, len(children()), flush=True)
    os._exit(0)
"""


def opened(child: TfioChild, data: bytes) -> dict[str, Any]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        return child.open(file.fileno())


@pytest.fixture
def child() -> Iterator[TfioChild]:
    started = TfioChild()
    yield started
    started.stop()


@pytest.mark.skipif(HAS_TFIO, reason="tensorflow-io is installed")
def test_a_child_without_the_library_says_what_to_install() -> None:
    before = children()
    with pytest.raises(ConfigError, match=r"tensorflow.*pip install 'beam_audio\[tfio\]'"):
        TfioChild()
    assert children() == before


@pytest.mark.tfio
def test_a_healthy_child_decodes_one_file_after_another(child: TfioChild) -> None:
    assert opened(child, WAV)["frames"] == 8_000
    with pytest.raises(DecodeError):
        opened(child, b"no audio")
    give_back(child)
    assert take_child() is child
    assert opened(child, encode(noise(1.0), "flac"))["frames"] == 16_000
    assert np.frombuffer(child.read(0, 10), np.int16).shape == (10,)


@pytest.mark.tfio
def test_a_file_that_ends_it_is_a_crash(child: TfioChild) -> None:
    with pytest.raises(DecoderCrash, match=r"^tensorflow-io died of this file \(SIGFPE\)$"):
        opened(child, DEADLY)
    give_back(child)
    other = take_child()
    assert other is not child
    other.stop()


@pytest.mark.tfio
def test_a_file_that_holds_it_for_ever_is_a_hang() -> None:
    data = bytearray(encode(noise(2.0), "flac"))
    data[FLAC_COUNT] = (2**31).to_bytes(4, "big")
    child = TfioChild(hang_seconds=1.0)
    assert opened(child, bytes(data))["frames"] == 2**31
    with pytest.raises(DecoderHang, match="no progress for 1 s"):
        child.read(20_000, 40_000)
    assert not child.alive


@pytest.mark.tfio
def test_an_end_from_outside_is_the_machines_fault() -> None:
    before = children()
    child = TfioChild()
    (process_id,) = children() - before
    os.kill(process_id, signal.SIGKILL)
    with pytest.raises(MachineError, match="SIGKILL"):
        opened(child, WAV)


@pytest.mark.tfio
def test_a_forked_process_has_its_own_and_nobody_prints(tmp_path: Path) -> None:
    path = tmp_path / "speech.wav"
    path.write_bytes(WAV)
    command = [sys.executable, "-c", FORK, str(path)]
    printed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert sorted(printed.splitlines()) == ["forked True 1", "parent True True"]


@pytest.mark.tfio
def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import time\nfrom beam_audio.audio.decoders.tfio_child import take_child\n"
        "child = take_child()\nprint('ready', flush=True)\ntime.sleep(600)\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        (process_id,) = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
        parent.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process_id}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{process_id}").exists()
