"""Which of a file's audio tracks is read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from support.encoded_audio import RATE_HZ, encode_tracks
from support.seeds import seeds

from beam_audio.audio.decode import DecodeLimits, open_audio
from beam_audio.audio.decoders.byte_source import ByteSource
from beam_audio.audio.decoders.pyav_container import choose_track, open_container
from beam_audio.errors import InputError

SECONDS = (1.0, 2.0, 3.0)
LIMITS = DecodeLimits(max_recording_seconds=200.0)


@pytest.mark.parametrize("container", ["matroska", "mpegts", "mov"])
def test_a_track_is_chosen_by_its_number(container: str) -> None:
    data = encode_tracks(container, SECONDS)
    for number, seconds in enumerate(SECONDS):
        with open_audio(io.BytesIO(data), track=number) as stream:
            decoded = np.concatenate(list(stream.blocks()))
            others = ",".join(str(each) for each in range(3) if each != number)
            assert stream.reasons == {f"other_audio_tracks:{others}"}
        assert len(decoded) / RATE_HZ == pytest.approx(seconds, abs=0.15)


def test_the_default_track_is_taken_else_the_first() -> None:
    for default, others in ((None, (1, 2)), (1, (0, 2))):
        container = open_container(
            ByteSource(io.BytesIO(encode_tracks("matroska", SECONDS, default=default)))
        )
        assert choose_track(container, None)[1] == others
        container.close()


def test_a_missing_track_says_how_many_there_are() -> None:
    for container in ("matroska", "mov"):
        with pytest.raises(InputError, match=r"track 3 .* has 3 audio tracks, counted from 0"):
            open_audio(io.BytesIO(encode_tracks(container, SECONDS)), track=3)


def test_a_header_in_the_middle_makes_no_day_of_silence() -> None:
    """Each part begins as a file of its own; FFmpeg takes that for a packet at a time far away."""
    with open_audio(io.BytesIO(seeds()["rm"] * 200), limits=LIMITS) as stream:
        frames = sum(len(block) for block in stream.blocks())
        assert stream.truncation is None
    assert frames < 200 * 0.5 * stream.format.sample_rate_hz
