"""Decoding with tensorflow-io, against libsndfile."""

from __future__ import annotations

import importlib.util
import io
import os
import signal
import struct
import tempfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from support.child_processes import children
from support.encoded_audio import FLAC_COUNT, encode, encode_packets, hear, noise

from beam_audio.audio.decode import open_audio
from beam_audio.audio.decoders.tfio import TfioReader
from beam_audio.audio.decoders.tfio_child import TfioChild, give_back
from beam_audio.errors import ConfigError, DecodeError, DecoderCrash, DecoderHang

if TYPE_CHECKING:
    from pathlib import Path

HAS_TFIO = importlib.util.find_spec("tensorflow_io") is not None
TOLERANCE = 1e-4
MOST_BYTES = 5_000_000
PLAIN = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"]
KINDS = [
    *(("WAV", subtype) for subtype in PLAIN),
    *(("WAVEX", subtype) for subtype in PLAIN),
    *(("FLAC", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24")),
    ("OGG", "VORBIS"),
]
WAV = encode(noise(1.5))
NOT_READ = {
    **{name: ("WAV", name) for name in ("DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "GSM610")},
    **{name: (name, "PCM_16") for name in ("AIFF", "AU", "CAF", "W64", "RF64")},
    "OPUS": ("OGG", "OPUS"),
}


def encoded(container: str, subtype: str, channels: int = 1, rate_hz: int = 16_000) -> bytes:
    file = io.BytesIO()
    samples = noise(1.5, channels)
    soundfile.write(file, samples, rate_hz, format=container, subtype=subtype)
    return file.getvalue()


def assert_as_soundfile(data: bytes) -> None:
    """Same samples, same format, nothing missing."""
    with open_audio(io.BytesIO(data), decoder="tfio") as stream:
        ours, form = np.concatenate([*stream.blocks()]), stream.format
        assert stream.truncation is None
    with open_audio(io.BytesIO(data), decoder="soundfile") as stream:
        theirs = np.concatenate([*stream.blocks()])
        assert form == stream.format
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


@pytest.mark.skipif(HAS_TFIO, reason="tensorflow-io is installed")
def test_a_missing_tensorflow_io_names_its_extra() -> None:
    with pytest.raises(ConfigError, match=r"pip install 'beam_audio\[tfio\]'"):
        TfioReader(io.BytesIO(WAV))


@pytest.mark.tfio
@pytest.mark.parametrize(("container", "subtype"), KINDS)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_all_kinds_are_decoded_as_by_soundfile(container: str, subtype: str, channels: int) -> None:
    assert_as_soundfile(encoded(container, subtype, channels))


@pytest.mark.tfio
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_mp3_is_decoded_as_by_soundfile(rate_hz: int, channels: int) -> None:
    assert_as_soundfile(encoded("MP3", "MPEG_LAYER_III", channels, rate_hz))


@pytest.mark.tfio
def test_mpeg_layer_2_is_named_as_such() -> None:
    assert_as_soundfile(encode_packets(noise(1.5), "mp2", "mp2"))


@pytest.mark.tfio
@pytest.mark.parametrize("kind", ["wav", "flac", "vorbis", "mp3"])
def test_a_cut_is_that_part_of_the_whole(kind: str) -> None:
    data = encode(noise(6.0), kind)
    whole = hear(data, decoder="soundfile").samples
    cut = hear(data, decoder="tfio", offset_seconds=2.51, duration_seconds=1.7)
    np.testing.assert_allclose(cut.samples, whole[40_160:67_360], atol=TOLERANCE)
    assert cut.truncation is None


@pytest.mark.tfio
@pytest.mark.parametrize("name", NOT_READ)
def test_what_it_cannot_read_says_what_can(name: str) -> None:
    with pytest.raises(DecodeError, match="--decoder=auto reads more"):
        hear(encoded(*NOT_READ[name]), decoder="tfio")


@pytest.mark.tfio
@pytest.mark.parametrize("kind", ["wav", "flac", "vorbis", "mp3"])
@pytest.mark.parametrize("held", [0.3, 0.95])
def test_a_file_cut_off_keeps_its_frames_and_says_so(kind: str, held: float) -> None:
    data = encode(noise(6.0), kind)
    data = data[: round(len(data) * held)]
    ours, theirs = (hear(data, decoder=decoder) for decoder in ("tfio", "soundfile"))
    assert ours.truncation is not None
    common = min(len(ours.samples), len(theirs.samples))
    assert common >= len(theirs.samples) - 1152
    np.testing.assert_allclose(ours.samples[:common], theirs.samples[:common], atol=TOLERANCE)


@pytest.mark.tfio
@pytest.mark.parametrize("stated", [0, 100, 2 * len(WAV), 10**9])
def test_a_wav_that_lies_about_its_size_is_flagged(stated: int) -> None:
    heard = hear(WAV[:40] + struct.pack("<I", stated) + WAV[44:], decoder="tfio")
    assert heard.truncation is not None
    assert len(heard.samples) == min(24_000, stated // 2)


@pytest.mark.tfio
@pytest.mark.parametrize("stated", [2**31, 2**32 - 1])
def test_a_wav_of_unknown_size_is_refused(stated: int) -> None:
    with pytest.raises(DecodeError, match="--decoder=auto"):
        hear(WAV[:40] + struct.pack("<I", stated) + WAV[44:], decoder="tfio")


@pytest.mark.tfio
def test_a_chunk_that_the_library_cannot_pass_over_is_no_silence() -> None:
    odd = b"note" + struct.pack("<I", 3) + b"abc\0"
    with pytest.raises(DecodeError, match="finds 0 frames where the header states 24000"):
        hear(WAV[:36] + odd + WAV[36:], decoder="tfio")


@pytest.mark.tfio
@pytest.mark.parametrize("kind", ["flac", "vorbis", "mp3"])
def test_a_second_recording_behind_the_first_is_not_passed_over(kind: str) -> None:
    data = encode(noise(3.0), kind)
    assert "not read" in str(hear(data + data, decoder="tfio").truncation)


@pytest.mark.tfio
@pytest.mark.parametrize("count", [0, 9_000])
def test_a_flac_that_counts_wrong_is_noticed(count: int) -> None:
    data = bytearray(encode(noise(1.0), "flac"))
    data[FLAC_COUNT] = count.to_bytes(4, "big")
    if count:
        assert hear(bytes(data), decoder="tfio").truncation is not None
    else:
        with pytest.raises(DecodeError, match="finds no frame"):
            hear(bytes(data), decoder="tfio")


@pytest.mark.tfio
def test_a_hang_costs_one_recording_from_where_it_hangs() -> None:
    give_back(TfioChild(hang_seconds=1.0))
    samples = noise(2.0)
    data = bytearray(encode(samples, "flac"))
    data[FLAC_COUNT] = (2**31).to_bytes(4, "big")
    heard = hear(bytes(data), decoder="tfio")
    assert isinstance(heard.truncation, DecoderHang)
    assert 0 < len(heard.samples) < len(samples)
    assert hear(WAV, decoder="tfio").seconds == 1.5


@pytest.mark.tfio
def test_a_child_that_somebody_ends_costs_nothing() -> None:
    data = encode(noise(3.0), "flac")
    with open_audio(io.BytesIO(data), decoder="tfio") as stream:
        blocks = stream.blocks()
        first = next(blocks)
        for process_id in children():
            os.kill(process_id, signal.SIGKILL)
        samples = np.concatenate([first, *blocks])
        assert stream.truncation is None
    np.testing.assert_array_equal(samples, hear(data, decoder="soundfile").samples)


@pytest.mark.tfio
def test_only_a_file_that_ends_a_fresh_child_is_at_fault() -> None:
    before = children()
    healthy = TfioChild()
    with tempfile.TemporaryFile() as file:
        file.write(WAV)
        file.flush()
        healthy.open(file.fileno())
    give_back(healthy)
    with pytest.raises(DecoderCrash):
        hear(WAV[:32] + bytes(2) + WAV[34:], decoder="tfio")
    assert not healthy.alive
    assert children() == before


@pytest.mark.tfio
@pytest.mark.parametrize("readable", [0, 40_000])
def test_a_file_that_cannot_be_read_is_no_damage(readable: int) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= readable:
                raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        TfioReader(Broken(encode(noise(12.0))))


@pytest.mark.tfio
@pytest.mark.shared
def test_the_shared_files_are_decoded_as_by_soundfile_or_say_why(shared_data: Path) -> None:
    same = 0
    paths = [*(shared_data / "formats").iterdir(), *(shared_data / "malformed").iterdir()]
    for path in sorted(path for path in paths if path.stat().st_size < MOST_BYTES):
        data = path.read_bytes()
        try:
            ours = hear(data, decoder="tfio")
            theirs = hear(data, decoder="soundfile")
        except DecodeError:
            continue
        if ours.truncation is None and theirs.truncation is None:
            assert ours.samples.shape == theirs.samples.shape, path.name
            np.testing.assert_allclose(ours.samples, theirs.samples, atol=TOLERANCE)
            same += 1
    assert same >= 70
