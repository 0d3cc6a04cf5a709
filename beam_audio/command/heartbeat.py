"""A line a minute from a stream that closes no interval: it waits, or its work is long."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from beam_audio.command.log_lines import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.stream.progress import StreamProgress, StreamStatus

EVERY_SECONDS: Final = 60.0
_LOOKS: Final = 60
"""The stream is looked at so often from one line to the next."""


@contextmanager
def heartbeat(progress: StreamProgress, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Write a line whenever the stream closed no interval for a time, while the block runs."""
    ended = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(progress, ended, every_seconds), name="heartbeat", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _beat(progress: StreamProgress, ended: threading.Event, every_seconds: float) -> None:
    last = time.time()
    while not ended.wait(every_seconds / _LOOKS):
        status, now = progress.status, time.time()
        last = max(last, status.settled_seconds)
        if now - last >= every_seconds:
            _say(status, now)
            last = now


def _say(status: StreamStatus, now_seconds: float) -> None:
    if status.published_seconds:
        in_flight = len(status.published_seconds)
        took = now_seconds - status.taken_seconds
        oldest = now_seconds - min(status.published_seconds)
        say(
            f"working on {in_flight} messages for {took:.0f} s; the oldest is {oldest:.0f} s old",
            "working",
            run_id=status.run_id,
            messages_in_flight=in_flight,
            oldest_message_age_seconds=round(oldest, 1),
        )
    elif status.run_id:
        answered = now_seconds - status.answered_seconds
        say(
            f"no messages; Pub/Sub answered {answered:.0f} s ago; last commit "
            f"{_shown(status.committed_seconds)}",
            "idle",
            run_id=status.run_id,
            answered_seconds_ago=round(answered, 1),
            last_commit=_shown(status.committed_seconds),
        )
    else:
        say("starting: the model and the output are being checked", "starting")


def _shown(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}" if seconds else "never"
