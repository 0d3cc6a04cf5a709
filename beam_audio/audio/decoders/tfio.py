"""Decoding with tensorflow-io, in a child process.

Its operations abort the whole process on some wrong headers, and its TensorFlow conflicts with
other packages. So it runs in a process of its own. Starting that takes seconds, so a healthy child
is kept for the next recording.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from beam_audio.errors import ConfigError, DecodeError
from beam_audio.types import AudioFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.audio.decoders.timeline import Hole

_CHUNK_FRAMES = 16_384
_WORKER = Path(__file__).with_name("tfio_worker.py")
_HINT = "pip install 'beam_audio[tfio]' on Python 3.11 or 3.12"
_MAGIC = {b"RIFF": ("wav", None), b"fLaC": ("flac", "flac"), b"OggS": ("ogg", "vorbis")}
_PCM = {"uint8": "pcm_u8", "int16": "pcm_s16", "int32": "pcm_s32", "float32": "pcm_f32"}


class _Child:
    """One child process and the conversation with it."""

    def __init__(self) -> None:
        # -P: the folder of the script holds modules named like the libraries they wrap.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def ask(self, *request: object) -> tuple[dict[str, Any], bytes]:
        """Send a request and return the reply and its payload.

        Raises:
            DecodeError: The child fails, or dies.
            ConfigError: The library cannot run in this environment.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise DecodeError("tensorflow-io has no pipes")
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
        line = stdout.readline()
        reply: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
        payload = stdout.read(reply.get("bytes", 0))
        if "missing" in reply:
            self.stop()
            raise ConfigError(f"tensorflow-io cannot run: {reply['missing']}; {_HINT}")
        if "error" in reply:
            raise DecodeError(reply["error"])
        if not reply or len(payload) < reply.get("bytes", 0):
            self.stop()
            raise DecodeError(
                f"tensorflow-io died of this file (exit status {self._process.returncode})"
            )
        return reply, payload

    def stop(self) -> None:
        """End the child."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        self._process.kill()
        self._process.wait()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None


_idle: list[_Child] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # two processes must not share a child


def _take_child() -> _Child:
    while _idle:
        child = _idle.pop()
        if child.alive:
            return child
    return _Child()


class TfioReader:
    """A :class:`~beam_audio.audio.decoders.FrameReader`: WAV, FLAC, Vorbis and MP3."""

    name = "tfio"
    other_tracks: tuple[int, ...] = ()
    hole: Hole | None = None
    reads_on = False

    def __init__(self, file: BinaryIO) -> None:
        if importlib.util.find_spec("tensorflow_io") is None:
            raise ConfigError(f"tensorflow-io is not installed: {_HINT}")
        self._position = 0
        with contextlib.ExitStack() as on_failure:
            # The child reads a copy: an encoded file is small compared with its samples.
            folder = on_failure.enter_context(tempfile.TemporaryDirectory(prefix="beam-audio-"))
            copy = Path(folder) / "encoded"
            file.seek(0)
            with copy.open("wb") as target:
                shutil.copyfileobj(file, target)
            self._child = _take_child()
            on_failure.callback(self._release)
            header, _ = self._child.ask("open", str(copy))
            with copy.open("rb") as start:
                container, codec = _MAGIC.get(start.read(4), ("mp3", "mp3"))
            self._cleanup = on_failure.pop_all()
        rate, frames = header["rate"], header["frames"]
        self._frames: int = frames
        self.format = AudioFormat(
            codec=codec or _PCM.get(header["dtype"], header["dtype"]),
            container=container,
            sample_rate_hz=rate,
            channels=header["channels"],
            header_seconds=frames / rate if rate > 0 else None,
        )

    def seek(self, frame: int) -> int:
        """Seek to the frame: any frame can be read first."""
        self._position = frame if 0 <= frame < self._frames else 0
        return self._position

    def read(self) -> NDArray[np.float32]:
        """Decode the next frames."""
        stop = min(self._position + _CHUNK_FRAMES, self._frames)
        if stop <= self._position:
            return np.zeros((0, self.format.channels), np.float32)
        _, payload = self._child.ask("read", self._position, stop)
        chunk = np.frombuffer(payload, np.float32).reshape(-1, self.format.channels)
        self._position += len(chunk)
        return chunk

    def shortfall(self) -> str | None:
        """Say how much is missing of what the header states."""
        if self._position < self._frames:
            return f"the header states {self._frames} frames, and {self._position} are there"
        return None

    def close(self) -> None:
        """Keep a healthy child for the next recording."""
        self._cleanup.close()

    def _release(self) -> None:
        if self._child.alive:
            _idle.append(self._child)
