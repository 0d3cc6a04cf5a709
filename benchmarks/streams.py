"""What the benchmarks of streams share: Pub/Sub's emulator, messages of a second, the command."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))  # the tests start the same emulator

from google.cloud.pubsub_v1 import PublisherClient  # noqa: E402
from support.pubsub_emulator import new_channel, pubsub_emulator  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

RATE_HZ = 8_000
CLIP = ROOT / "beam_audio" / "data" / "demo" / "river.wav"
STOP_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and when it was handed to the publisher, in seconds since the epoch."""

    uri: str
    at: float


@dataclass(frozen=True, slots=True)
class Stream:
    """The command at work on a subscription of its own."""

    process: subprocess.Popen[bytes]
    topic: str
    output: Path
    log: Path

    def accounts(self) -> list[dict[str, Any]]:
        """The accounts of its intervals, in order."""
        paths = sorted((self.output / "ledger").glob("*.json"))
        return [json.loads(path.read_text("utf-8")) for path in paths]

    def await_messages(self, count: int, seconds: float) -> None:
        """Wait until so many messages are accounted for."""
        end = time.monotonic() + seconds
        while sum(account["messages"] for account in self.accounts()) < count:
            if time.monotonic() > end or self.process.poll() is not None:
                said = self.log.read_text("utf-8")
                raise SystemExit(f"the stream did not account for {count} messages\n{said}")
            time.sleep(0.2)

    def stop(self) -> int:
        """Ask it to end; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


@contextmanager
def emulator() -> Iterator[None]:
    """Pub/Sub's emulator, named in the environment."""
    with pubsub_emulator() as host:
        os.environ["PUBSUB_EMULATOR_HOST"] = host
        yield


@contextmanager
def streaming(folder: Path, model: str, max_wait_seconds: float) -> Iterator[Stream]:
    """Start the command and wait until a first message went through it."""
    channel = new_channel()
    output = folder / f"out-{max_wait_seconds:g}"
    command = [
        *(sys.executable, "-m", "beam_audio", "run", f"--model={model}", f"--output={output}"),
        *(f"--subscription={channel.subscription}", f"--max_wait_seconds={max_wait_seconds:g}"),
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    log = output.with_name(f"{output.name}.log")
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stderr=file, start_new_session=True)
    try:
        stream = Stream(process, channel.topic, output, log)
        with PublisherClient() as publisher:
            publisher.publish(channel.topic, clip(0), **attributes("first")).result()
        stream.await_messages(1, STOP_SECONDS + max_wait_seconds)
        yield stream
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Publisher(threading.Thread):
    """Publishes messages at random moments, at an average rate, until it is stopped.

    Args:
        topic: Where to.
        rate: Messages a second.
        message: The data and attributes of each, by its number from 1.
    """

    def __init__(
        self, topic: str, rate: float, message: Callable[[int], tuple[bytes, dict[str, str]]]
    ) -> None:
        super().__init__(daemon=True)
        self.sent: list[Sent] = []
        self._topic = topic
        self._rate = rate
        self._message = message
        self._ended = threading.Event()

    def run(self) -> None:
        """Publish."""
        moments = random.Random(7)
        due = time.monotonic()
        with PublisherClient() as publisher:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                data, given = self._message(len(self.sent) + 1)
                self.sent.append(Sent(given.get("uri", ""), time.time()))
                publisher.publish(self._topic, data, **given)
                due += moments.expovariate(self._rate)

    def end(self) -> None:
        """Stop after the emulator has received every message."""
        self._ended.set()
        self.join()


def clip(index: int) -> bytes:
    """A second of speech at telephone rate as L16, cut at a place of its own."""
    speech = _telephone()
    places = len(speech) - RATE_HZ
    cut = speech[index * 7919 % places :][:RATE_HZ].copy()
    cut[-1] = index // places
    return cut.astype(">i2").tobytes()


def attributes(uri: str) -> dict[str, str]:
    """Attributes of a message with such a clip."""
    return {"content_type": f"audio/L16;rate={RATE_HZ}", "uri": uri}


@cache
def _telephone() -> NDArray[np.int16]:
    samples, rate_hz = soundfile.read(CLIP, dtype="int16")
    return np.asarray(samples[:: rate_hz // RATE_HZ], np.int16)
