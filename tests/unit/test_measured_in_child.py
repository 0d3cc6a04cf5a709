"""What a child makes of a stream is what this process makes of it."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.encoded_audio import encode, noise
from support.poisoned import late_poison, use_poison
from support.unit_runs import WINDOWS, tones

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.decoders.stream import AudioStream
from beam_audio.audio.isolated.decoding_child import end_idle
from beam_audio.audio.isolated.stream import IsolatedStream
from beam_audio.errors import DecoderCrash, ModelError
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.unit.clock import StageClock
from beam_audio.unit.measured import MeasuredSegment, Order, measured
from beam_audio.unit.measured_in_child import WORK, measured_in_child

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from beam_audio.unit.measured import Measured

IDS = {None: "mix", 0: "left", 1: "right"}
WINDOWED = Order("mix", IDS, WINDOWS)
# Of a steady tone alone, how a machine rounds its sums decides the bits of a fingerprint.
STEREO = np.stack([tones([0.1, 0.2, 0.9]), tones([0.3, 0.4, 0.0])], axis=1) + noise(3.0, 2)


@pytest.fixture(autouse=True)
def no_idle_child() -> Iterator[None]:
    end_idle()
    yield
    end_idle()


@contextmanager
def stream_in_child(data: bytes) -> Iterator[IsolatedStream]:
    with file_of(data) as file, IsolatedStream(file, DecodeRequest(), "a.wav", work=WORK) as stream:
        yield stream


@contextmanager
def file_of(data: bytes) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file


def plain(made: Measured) -> dict[str, Any]:
    """Everything about it, to be compared bit by bit."""
    content = asdict(made)
    if isinstance(made, MeasuredSegment):
        content["segment"]["samples"] = made.segment.samples.tobytes()
        content["clip"] = (made.clip.dtype, made.clip.tobytes())
    return content


def here(data: bytes, order: Order) -> list[dict[str, Any]]:
    with file_of(data) as file, AudioStream(file, DecodeRequest()) as stream:
        return [*map(plain, measured(stream, order, StageClock()))]


def there(data: bytes, order: Order) -> list[dict[str, Any]]:
    with stream_in_child(data) as stream:
        return [*map(plain, measured_in_child(stream, order, StageClock()))]


@pytest.mark.parametrize(
    ("data", "order"),
    [
        (encode(STEREO), WINDOWED),
        (encode(STEREO, "flac"), replace(WINDOWED, policy="split", store_audio="flac")),
        (encode(STEREO, rate_hz=44_100), replace(WINDOWED, policy=1, clip_rate_hz=8_000)),
        (encode(noise(0.0)), WINDOWED),
        (encode(noise(4.0), "flac")[:-20_000], Order("mix", IDS, SegmentSettings())),
    ],
    ids=["mix", "split-and-stored", "one-channel", "empty", "truncated"],
)
def test_a_child_makes_what_this_process_makes(data: bytes, order: Order) -> None:
    assert there(data, order) == here(data, order)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["librispeech", "fsdd_8k", "noise", "music"])
def test_real_audio_has_the_same_segments_and_measures(name: str, shared_data: Path) -> None:
    order = Order("mix", IDS, SegmentSettings())
    files = sorted(path for path in (shared_data / name).rglob("*") if path.is_file())[:4]
    assert files
    for path in files:
        assert there(path.read_bytes(), order) == here(path.read_bytes(), order)


def test_the_clock_has_the_seconds_of_the_child() -> None:
    clock = StageClock()
    with stream_in_child(encode(STEREO)) as stream:
        assert [*measured_in_child(stream, WINDOWED, clock)]
    assert {*clock.seconds} == {"decode", "segment", "measure"}
    assert all(each > 0 for each in clock.seconds.values())


def test_a_recording_that_ends_the_child_midway_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    use_poison(monkeypatch)
    with (
        stream_in_child(late_poison("crash")) as stream,
        pytest.raises(DecoderCrash, match=r"died of a\.wav \(SIGSEGV\)"),
    ):
        list(measured_in_child(stream, WINDOWED, StageClock()))


def test_a_used_child_that_ends_costs_no_segment_and_doubles_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_poison(monkeypatch)
    data = late_poison("used abort")
    first = there(data, WINDOWED)
    assert there(data, WINDOWED) == first
    assert len(first) == 20 + 1


def test_a_detector_that_cannot_be_loaded_is_no_fault_of_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('half installed')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match="voice activity detection needs onnxruntime"):
        there(encode(STEREO), WINDOWED)
