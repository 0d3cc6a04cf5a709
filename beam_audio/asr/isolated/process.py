"""One process with a loaded model; several threads may give it batches at the same time."""

from __future__ import annotations

import logging
import socket
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio.asr.isolated.messages import (
    clips_of,
    error_in,
    pack,
    requests_content,
    shared,
    transcripts_in,
    unpack,
)
from beam_audio.asr.recognizer import BatchLimits
from beam_audio.child import Child, ChildEnded, ChildHangs, Connection
from beam_audio.errors import MachineError, is_out_of_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.asr.isolated.messages import Content
    from beam_audio.asr.model_options import ModelOptions
    from beam_audio.asr.recognizer import Request
    from beam_audio.child import Ending
    from beam_audio.types import Transcript

_PROGRAM: Final = "beam_audio.asr.isolated.program"
VISIBLE_GPUS: Final = "CUDA_VISIBLE_DEVICES"
"""The environment variable by which CUDA shows a process some GPUs, or parts of one (MIG)."""

_LOADING: Final = 0
"""The number of the message that names the model; batches count from 1."""

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loss:
    """Why a process is no longer there.

    Attributes:
        cause: A signal's name, an exit status, or ``no answer``.
        hung: Whether it hung.
        by_machine: Whether somebody else ended it, or it could not have memory.
    """

    cause: str
    hung: bool = False
    by_machine: bool = False

    def __str__(self) -> str:
        return self.cause


class ProcessLost(Exception):  # noqa: N818 - it is no error of this process
    """The process ended, or was ended because it hung, before it answered.

    Attributes:
        loss: Why.
        was_alone: Whether the batch is the only one that the process ever began.
    """

    def __init__(self, loss: Loss, *, was_alone: bool = False) -> None:
        super().__init__(loss.cause)
        self.loss = loss
        self.was_alone = was_alone


class ModelProcess:
    """A process with a loaded model.

    Attributes:
        loaded: What it said of its model.
        batch_limits: How much it is given at a time; another process may have measured otherwise.
    """

    def __init__(
        self,
        name_or_dir: str,
        options: ModelOptions,
        hang_seconds: float,
        gpu: str | None = None,
    ) -> None:
        """Start it and wait until the model is loaded.

        Args:
            name_or_dir: Name of a card, or a folder.
            options: How the model is loaded and used.
            hang_seconds: How long it may leave a batch unanswered without computing.
            gpu: Name of the only GPU that CUDA shows it; None shows it all of ours.

        Raises:
            MachineError: The process cannot be started.
            ProcessLost: It ended meanwhile.
            Exception: The model cannot be loaded, as ``load_model`` says.
        """
        self._hang_seconds = hang_seconds
        self._answers: dict[int, Future[Content]] = {}
        self._last_number = _LOADING
        self._begun: list[int] = []  # the first two batches
        self._loss: Loss | None = None
        self._changing = threading.Lock()
        self._sending = threading.Lock()
        try:
            self._child = Child(_PROGRAM, environment={VISIBLE_GPUS: gpu} if gpu else {})
            ours, theirs = socket.socketpair()
        except OSError as error:
            raise MachineError(f"no process for {name_or_dir} can be started: {error}") from error
        self._batches = Connection(ours)
        loading = self._answers[_LOADING] = Future()
        order = {
            "number": _LOADING,
            "model": name_or_dir,
            "options": asdict(options),
            "folder": str(Path.cwd()),  # a model's folder and the cache may be named from here
            "log_level": _LOG.getEffectiveLevel(),
        }
        threading.Thread(
            target=self._listen, args=(pack(order), theirs), name="recogniser", daemon=True
        ).start()
        try:
            said = _result(loading)
        except BaseException:
            self.stop()
            raise
        self.loaded: Content = said["loaded"]
        self.batch_limits = BatchLimits(**said["batch_limits"])

    @property
    def is_lost(self) -> bool:
        """Whether it has ended."""
        return self._loss is not None

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        """Recognise a batch.

        Raises:
            MachineError: The batch cannot be handed over.
            ProcessLost: The process ended meanwhile.
            Exception: As the recogniser raised it, see ``error_in``.
        """
        answer: Future[Content] = Future()
        with self._changing:
            if self._loss is not None:
                raise ProcessLost(self._loss)
            self._last_number += 1
            number = self._last_number
            self._answers[number] = answer
        message = pack({"number": number, "requests": requests_content(requests)})
        try:
            # How the process ended is known to the listener.
            with shared(clips_of(requests)) as clips, self._sending, suppress(ConnectionError):
                self._batches.send(message, [clips])
        except OSError as error:
            with self._changing:
                self._answers.pop(number, None)
            raise MachineError(f"a batch cannot be handed to the recogniser: {error}") from error
        return transcripts_in(_result(answer)["transcripts"])

    def stop(self) -> None:
        """Have it end."""
        self._batches.close()

    def _listen(self, order: bytes, theirs: socket.socket) -> None:
        """Take answers until the process has ended. No other thread uses the child."""
        hung = by_machine = False
        try:
            with theirs:
                self._child.send(order, [theirs.fileno()])
            while True:
                message = self._child.receive(self._progress, hang_seconds=self._hang_seconds)
                self._take(unpack(message.data))
        except ChildEnded as end:
            cause, by_machine = end.ending.cause, _is_the_machines(end.ending)
        except ChildHangs:
            cause, hung = "no answer", True
        except Exception:  # noqa: BLE001 - damaged memory says anything
            _LOG.exception("the recogniser's process says what cannot be understood")
            cause = "an answer that cannot be read"
        self._child.stop()
        with self._changing:
            self._loss = Loss(cause, hung=hung, by_machine=by_machine)
            waiting, self._answers = self._answers, {}
        for number, answer in waiting.items():
            answer.set_exception(ProcessLost(self._loss, was_alone=self._begun == [number]))

    def _take(self, content: Content) -> None:
        if "log" in content:
            name, level, text = content["log"]
            logging.getLogger(name).log(level, "%s", text)
            return
        if "begun" in content:
            self._begun = [*self._begun, content["begun"]][:2]
            return
        with self._changing:
            answer = self._answers.pop(content["number"])
        answer.set_result(content)

    def _progress(self) -> object:
        """Something that changes as long as it computes, or is asked for nothing."""
        is_asked = self._answers and _LOADING not in self._answers
        return _cpu_time(self._child.process_id) if is_asked else object()


def _result(answer: Future[Content]) -> Content:
    content = answer.result()
    if "error" in content:
        raise error_in(content["error"])
    return content


def _is_the_machines(ending: Ending) -> bool:
    if ending.last_words:
        _LOG.warning("the recogniser's process ended (%s): %s", ending.cause, ending.last_words)
    # Native code that can have no memory often aborts, by a signal of its own.
    return ending.from_outside or is_out_of_memory(RuntimeError(ending.last_words))


def _cpu_time(process_id: int) -> object:
    """CPU time of a process so far, all of its threads together."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text("utf-8")
    except OSError:
        return object()  # it has ended, or there is no /proc
    return stat.rpartition(")")[2].split()[11:13]
