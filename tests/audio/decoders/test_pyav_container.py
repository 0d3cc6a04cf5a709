"""Which of a file's audio tracks is read."""

from __future__ import annotations

import io
from typing import Any

import av
import numpy as np
import pytest
from support.encoded_audio import RATE_HZ, noise, packets_of

from beam_audio.audio.decode import open_audio
from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.pyav_container import choose_track, open_container
from beam_audio.errors import InputError

SECONDS = (1.0, 2.0, 3.0)


def tracks(container: str, *, default: int | None = None) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        streams: list[Any] = []
        for each in range(len(SECONDS)):
            stream: Any = output.add_stream("aac", rate=RATE_HZ)
            stream.layout = "mono"
            stream.disposition = (
                av.stream.Disposition.default if each == default else av.stream.Disposition(0)
            )
            streams.append(stream)
        for stream, seconds in zip(streams, SECONDS, strict=True):
            for packet in packets_of(stream, noise(seconds), RATE_HZ):
                output.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("container", ["matroska", "mpegts", "mov"])
def test_a_track_is_chosen_by_its_number(container: str) -> None:
    data = tracks(container)
    for number, seconds in enumerate(SECONDS):
        with open_audio(io.BytesIO(data), track=number) as stream:
            decoded = np.concatenate(list(stream.blocks()))
            others = ",".join(str(each) for each in range(3) if each != number)
            assert stream.reasons == {f"other_audio_tracks:{others}"}
        assert len(decoded) / RATE_HZ == pytest.approx(seconds, abs=0.15)


def test_the_default_track_is_taken_else_the_first() -> None:
    for default, others in ((None, (1, 2)), (1, (0, 2))):
        container = open_container(ByteSource(io.BytesIO(tracks("matroska", default=default))))
        assert choose_track(container, None)[1] == others
        container.close()


def test_a_missing_track_says_how_many_there_are() -> None:
    for container in ("matroska", "mov"):
        with pytest.raises(InputError, match=r"track 3 .* has 3 audio tracks, counted from 0"):
            open_audio(io.BytesIO(tracks(container)), track=3)
