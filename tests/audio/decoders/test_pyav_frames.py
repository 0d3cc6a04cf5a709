"""Frames of FFmpeg become arrays, whatever their sample format and layout."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest

from beam_audio.audio.decoders.pyav_frames import reason, samples_of

TYPES: dict[str, Any] = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "flt": np.float32,
    "dbl": np.float64,
}


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("layout", ["mono", "stereo", "5.1", "7.1"])
def test_samples_of_every_format(kind: str, layout: str, *, planar: bool) -> None:
    channels = av.AudioLayout(layout).nb_channels
    wanted = np.linspace(-1, 0.99, 100 * channels).reshape(100, channels)
    stored = wanted
    if kind == "u8":
        stored = np.round(wanted * 128) + 128
    elif kind.startswith("s"):
        stored = wanted * 2.0 ** (int(kind[1:]) - 1)
    packed = stored.astype(TYPES[kind]).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format=kind, layout=layout)
    frame.sample_rate = 16_000
    if planar:
        (frame,) = av.AudioResampler(format=kind + "p", layout=layout, rate=16_000).resample(frame)
    samples = samples_of(frame)
    assert samples.dtype == np.float32
    assert samples.shape == (100, channels)
    np.testing.assert_allclose(samples, wanted, atol=1 / 128 if kind == "u8" else 1e-4)


def test_errors_of_ffmpeg_have_words() -> None:
    with pytest.raises(av.FFmpegError) as caught:
        av.CodecContext.create("aac", "r").decode(av.Packet(b"no audio"))
    assert reason(caught.value) == "the data are damaged or of another format"
