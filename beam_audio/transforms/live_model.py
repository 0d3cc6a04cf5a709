"""The model of the units: one for a whole batch; for a stream, one that may be exchanged."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from beam_audio import store
from beam_audio.asr import ModelFacts, Recognizer
from beam_audio.asr.remote_model import local_model
from beam_audio.errors import BeamAudioError, ModelError
from beam_audio.models.card import has_card
from beam_audio.types import StoredFile
from beam_audio.unit.recognise import require_alive
from beam_audio.unit.work import UnitSettings

if TYPE_CHECKING:
    from beam_audio.transforms.transcribe import OnnxAsrModelHandler

LOOK_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 600.0
_LOG: Final = logging.getLogger(__name__)

SettingsFor = Callable[[ModelFacts], UnitSettings]
Choice = tuple[UnitSettings, Recognizer]
"""What a unit is done with, from start to end."""


class FixedModel:
    """The model of a batch.

    Args:
        settings: What the rows depend on.
        handler: The model these settings are for.
    """

    def __init__(self, settings: UnitSettings, handler: OnnxAsrModelHandler) -> None:
        self._settings = settings
        self._handler = handler

    def acquire(self) -> Callable[[], Choice]:
        """What gives each unit the one model of this process, which is loaded here.

        Raises:
            ModelError: It cannot be had, or is another one than when the run began.
        """
        recognizer = self._handler.acquire()
        began_with, found = self._settings.rows.model_sha256, recognizer.facts.model_sha256
        if found != began_with:
            raise ModelError(
                f"--model={self._handler.model} holds another model, {found}, than when the run "
                f"began, {began_with}: a batch has one from start to end; run it again"
            )
        choice = (self._settings, recognizer)
        return lambda: choice


class LiveModel:
    """The model of a stream: when its folder holds another one, that is for the units to come.

    A name of a card stands for one model and is not looked at. Each process looks for itself.

    Args:
        settings_for: Settings for a model, from facts of it; raises when it does not fit the flags.
        handler: The model.
        look_seconds: How often its folder is looked at, and how long a changed folder must have
            rested: until then somebody may be writing to it.
    """

    def __init__(
        self,
        settings_for: SettingsFor,
        handler: OnnxAsrModelHandler,
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._settings_for = settings_for
        self._handler = handler
        self._look_seconds = look_seconds
        self._shared = Shared()

    def acquire(self) -> Callable[[], Choice]:
        """What gives each unit the model there is when it begins; the first is loaded here.

        Copies made by pickling share one model a process, for as long as somebody holds this.

        Raises:
            BeamAudioError: There is no model yet, and the one in the folder cannot be had.
        """
        watch: _Watch = self._shared.acquire(
            lambda: _Watch(self._settings_for, self._handler, self._look_seconds)
        )
        return watch.choose


class _Watch:
    """The model in use in this process, and what is known of its folder."""

    def __init__(
        self, settings_for: SettingsFor, handler: OnnxAsrModelHandler, look_seconds: float
    ) -> None:
        self._settings_for = settings_for
        self._handler = handler
        self._look_seconds = look_seconds
        self._lock = threading.Lock()
        self._files = model_files(handler.model)
        self._choice = self._load(self._files)
        self._refused: list[StoredFile] | None = None
        self._retry_at = 0.0
        self._look_at = time.monotonic() + look_seconds

    def choose(self) -> Choice:
        """The model for the next unit; while one thread loads another, the rest go on with it."""
        if self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._choice

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + self._look_seconds
        try:
            files = model_files(self._handler.model)
        except (BeamAudioError, OSError) as error:
            self._refuse([], error)
            return
        if files == self._files:
            self._refused = None
            return
        changed = max((file.last_updated_in_seconds for file in files), default=0.0)
        is_young = abs(time.time() - changed) < self._look_seconds
        if is_young or (files == self._refused and now < self._retry_at):
            return
        try:
            self._exchange(files, self._load(files))
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not cost the unit
            self._refuse(files, error)

    def _load(self, files: list[StoredFile]) -> Choice:
        """Load what is in the folder and prove it.

        Raises:
            BeamAudioError: It is no model, damaged, changed meanwhile, or does not fit the flags.
        """
        name = local_model(self._handler.model)
        if not has_card(name):
            name = str(Path(name).expanduser().resolve())  # all of it from where a link leads now
        recognizer = self._handler.load_from(name)
        require_alive(recognizer)
        settings = self._settings_for(recognizer.facts)
        if model_files(self._handler.model) != files:
            raise ModelError(f"{name} changed while it was read")
        return settings, recognizer

    def _exchange(self, files: list[StoredFile], choice: Choice) -> None:
        before, after = self._choice[0].rows, choice[0].rows
        self._files, self._refused = files, None
        if (before.model_id, before.model_sha256) == (after.model_id, after.model_sha256):
            return  # a file that does not matter was added, or the same ones were put there again
        self._choice = choice
        Metrics.counter("beam_audio", "exchanged_models").inc()
        _LOG.info(
            "--model=%s: %s %s is exchanged for %s %s",
            self._handler.model,
            *(before.model_id, before.model_sha256),
            *(after.model_id, after.model_sha256),
        )

    def _refuse(self, files: list[StoredFile], error: Exception) -> None:
        """Say why, once for each state of the folder.

        It is tried again later: what failed may have been memory, disk or network.
        """
        if files != self._refused:
            Metrics.counter("beam_audio", "refused_models").inc()
            _LOG.warning(
                "--model=%s is refused: %s; %s goes on",
                self._handler.model,
                str(error) if isinstance(error, BeamAudioError) else repr(error),
                self._choice[0].rows.model_id,
            )
        self._refused = files
        self._retry_at = time.monotonic() + _RETRY_SECONDS


def model_files(model: str) -> list[StoredFile]:
    """The files of a model's folder, by path; none for a card, which stands for one model.

    Nothing is read. A folder that is replaced or written to gives other files: of local ones the
    time of change of the file itself counts too, which copying does not preserve.

    Raises:
        StoreError: A bucket cannot be listed.
        OSError: A folder cannot be listed.
    """
    if has_card(model):
        return []
    if store.scheme(model) is not None:
        return sorted(store.files_under(model), key=lambda file: file.path)
    folder = Path(model).expanduser().resolve()
    return [_local_file(path) for path in sorted(folder.rglob("*")) if path.is_file()]


def _local_file(path: Path) -> StoredFile:
    stat = path.stat()
    version = f"{stat.st_mtime_ns}/{stat.st_ctime_ns}"
    return StoredFile(str(path), stat.st_size, stat.st_ctime, version)
