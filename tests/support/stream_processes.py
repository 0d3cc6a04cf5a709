"""Streams as separate processes, and what they have written so far."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from support.pubsub_emulator import Channel

STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Stream:
    """A process group that reads a subscription; what it prints and logs goes into a file."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """End it at once, with all processes it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def interrupt(self) -> None:
        """Press Ctrl-C on its terminal."""
        os.killpg(self.process.pid, signal.SIGINT)

    def stop(self) -> int:
        """Ask it to end; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def wait_until(self, is_so: Callable[[], bool], limit_seconds: float) -> None:
        """Wait until the stream has done something.

        Raises:
            TimeoutError: It did not happen; the process is ended.
        """
        end = time.monotonic() + limit_seconds
        while not is_so():
            if time.monotonic() > end or self.process.poll() is not None:
                self.kill()
                raise TimeoutError(f"not so after {limit_seconds} s; it said:\n{self.printed()}")
            time.sleep(0.01)

    def printed(self) -> str:
        """What it printed, and its log if that has no file of its own."""
        return self.log.read_text("utf-8")


def start_stream(
    channel: Channel,
    output: Path,
    *flags: str,
    program: Sequence[str] = ("-m", "beam_audio"),
    complaints: Path | None = None,
) -> Stream:
    """Start the command with the placeholder; ``PUBSUB_EMULATOR_HOST`` is set.

    Its log goes into a file of its own if one is named.
    """
    log = output.with_name(f"{output.name}-{time.monotonic_ns()}.log")
    command = [
        *(sys.executable, *program, "run", "--model=placeholder"),
        *(f"--subscription={channel.subscription}", f"--output={output}", *flags),
    ]
    paths = filter(None, [os.environ.get("PYTHONPATH")])
    with log.open("wb") as file, ExitStack() as stack:
        process = subprocess.Popen(
            command,
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *paths])},
            stdout=file,
            stderr=stack.enter_context(complaints.open("wb")) if complaints else file,
            start_new_session=True,
        )
    return Stream(process, log)


def committed_sources(output: Path) -> set[str]:
    """Ids of all inputs that commit records name."""
    return {
        source_id
        for path in (output / "_units").glob("*.json")
        for source_id in json.loads(path.read_text("utf-8"))["sources"]
    }


def closed_messages(output: Path) -> int:
    """Messages in all ledgers of intervals; a message that came again is counted again."""
    ledgers = (output / "ledger").glob("*.json")
    return sum(json.loads(path.read_text("utf-8"))["messages"] for path in ledgers)
