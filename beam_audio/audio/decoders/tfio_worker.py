"""The child process of ``--decoder=tfio``: a script that imports nothing of this package.

It answers each line of standard input, a JSON list, with a JSON line on standard output:

* ``["open", path]`` is answered with ``{"rate", "channels", "frames", "dtype"}``;
* ``["read", start, stop]`` with ``{"bytes"}`` and as many bytes: float32 frames, full scale 1.0;
* either with ``{"error"}``. The first reply is ``{"missing"}`` where the library cannot run.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any, BinaryIO

_GRAPH_NAMES = re.compile(r"\{\{.*?\}\}|\[Op:.*?\]")


def _load() -> Any:  # noqa: ANN401  an untyped library
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf  # noqa: PLC0415  heavy, and only in the child
    import tensorflow_io as tfio  # noqa: PLC0415

    tf.config.set_visible_devices([], "GPU")
    return tfio


def _read(audio: Any, start: int, stop: int) -> bytes:  # noqa: ANN401  an untyped library
    frames = audio[start:stop].numpy()
    samples = frames.astype("float32")
    if frames.dtype.kind == "u":
        samples = (samples - 128.0) / 128.0
    elif frames.dtype.kind == "i":
        samples /= 2.0 ** (8 * frames.dtype.itemsize - 1)
    return bytes(samples.tobytes())


def _serve(tfio: Any, requests: BinaryIO, replies: BinaryIO) -> None:  # noqa: ANN401
    """Answer each request until there are no more."""
    audio: Any = None
    for line in requests:
        verb, *arguments = json.loads(line)
        payload = b""
        try:
            if verb == "open":
                audio = tfio.audio.AudioIOTensor(arguments[0])
                frames, channels = (int(size) for size in audio.shape)
                reply = {
                    "rate": int(audio.rate),
                    "channels": channels,
                    "frames": frames,
                    "dtype": audio.dtype.name,
                }
            else:
                payload = _read(audio, *arguments)
                reply = {"bytes": len(payload)}
        except Exception as error:  # noqa: BLE001  the parent reports it
            reply = {"error": _GRAPH_NAMES.sub("", str(error)).strip()}
            payload = b""
        replies.write(json.dumps(reply).encode() + b"\n" + payload)
        replies.flush()


def main() -> None:
    """Serve until standard input ends."""
    # The libraries print to standard output too; that must not end up between the replies.
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        tfio = _load()
    except Exception as error:  # noqa: BLE001  a wrong TensorFlow fails in many ways
        replies.write(json.dumps({"missing": str(error)}).encode() + b"\n")
        replies.flush()
        return
    _serve(tfio, sys.stdin.buffer, replies)


if __name__ == "__main__":
    main()
