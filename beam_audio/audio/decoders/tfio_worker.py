"""The program of ``--decoder=tfio``: decodes with tensorflow-io for its parent, frames by frames.

Its first message is ``{"ready"}``, or ``{"missing"}`` where the library cannot run. It answers
each request, a JSON list, with a line of JSON and a payload behind it:

* ``["open"]``, with the encoded file beside it: ``{"rate", "channels", "frames", "dtype"}``;
* ``["read", start, stop]``: nothing, and the frames as they are in ``dtype``;
* either: ``{"error"}``, or ``{"memory"}``: whether the child's own limit refused memory.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from beam_audio.child import connect, own_limit_refused_memory

if TYPE_CHECKING:
    from beam_audio.child import Connection

_GRAPH_NAMES = re.compile(r"\{\{.*?\}\}|\[Op:.*?\]")
"""Names of TensorFlow operations."""

_PLACE = re.compile(r"[:;]?\s*/proc/self/fd/\d+\s*[:;]?")


class _Decoder:
    """The library and the file that it is at."""

    def __init__(self) -> None:
        """Load the library: seconds.

        Raises:
            Exception: It is not there, or TensorFlow is another one than it was built for.
        """
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import tensorflow as tf  # noqa: PLC0415  heavy, and only in the child
        import tensorflow_io as tfio  # noqa: PLC0415

        tf.config.set_visible_devices([], "GPU")
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self._open: Any = tfio.audio.AudioIOTensor
        self._audio: Any = None

    def answer(self, verb: str, *places: int) -> tuple[dict[str, Any], bytes]:
        """Open the file of a descriptor, or read frames of it."""
        if verb == "open":
            self._audio = self._open(f"/proc/self/fd/{places[0]}")
            frames, channels = (int(size) for size in self._audio.shape)
            rate, dtype = int(self._audio.rate), self._audio.dtype.name
            return {"rate": rate, "channels": channels, "frames": frames, "dtype": dtype}, b""
        start, stop = places
        return {}, self._audio[start:stop].numpy().tobytes()


def _serve(decoder: _Decoder, parent: Connection) -> None:
    """Answer each request until the parent goes."""
    files: tuple[int, ...] = ()
    while True:
        message = parent.receive()
        request = json.loads(message.data)
        if message.files:
            for file in files:
                os.close(file)
            files = message.files
            request += files
        payload = b""
        try:
            reply, payload = decoder.answer(*request)
        except MemoryError:
            reply = {"memory": own_limit_refused_memory()}
        except Exception as error:  # noqa: BLE001  the parent reports it
            reply = {"error": _said(error)}
        parent.send(json.dumps(reply).encode() + b"\n" + payload)


def _said(error: Exception) -> str:
    """What went wrong without what differs from run to run."""
    if isinstance(error, UnicodeDecodeError):
        return "the header is damaged"
    return _PLACE.sub("", _GRAPH_NAMES.sub("", str(error))).strip() or type(error).__name__


def main() -> None:
    """Serve until the parent goes."""
    parent = connect()
    try:
        decoder = _Decoder()
    except Exception as error:  # noqa: BLE001  a wrong TensorFlow fails in many ways
        parent.send(json.dumps({"missing": str(error)}).encode() + b"\n")
        return
    parent.send(b'{"ready": true}\n')
    try:
        _serve(decoder, parent)
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    main()
