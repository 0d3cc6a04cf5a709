"""The Pub/Sub emulator of Google's SDK on a free loopback port, and topics of one's own in it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from support.free_ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

START_SECONDS = 60
ACK_DEADLINE_SECONDS = 10
PROJECT = "project-1"  # Beam takes no shorter names than Google gives
_PLACES = ("/usr/lib/google-cloud-sdk", "/opt/google-cloud-sdk", "/google-cloud-sdk")


@dataclass(frozen=True)
class Channel:
    """A topic and a subscription to it."""

    topic: str
    subscription: str


def emulator_program() -> Path:
    """The emulator's start script."""
    found = shutil.which("gcloud")
    roots = [Path(found).resolve().parents[1]] if found else []
    for root in [*roots, *map(Path, _PLACES)]:
        program = root / "platform" / "pubsub-emulator" / "bin" / "cloud-pubsub-emulator"
        if program.is_file():
            return program
    raise FileNotFoundError(
        "the Pub/Sub emulator is not installed: gcloud components install pubsub-emulator, or the "
        "Debian package google-cloud-cli-pubsub-emulator"
    )


@contextmanager
def pubsub_emulator(port: int = 0) -> Iterator[str]:
    """Start the emulator on a free port or this one; yields what is ``PUBSUB_EMULATOR_HOST``."""
    port = port or free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [str(emulator_program()), "--host=127.0.0.1", f"--port={port}"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _await(port, process)
            yield f"127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError("the Pub/Sub emulator ended while it was starting")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"the Pub/Sub emulator was not there after {START_SECONDS} s")


def new_channel(name: str = "", **options: object) -> Channel:
    """A topic and a subscription with this name or one of their own, and options of Pub/Sub's.

    ``PUBSUB_EMULATOR_HOST`` is set.
    """
    name = name or f"t{uuid.uuid4().hex[:8]}"
    channel = Channel(
        f"projects/{PROJECT}/topics/{name}", f"projects/{PROJECT}/subscriptions/{name}"
    )
    with PublisherClient() as publisher:
        publisher.create_topic(name=channel.topic)
    with SubscriberClient() as subscriber:
        request = {
            "name": channel.subscription,
            "topic": channel.topic,
            "ack_deadline_seconds": ACK_DEADLINE_SECONDS,
        }
        subscriber.create_subscription(request=request | options)
    return channel


def publish(topic: str, *messages: tuple[bytes, dict[str, str]]) -> list[str]:
    """Publish messages; their ids."""
    with PublisherClient() as publisher:
        futures: list[Any] = [
            publisher.publish(topic, data, **attributes) for data, attributes in messages
        ]
        return [str(future.result()) for future in futures]


def publish_over(
    topic: str, messages: Sequence[tuple[bytes, dict[str, str]]], seconds: float
) -> list[str]:
    """Publish messages one by one, evenly over some time; their ids."""
    with PublisherClient() as publisher:
        futures: list[Any] = []
        start = time.monotonic()
        for number, (data, attributes) in enumerate(messages, 1):
            futures.append(publisher.publish(topic, data, **attributes))
            time.sleep(max(0.0, start + number * seconds / len(messages) - time.monotonic()))
        return [str(future.result()) for future in futures]
