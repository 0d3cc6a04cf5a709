"""The log of a stream as JSON lines: 30 messages, one of them broken, an idle minute, SIGTERM.

    python docs/demo/stream_log.py

Starts Pub/Sub's emulator; docs/operations.md shows what it prints.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))  # the tests start the same emulator

from support.pubsub_emulator import new_channel, publish, pubsub_emulator  # noqa: E402

_DEMO: Final = ROOT / "beam_audio" / "data" / "demo"
_CLIPS: Final = (_DEMO / "river.wav", _DEMO / "lake.mp3", _DEMO / "greenhouse.flac")
_MESSAGES: Final = 30
_LIMIT_SECONDS: Final = 600


def main() -> None:
    """Run the stream and print what it logs."""
    with tempfile.TemporaryDirectory() as folder, pubsub_emulator() as host:
        os.environ["PUBSUB_EMULATOR_HOST"] = host
        channel = new_channel("calls")
        log = Path(folder, "log")
        with log.open("wb") as file:
            stream = subprocess.Popen(
                [
                    *(sys.executable, "-m", "beam_audio", "run", "--model=whisper-tiny.en"),
                    *(f"--subscription={channel.subscription}", "--output=out"),
                    *("--max_wait_seconds=5", "--log_format=json"),
                ],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stderr=file,
            )
        try:
            _wait_for("ready", log, stream)
            publish(channel.topic, *map(_message, range(1, _MESSAGES + 1)))
            _wait_for("idle", log, stream)
            stream.send_signal(signal.SIGTERM)
            status = stream.wait(_LIMIT_SECONDS)
        finally:
            stream.kill()
        print(log.read_text("utf-8"), end="")
    raise SystemExit(status)


def _message(number: int) -> tuple[bytes, dict[str, str]]:
    """A clip under a name of its own; the last is no audio."""
    clip = _CLIPS[number % len(_CLIPS)]
    data = b"broken" if number == _MESSAGES else clip.read_bytes()
    kind = clip.suffix.removeprefix(".")
    return data, {"content_type": f"audio/{kind}", "uri": f"calls/{number}.{kind}"}


def _wait_for(event: str, log: Path, stream: subprocess.Popen[bytes]) -> None:
    """Wait until the log names an event."""
    end = time.monotonic() + _LIMIT_SECONDS
    while not any(json.loads(line)["event"] == event for line in log.read_text().splitlines()):
        if time.monotonic() > end or stream.poll() is not None:
            raise SystemExit(f"no event {event!r} in the log:\n{log.read_text('utf-8')}")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
