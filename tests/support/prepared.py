"""What preparing an input yields, sorted by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from support.unit_runs import WINDOWS, tones

from beam_audio.types import AudioRef, Failure
from beam_audio.unit.clock import StageClock
from beam_audio.unit.events import PreparedSegment, RecordingEnd
from beam_audio.unit.prepare import prepare
from beam_audio.unit.prepare_settings import PrepareSettings

if TYPE_CHECKING:
    from collections.abc import Container

    from beam_audio.unit.events import Event

SETTINGS = PrepareSettings(segments=WINDOWS)
STEREO = np.stack([tones([0.1, 0.2]), tones([0.3, 0.4])], axis=1)


def events(
    source: AudioRef, settings: PrepareSettings = SETTINGS, known: Container[str] = ()
) -> list[Event]:
    return list(prepare(source, settings, StageClock(), known))


def segments(found: list[Event]) -> list[PreparedSegment]:
    return [event for event in found if isinstance(event, PreparedSegment)]


def ends(found: list[Event]) -> list[RecordingEnd]:
    return [event for event in found if isinstance(event, RecordingEnd)]


def only_failure(found: list[Event]) -> Failure:
    (failure,) = (event for event in found if isinstance(event, Failure))
    return failure
