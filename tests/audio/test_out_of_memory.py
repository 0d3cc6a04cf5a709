"""Memory that runs out, or a disk that fails, at any moment of decoding is no damage."""

from __future__ import annotations

import errno
import io
from itertools import count
from typing import Any

import av
import pytest
import soundfile
from support.encoded_audio import FORMATS, encode, noise

from beam_audio.audio.decode import Decoder, open_audio
from beam_audio.audio.decoders import byte_source
from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.errors import DecodeError

SECONDS = {"wav": 20, "float": 10, "flac": 20}
FAULTS = [MemoryError(), OSError(errno.EIO, "Input/output error")]


class FailingFile(io.BytesIO):
    """A file whose read of this number, from 0, fails."""

    def __init__(self, content: bytes, number: int, fault: Exception) -> None:
        super().__init__(content)
        self.fault = fault
        self.left = number

    def read(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if self.left == -1:
            raise self.fault
        return super().read(size)


@pytest.mark.parametrize("decoder", ["auto", "soundfile", "av"])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_a_read_that_fails_is_raised_whichever_it_is(
    name: str, decoder: Decoder, fault: Exception
) -> None:
    content = encode(noise(SECONDS.get(name, 3)), name)
    for number in count():
        file = FailingFile(content, number, fault)
        try:
            with open_audio(file, decoder=decoder) as stream:
                frames = sum(map(len, stream.blocks()))
                truncation = stream.truncation
        except type(fault):
            continue
        assert file.left >= 0, f"the failure of read {number} is lost"
        assert frames
        assert truncation is None
        break
    assert number > 0


@pytest.mark.parametrize("calls", [0, 1, 4])
def test_a_decoder_that_gets_no_memory_is_no_damage(
    monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    read, numbers = soundfile.SoundFile.buffer_read_into, count()

    def stumbling(self: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - the library is untyped
        if next(numbers) == calls:
            raise MemoryError
        return read(self, *arguments, **named)

    monkeypatch.setattr(soundfile.SoundFile, "buffer_read_into", stumbling)
    with pytest.raises(MemoryError), open_audio(io.BytesIO(encode(noise(3), "flac"))) as stream:
        list(stream.blocks())


@pytest.mark.parametrize(
    "error",
    [
        av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"),
        soundfile.LibsndfileError(17),
    ],
    ids=repr,
)
def test_a_header_that_asks_for_too_much_is_damage_unless_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    source = ByteSource(io.BytesIO(b"audio"))
    with pytest.raises(DecodeError, match="too much"), source.decoding(lambda _: "too much"):
        raise error
    monkeypatch.setattr(byte_source, "_MODEST_BYTES", 1 << 60)  # what no machine has
    with pytest.raises(MemoryError), source.decoding(lambda _: "too much"):
        raise error
