"""The process of a recogniser: ``python -P -m beam_audio.asr.isolated.program``, without Beam.

Its first message names the model and brings a socket. Each message on that socket is a batch. On
the connection of the first, the program says that it begins a batch, and then answers it. Batches
that overlap are recognised at the same time. What is logged here is logged by the parent.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import numpy as np

from beam_audio.asr.isolated.messages import (
    error_content,
    facts_content,
    pack,
    requests_in,
    samples_in,
    transcripts_content,
    unpack,
)
from beam_audio.asr.model_options import ModelOptions
from beam_audio.asr.registry import load_model
from beam_audio.child import Connection, connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.asr.isolated.messages import Content
    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.child import Message

    Answer = Callable[[Content], None]

COST_STEP_SECONDS: Final = 0.1
"""The parent is told the cost of clips of every multiple of this length."""

_MOST_BATCHES: Final = 64
_SWITCH_SECONDS: Final = 0.0005
"""A thread that has a GPU's next token waits no longer for one that works out words."""


class _Relay(logging.Handler):
    """Has the parent log what is logged here."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self._answer = answer

    def emit(self, record: logging.LogRecord) -> None:
        self._answer({"log": [record.name, record.levelno, self.format(record)]})


def main() -> None:
    """Load a model and recognise batches until the parent wants no more."""
    parent = connect()
    first = parent.receive()
    (place,) = first.files
    batches = Connection(socket.socket(fileno=place))
    whole = threading.Lock()

    def answer(content: Content) -> None:
        message = pack(content)
        with whole:
            parent.send(message)

    content = unpack(first.data)
    logging.getLogger().addHandler(_Relay(answer))
    logging.getLogger().setLevel(content["log_level"])
    logging.captureWarnings(capture=True)
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        os.chdir(content["folder"])
        recognizer = load_model(content["model"], ModelOptions(**content["options"]))
        answer(
            {
                "number": content["number"],
                "loaded": _described(recognizer),
                "batch_limits": asdict(recognizer.batch_limits),
            }
        )
    except Exception as error:  # noqa: BLE001 - the parent raises it
        answer({"number": content["number"], "error": error_content(error)})
    else:
        _serve(recognizer, batches, answer)


def _described(recognizer: Recognizer) -> Content:
    lengths = np.arange(0.0, recognizer.facts.max_seconds + COST_STEP_SECONDS, COST_STEP_SECONDS)
    return {
        "facts": facts_content(recognizer.facts),
        "provider": recognizer.provider,
        "passage_seconds": recognizer.passage_seconds,
        "costs": [recognizer.cost_seconds(length) for length in lengths.tolist()],
    }


def _serve(recognizer: Recognizer, batches: Connection, answer: Answer) -> None:
    with ThreadPoolExecutor(_MOST_BATCHES) as threads:
        while True:
            try:
                message = batches.receive()
            except EOFError:
                os._exit(0)  # nobody waits for the batches in progress
            threads.submit(_recognise, recognizer, message, answer)


def _recognise(recognizer: Recognizer, message: Message, answer: Answer) -> None:
    content = unpack(message.data)
    answer({"begun": content["number"]})
    try:
        requests = requests_in(content["requests"], samples_in(message.files))
        heard = recognizer.transcribe(requests)
        answer({"number": content["number"], "transcripts": transcripts_content(heard)})
    except BaseException as error:  # noqa: BLE001 - the parent waits for an answer
        answer({"number": content["number"], "error": error_content(error)})


if __name__ == "__main__":
    main()
