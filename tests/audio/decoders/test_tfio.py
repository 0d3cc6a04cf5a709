from __future__ import annotations

import importlib.util
import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.encoded_audio import encode, noise

from beam_audio.audio.decoders.soundfile import SoundfileReader
from beam_audio.audio.decoders.tfio import TfioReader
from beam_audio.errors import ConfigError, DecodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

HAS_TFIO = importlib.util.find_spec("tensorflow_io") is not None


@pytest.mark.skipif(HAS_TFIO, reason="tensorflow-io is installed")
def test_a_missing_tensorflow_io_names_its_extra() -> None:
    with pytest.raises(ConfigError, match=r"pip install 'beam_audio\[tfio\]'"):
        TfioReader(io.BytesIO(encode(noise(1.0), "wav")))


@pytest.mark.slow
@pytest.mark.skipif(not HAS_TFIO, reason="needs the tfio extra")
@pytest.mark.parametrize(
    ("kind", "tolerance"), [("wav", 0), ("flac", 0), ("vorbis", 1e-5), ("mp3", 1e-5)]
)
def test_tensorflow_io_decodes_as_soundfile_does(kind: str, tolerance: float) -> None:
    data = encode(noise(3.0), kind)
    ours, theirs = (reader(io.BytesIO(data)) for reader in (TfioReader, SoundfileReader))
    for reader in (ours, theirs):
        assert reader.format.sample_rate_hz == 16_000
    parts: list[list[NDArray[np.float32]]] = [[], []]
    for reader, chunks in zip((ours, theirs), parts, strict=True):
        while len(chunk := reader.read()):
            chunks.append(chunk)
        reader.close()
    decoded, expected = (np.concatenate(chunks) for chunks in parts)
    assert len(decoded) == 48_000
    np.testing.assert_allclose(decoded, expected[: len(decoded)], atol=tolerance)


@pytest.mark.slow
@pytest.mark.skipif(not HAS_TFIO, reason="needs the tfio extra")
def test_tensorflow_io_survives_the_death_of_its_child() -> None:
    with pytest.raises(DecodeError):
        TfioReader(io.BytesIO(b"RIFF" + b"\xff" * 200))
    reader = TfioReader(io.BytesIO(encode(noise(1.0), "wav")))
    assert len(reader.read()) > 0
    reader.close()
