"""Counts the work of a run, call by call, in a file that survives a kill; run, it is the command.

python tests/counted_work.py LOG run --input=… --output=…
"""

from __future__ import annotations

import functools
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import beam_audio.command.cli
from beam_audio.audio.decode import AudioStream
from beam_audio.audio.isolated.stream import IsolatedStream
from beam_audio.transforms.transcribe import OnnxAsrModelHandler
from beam_audio.unit import prepare
from beam_audio.unit.measured import MeasuredChannel
from beam_audio.unit.measured_in_child import measured_in_child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beam_audio.asr import Recognizer
    from beam_audio.unit.measured import Measured

STAGES = ("decoded", "searched", "measured", "heard")
"""Recordings opened; channels searched for speech; segments measured; clips recognised."""


def count_work(log: Path, put: Callable[[Any, str, Any], None] = setattr) -> None:
    """Write a line into ``log`` for each piece of work this process does from now on."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def counted(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any function's
            os.write(descriptor, f"{stage}\n".encode())
            return function(*arguments, **named)

        return call

    for stream in (AudioStream, IsolatedStream):
        put(stream, "blocks", counted("decoded", stream.blocks))

    def measured_counted(*given: Any) -> Iterator[Measured]:  # noqa: ANN401 - as it is
        os.write(descriptor, b"decoded\n")
        for each in measured_in_child(*given):
            stage = b"searched\n" if isinstance(each, MeasuredChannel) else b"measured\n"
            os.write(descriptor, stage)
            yield each

    put(prepare, "measured_in_child", measured_counted)
    load = OnnxAsrModelHandler.load_recognizer

    def load_counted(handler: OnnxAsrModelHandler) -> Recognizer:
        return cast("Recognizer", _Counted(load(handler), descriptor))

    put(OnnxAsrModelHandler, "load_recognizer", load_counted)


class _Counted:
    """A recogniser that counts what it hears; tests share the one below."""

    def __init__(self, recognizer: Recognizer, descriptor: int) -> None:
        self._recognizer, self._descriptor = recognizer, descriptor

    def transcribe(self, requests: Any) -> Any:  # noqa: ANN401 - as it is
        os.write(self._descriptor, b"heard\n" * len(requests))
        return self._recognizer.transcribe(requests)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as it is
        return getattr(self._recognizer, name)


def work_in(log: Path) -> Counter[str]:
    """Pieces of work by stage; a line that was cut off by a kill counts too."""
    return Counter(log.read_text("ascii").split() if log.exists() else ())


if __name__ == "__main__":
    count_work(Path(sys.argv[1]))
    raise SystemExit(beam_audio.command.cli.main(sys.argv[2:]))
