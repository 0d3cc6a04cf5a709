"""Samples without a header, under the names that senders give them."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from beam_audio.errors import InputError
from beam_audio.inputs.sample_types import is_bare, with_header

SAMPLES = np.linspace(-0.5, 0.5, 800, dtype=np.float32).reshape(400, 2)


def raw(subtype: str, endian: str) -> bytes:
    file = io.BytesIO()
    order = endian if subtype == "PCM_16" else None
    soundfile.write(file, SAMPLES, 16000, format="RAW", subtype=subtype, endian=order)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content_type", "stated", "subtype", "endian"),
    [
        ("audio/L16;rate=16000;channels=2", {}, "PCM_16", "BIG"),
        ("audio/l16", {"rate": "16000", "channels": "2"}, "PCM_16", "BIG"),
        ("audio/x-l16;rate=16000;channels=2", {}, "PCM_16", "BIG"),
        ("audio/L16;rate=16000;channels=2;endian=little", {}, "PCM_16", "LITTLE"),
        ("audio/l16; rate=16000; channels=2; endianness=Little-Endian", {}, "PCM_16", "LITTLE"),
        ("audio/L16;rate=16000;channels=2;endian=big;ptime=20", {}, "PCM_16", "BIG"),
        ("audio/pcm;rate=16000;channels=2;bits=16", {}, "PCM_16", "LITTLE"),
        ("audio/pcm;endian=big", {"rate": "16000", "channels": "2"}, "PCM_16", "BIG"),
        ("audio/PCMU", {"rate": "16000", "channels": "2"}, "ULAW", ""),
        ("audio/x-mulaw;rate=16000;channels=2", {}, "ULAW", ""),
        ("audio/mulaw;rate=16000;channels=2;endian=little", {}, "ULAW", ""),
        ("audio/PCMA;rate=16000", {"channels": "2"}, "ALAW", ""),
        ("audio/x-alaw;rate=16000;channels=2", {}, "ALAW", ""),
    ],
)
def test_samples_are_heard_as_they_were_sent(
    content_type: str, stated: dict[str, str], subtype: str, endian: str
) -> None:
    assert is_bare(content_type)
    encoded = with_header(raw(subtype, endian), content_type, stated)
    heard, rate_hz = soundfile.read(io.BytesIO(encoded), dtype="float32")
    assert rate_hz == 16000
    np.testing.assert_allclose(heard, SAMPLES, atol=0.02)


@pytest.mark.parametrize("kind", ["basic", "x-mulaw", "mulaw", "PCMU", "PCMA", "x-alaw"])
def test_telephone_samples_have_8000_hz_unless_stated(kind: str) -> None:
    encoded = with_header(b"\xff" * 80, f"audio/{kind}", {})
    info = soundfile.info(io.BytesIO(encoded))
    assert (info.samplerate, info.channels, info.frames) == (8000, 1, 80)


def test_files_keep_their_bytes_and_their_parameters() -> None:
    assert not is_bare("audio/ogg; codecs=opus")
    assert with_header(b"OggS", "audio/ogg; codecs=opus", {"rate": "x"}) == b"OggS"


@pytest.mark.parametrize(
    ("content_type", "says"),
    [
        ("audio/l16", "rate is ''"),
        ("audio/l16;rate=-1", "rate"),
        ("audio/pcm;rate=8000;channels=65", "channels"),
        ("audio/pcm;rate=8000;bits=24", "bits is '24', and audio/pcm has 16"),
        ("audio/l16;rate=8000;endian=middle", "endian is 'middle', not big or little"),
        ("audio/l16;rate=8000;endian=big;endianness=little", "endian is 'big and little'"),
        ("audio/l16;rate=8000;emphasis=50-15", "'emphasis'; known are bits, channels"),
        ("text/plain", "not audio"),
        ("mulaw", "not audio"),
    ],
)
def test_what_cannot_be_obeyed_is_refused(content_type: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        with_header(b"xx", content_type, {})
