"""Long recordings: what is saved before their rows, and what a later run does not do again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.unit_runs import (
    Scripted,
    fail_when_loud,
    files,
    hear_loudness,
    read_all,
    ref,
    settings,
    tones,
    transcribe,
    write,
)

from beam_audio.asr.passages import joined
from beam_audio.output.saved_work import saved_folders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.types import AudioRef, Transcript
    from beam_audio.unit.unit_settings import UnitSettings

PART_SECONDS = 4.0
SECONDS = 18
LEVELS = [0.05 * (1 + n % 17) for n in range(SECONDS)]


class Killed(BaseException):
    """The end of a process, as a test brings it about."""


class Counting(Scripted):
    """Hears loudness, and ends the process at a clip."""

    def __init__(self, stop_at: int = 1000, passage_seconds: float = 0.0) -> None:
        super().__init__(passage_seconds=passage_seconds)
        self.heard_seconds = 0.0
        self._stop_at = stop_at

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        for request in requests:
            self.heard_seconds += len(request.samples) / self.facts.sample_rate_hz
        if self.heard_seconds >= self._stop_at:
            raise Killed
        return [self._heard(request) for request in requests]

    def _heard(self, request: Request) -> Transcript:
        if not request.pieces:
            return self.hear(request)
        # What is heard in a piece depends on its neighbours.
        texts = " ".join(self.hear(each).text for each in request.pieces)
        return joined([replace(self.hear(each), text=texts) for each in request.pieces])


def in_parts(**changes: object) -> UnitSettings:
    """Settings of small batches and parts."""
    using = settings(batch_seconds=2.0, **changes)  # type: ignore[arg-type]
    return replace(using, part_seconds=PART_SECONDS)


def kill(out: Path, source: AudioRef, stop_at: int, using: UnitSettings) -> float:
    """Begin a unit and end the process; returns the seconds that were recognised."""
    recognizer = Counting(stop_at)
    with pytest.raises(Killed):
        transcribe(out, source, recognizer=recognizer, using=using)
    return recognizer.heard_seconds


@pytest.fixture
def source(tmp_path: Path) -> AudioRef:
    return ref(write(tmp_path / "long.wav", tones(LEVELS)))


@pytest.mark.parametrize("stops", [(7,), (11, 6, 6), (18,), (2, 9)])
@pytest.mark.parametrize("isolated", [True, False])
def test_a_killed_run_repeats_at_most_a_part_and_a_batch(
    tmp_path: Path, source: AudioRef, stops: tuple[int, ...], *, isolated: bool
) -> None:
    using = in_parts(isolate_decoding=isolated)
    heard = [kill(tmp_path / "killed", source, stop, using) for stop in stops]
    last = Counting()
    transcribe(tmp_path / "killed", source, recognizer=last, using=using)
    assert sum(heard) + last.heard_seconds <= SECONDS + len(stops) * (PART_SECONDS + 2.0)
    transcribe(tmp_path / "whole", source, using=using)
    assert read_all(tmp_path / "killed") == read_all(tmp_path / "whole")
    assert not saved_folders(str(tmp_path / "killed"))
    assert not (tmp_path / "killed" / "_parts").exists()


def test_a_run_killed_before_its_commit_opens_no_audio_again(
    tmp_path: Path, source: AudioRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    using = in_parts()
    with monkeypatch.context() as patch:
        patch.setattr("beam_audio.unit.transcribe.write_commit", killed)
        with pytest.raises(Killed):
            transcribe(tmp_path / "out", source, using=using)
    (tmp_path / "long.wav").rename(tmp_path / "gone.wav")
    last = Counting()
    transcribe(tmp_path / "out", source, recognizer=last, using=using)
    assert last.heard_seconds == 0
    (tmp_path / "gone.wav").rename(tmp_path / "long.wav")
    transcribe(tmp_path / "whole", source, using=using)
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_a_damaged_part_is_recognised_again(tmp_path: Path, source: AudioRef) -> None:
    using = in_parts()
    kill(tmp_path / "out", source, 14, using)
    part = min((tmp_path / "out" / "_parts").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])
    last = Counting()
    transcribe(tmp_path / "out", source, recognizer=last, using=using)
    assert PART_SECONDS <= last.heard_seconds < SECONDS
    transcribe(tmp_path / "whole", source, using=using)
    assert read_all(tmp_path / "out") == read_all(tmp_path / "whole")


def test_rows_do_not_depend_on_parts(tmp_path: Path, source: AudioRef) -> None:
    transcribe(tmp_path / "parts", source, using=in_parts())
    transcribe(tmp_path / "whole", source, using=settings())
    assert read_all(tmp_path / "parts") == read_all(tmp_path / "whole")


def test_passages_go_over_the_ends_of_parts(tmp_path: Path, source: AudioRef) -> None:
    using = in_parts()
    recognizer = Counting(13, passage_seconds=3.0)
    with pytest.raises(Killed):
        transcribe(tmp_path / "killed", source, recognizer=recognizer, using=using)
    last = Counting(passage_seconds=3.0)
    transcribe(tmp_path / "killed", source, recognizer=last, using=using)
    assert last.heard_seconds < SECONDS
    whole = Counting(passage_seconds=3.0)
    transcribe(tmp_path / "whole", source, recognizer=whole, using=using)
    assert read_all(tmp_path / "killed") == read_all(tmp_path / "whole")


@pytest.mark.parametrize("store_audio", ["none", "flac"])
@pytest.mark.parametrize("channels", ["mix", "split"])
def test_channels_stored_audio_and_failures_come_back(
    tmp_path: Path, channels: str, store_audio: str
) -> None:
    def hear(request: Request) -> Transcript:
        return fail_when_loud(request) if is_first else hear_loudness(request)

    is_first = True
    silent = np.zeros(SECONDS * 16_000, np.float32)
    samples = np.stack([tones([*LEVELS[:2], 0.99, *LEVELS[3:]]), silent], axis=1)
    source = ref(write(tmp_path / "two.wav", samples), reference_text="alpha bravo charlie")
    using = in_parts(channels=channels, store_audio=store_audio)
    stop = 12 if channels == "mix" else 26

    class Failing(Counting):
        def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
            super().transcribe(requests)
            return [hear(request) for request in requests]

    with pytest.raises(Killed):
        transcribe(tmp_path / "killed", source, recognizer=Failing(stop), using=using)
    assert saved_folders(str(tmp_path / "killed"))
    last = Failing()
    transcribe(tmp_path / "killed", source, recognizer=last, using=using)
    assert last.heard_seconds < 2 * SECONDS - 8
    transcribe(tmp_path / "whole", source, recognizer=Failing(), using=using)
    assert read_all(tmp_path / "killed") == read_all(tmp_path / "whole")


def test_work_of_other_settings_is_not_taken(tmp_path: Path, source: AudioRef) -> None:
    kill(tmp_path / "out", source, 11, in_parts())
    other = in_parts(layers={**settings().rows.config_layers, "model": "another"})
    recognizer = Counting()
    transcribe(tmp_path / "out", source, recognizer=recognizer, using=other)
    assert recognizer.heard_seconds == SECONDS


def test_other_rules_take_what_was_recognised(tmp_path: Path, source: AudioRef) -> None:
    kill(tmp_path / "out", source, 11, in_parts())
    recognizer = Counting()
    transcribe(tmp_path / "out", source, recognizer=recognizer, using=in_parts(rules="strict"))
    assert recognizer.heard_seconds < SECONDS


def test_nothing_is_saved_of_a_short_recording(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "short.wav", tones(LEVELS[:4])))
    kill(tmp_path / "out", source, 4, in_parts())
    assert files(tmp_path / "out") == {}
