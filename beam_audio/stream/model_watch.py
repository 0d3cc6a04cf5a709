"""The model a stream uses now: it is exchanged when the model's folder holds another one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.asr import ModelFacts, Recognizer
from beam_audio.asr.remote_model import local_model
from beam_audio.errors import BeamAudioError, ModelError
from beam_audio.models.card import has_card
from beam_audio.types import StoredFile
from beam_audio.unit.recognise import require_alive
from beam_audio.unit.unit_settings import UnitSettings

if TYPE_CHECKING:
    from typing import Literal

    Event = Literal["exchanged_models", "refused_models"]

_RETRY_SECONDS: Final = 600.0
_LOG: Final = logging.getLogger(__name__)

SettingsFor = Callable[[ModelFacts], UnitSettings]
Load = Callable[[str], Recognizer]
Choice = tuple[UnitSettings, Recognizer]
"""The settings and the recogniser of one unit, from its start to its end."""


class ModelWatch:
    """The model in use in this process, and the last known state of its folder.

    The folder is looked at before a unit begins. If it holds another model that loads and fits the
    flags, the units to come use that one; otherwise the model in use stays. The name of a card
    means one model and is not looked at.

    Args:
        model: A card's name, a folder, or an address such as ``gs://bucket/model``.
        load: Loads the model of a card or of a folder on this machine.
        settings_for: Settings of a unit for a model; raises if the model does not fit the flags.
        count: Called with the name of a counter at each exchange and each refusal.
        look_seconds: Time between two looks, and how long a changed folder must be left unchanged
            before it is read: until then somebody may be writing to it.

    Raises:
        BeamAudioError: The first model cannot be loaded.
    """

    def __init__(
        self,
        model: str,
        load: Load,
        settings_for: SettingsFor,
        *,
        count: Callable[[Event], None],
        look_seconds: float,
    ) -> None:
        self._model = model
        self._load_from = load
        self._settings_for = settings_for
        self._count = count
        self._look_seconds = look_seconds
        self._lock = threading.Lock()
        self._files = model_files(model)
        self._choice = self._load(self._files)
        self._refused: list[StoredFile] | None = None
        self._retry_at = 0.0
        self._look_at = time.monotonic() + look_seconds

    def choose(self) -> Choice:
        """The model for the next unit; while one thread loads another, the rest keep this one."""
        if self._lock.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._lock.release()
        return self._choice

    def _look(self) -> None:
        """Look at the folder if it is time, and exchange the model if the folder has settled."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + self._look_seconds
        try:
            files = model_files(self._model)
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
        except Exception as error:  # noqa: BLE001 - no error of a new model may cost the unit
            self._refuse(files, error)

    def _load(self, files: list[StoredFile]) -> Choice:
        """Load the model in the folder and check that it works.

        Raises:
            BeamAudioError: It is no model, is damaged, changed meanwhile, or does not fit the
                flags.
        """
        name = local_model(self._model)
        if not has_card(name):
            # Every file is read from the folder that a link leads to at this moment.
            name = str(Path(name).expanduser().resolve())
        recognizer = self._load_from(name)
        require_alive(recognizer)
        settings = self._settings_for(recognizer.facts)
        if model_files(self._model) != files:
            raise ModelError(f"{name} changed while it was read")
        return settings, recognizer

    def _exchange(self, files: list[StoredFile], choice: Choice) -> None:
        before, after = self._choice[0].rows, choice[0].rows
        self._files, self._refused = files, None
        if (before.model_id, before.model_sha256) == (after.model_id, after.model_sha256):
            return  # a file that changes no text was added, or the same files were written again
        self._choice = choice
        self._count("exchanged_models")
        _LOG.info(
            "--model=%s: %s %s is exchanged for %s %s",
            self._model,
            *(before.model_id, before.model_sha256),
            *(after.model_id, after.model_sha256),
        )

    def _refuse(self, files: list[StoredFile], error: Exception) -> None:
        """Log the reason once for each state of the folder, and plan another attempt.

        The cause may have been memory, disk or network.
        """
        if files != self._refused:
            self._count("refused_models")
            _LOG.warning(
                "--model=%s is refused: %s; %s goes on",
                self._model,
                str(error) if isinstance(error, BeamAudioError) else repr(error),
                self._choice[0].rows.model_id,
            )
        self._refused = files
        self._retry_at = time.monotonic() + _RETRY_SECONDS


def model_files(model: str) -> list[StoredFile]:
    """The files of a model's folder, sorted by path; none for a card, which means one model.

    No file is read. A folder that is replaced or written to has other versions of its files. The
    version of a local file includes the time its metadata changed, which copying does not preserve.

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
