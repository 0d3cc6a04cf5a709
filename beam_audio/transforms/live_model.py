"""The model of the units: a batch has one; a stream's may be exchanged while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from beam_audio.errors import ModelError
from beam_audio.stream.model_watch import ModelWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from beam_audio.asr.recognizer import Recognizer
    from beam_audio.stream.model_watch import Choice, SettingsFor
    from beam_audio.transforms.transcribe import OnnxAsrModelHandler
    from beam_audio.unit.unit_settings import UnitSettings

LOOK_SECONDS: Final = 30.0


class FixedModel:
    """The model of a batch.

    Args:
        settings: Settings of the units.
        handler: The model these settings are for.
    """

    def __init__(self, settings: UnitSettings, handler: OnnxAsrModelHandler) -> None:
        self._settings = settings
        self._handler = handler

    def acquire(self) -> Callable[[], Choice]:
        """Load the model of this process; returns a function that gives it to each unit.

        Raises:
            ModelError: The model cannot be loaded, or is not the one the run began with.
        """
        recognizer = _as_begun(self._handler, "model", self._settings.rows.model_sha256)
        choice = (self._settings, recognizer)
        return lambda: choice


class SecondModel:
    """The model that gives a second opinion: the same from the start of a run to its end.

    Args:
        model_sha256: The model that the run began with.
        handler: Loads it.
    """

    def __init__(self, model_sha256: str, handler: OnnxAsrModelHandler) -> None:
        self._model_sha256 = model_sha256
        self._handler = handler

    def acquire(self) -> Recognizer:
        """Load the model of this process.

        Raises:
            ModelError: The model cannot be loaded, or is not the one the run began with.
        """
        return _as_begun(self._handler, "second_model", self._model_sha256)


class LiveModel:
    """The model of a stream, see :class:`ModelWatch`. Each process watches the folder itself.

    Args:
        settings_for: Settings of a unit for a model; raises if the model does not fit the flags.
        handler: The model.
        look_seconds: Time between two looks at the model's folder.
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
        """Load the model of this process; returns a function that gives each unit the newest one.

        Copies made by pickling share one model per process, as long as one of them is in use.

        Raises:
            BeamAudioError: The first model cannot be loaded.
        """
        watch: ModelWatch = self._shared.acquire(self._watch)
        return watch.choose

    def _watch(self) -> ModelWatch:
        return ModelWatch(
            self._handler.model,
            self._handler.load_from,
            self._settings_for,
            count=lambda name: Metrics.counter("beam_audio", name).inc(),
            look_seconds=self._look_seconds,
        )


def _as_begun(handler: OnnxAsrModelHandler, flag: str, began_with: str) -> Recognizer:
    """The recogniser of a flag; an error if its folder holds another one than at the start."""
    recognizer = handler.acquire()
    found = recognizer.facts.model_sha256
    if found != began_with:
        raise ModelError(
            f"--{flag}={handler.model} holds another model, {found}, than when the run began, "
            f"{began_with}: a run has one from start to end; run it again"
        )
    return recognizer
