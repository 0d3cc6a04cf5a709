"""Files that a child reads by its parent."""

from __future__ import annotations

import io
import time

import pytest
from support.encoded_audio import encode, noise
from support.poisoned import poison, use_poison
from support.seeds import seeds

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.decoders.stream import AudioStream
from beam_audio.audio.isolated.decoding_child import ChildLimits, end_idle
from beam_audio.audio.isolated.messages import Head
from beam_audio.audio.isolated.served_file import ServedFile
from beam_audio.audio.isolated.stream import IsolatedStream
from beam_audio.errors import DecoderCrash

REQUEST = DecodeRequest(block_seconds=0.1)
LIMITS = ChildLimits()


class Slow(io.BytesIO):
    """A file of which each piece takes longer than a child may hang."""

    def read(self, size: int | None = -1) -> bytes:
        time.sleep(1.5)
        return super().read(size)


class Gone(io.BytesIO):
    """A file that cannot be read."""

    def read(self, _: int | None = -1) -> bytes:
        raise ConnectionResetError("the store hung up")


def head(file: io.BytesIO, limits: ChildLimits = LIMITS) -> Head:
    with ServedFile(file) as served, IsolatedStream(served, REQUEST, limits=limits) as stream:
        return Head(stream.format, stream.decoder, stream.track_count, stream.credible_seconds)


@pytest.mark.parametrize("name", sorted(seeds()))
def test_a_header_says_what_it_says_in_process(name: str) -> None:
    with AudioStream(io.BytesIO(seeds()[name]), REQUEST) as stream:
        expected = Head.of(stream)
    assert head(io.BytesIO(seeds()[name])) == expected


def test_only_what_the_header_needs_is_read() -> None:
    class Counted(io.BytesIO):
        bytes_read = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.bytes_read += len(data)
            return data

    whole = encode(noise(600.0))
    file = Counted(whole)
    assert head(file).credible_seconds == pytest.approx(600.0)
    assert file.bytes_read < len(whole) / 5


def test_a_slow_store_is_no_hang() -> None:
    found = head(Slow(seeds()["wav"]), ChildLimits(hang_seconds=1.0))
    assert found.format.container == "wav"


def test_what_reading_raises_is_raised() -> None:
    with pytest.raises(ConnectionResetError, match="hung up"):
        head(Gone(seeds()["wav"]))
    assert head(io.BytesIO(seeds()["wav"])).format.container == "wav"


def test_a_second_child_goes_on_where_the_first_died(monkeypatch: pytest.MonkeyPatch) -> None:
    end_idle()
    use_poison(monkeypatch)
    head(io.BytesIO(seeds()["wav"]))
    with pytest.raises(DecoderCrash, match="SIGABRT"):
        head(io.BytesIO(poison("abort")))
    end_idle()
