"""How who speaks in a clip sounds, as in rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile

from beam_audio.speakers.networks import find_model
from beam_audio.speakers.people import directions_of
from beam_audio.unit.clip_speaker import clip_speaker

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.shared
def test_one_person_in_two_clips_sounds_alike(shared_data: Path, shared_models: Path) -> None:
    heard = []
    for name in ("1688-142285-0003", "1688-142285-0006", "1998-15444-0001"):
        place = str(shared_data / "librispeech" / f"{name}.flac")
        model_id, embedding = clip_speaker(place, str(shared_models))
        assert model_id == find_model(str(shared_models)).model_id
        assert embedding is not None
        heard.append(embedding)
    first, again, other = directions_of(heard)
    assert first @ again > 0.7
    assert first @ other < 0.4


@pytest.mark.shared
def test_who_speaks_longest_counts(shared_data: Path, shared_models: Path, tmp_path: Path) -> None:
    folder = shared_data / "librispeech"
    long, rate_hz = soundfile.read(folder / "1688-142285-0003.flac", dtype="float32")
    short, _ = soundfile.read(folder / "1998-15444-0001.flac", dtype="float32")
    joined = np.concatenate([short[rate_hz : 3 * rate_hz], long])
    soundfile.write(tmp_path / "both.wav", joined, rate_hz)
    _, found = clip_speaker(str(tmp_path / "both.wav"), str(shared_models))
    _, alone = clip_speaker(str(folder / "1688-142285-0003.flac"), str(shared_models))
    first, again = directions_of([found or b"", alone or b""])
    assert first @ again > 0.9


@pytest.mark.shared
def test_nobody_is_heard_in_silence(shared_models: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.wav", np.zeros(16_000), 16_000)
    assert clip_speaker(str(tmp_path / "silence.wav"), str(shared_models))[1] is None
