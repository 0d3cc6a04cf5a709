from __future__ import annotations

import io

import pytest
import soundfile
from support.encoded_audio import RATE_HZ, noise

from beam_audio.audio.decoders.containers import (
    HEAD_BYTES,
    RARE_CONTAINERS,
    readable_containers,
    refusal,
)
from beam_audio.audio.decoders.soundfile import SoundfileReader
from beam_audio.errors import DecodeError

NOT_WRITTEN = {
    "raw": "it has no header, and nothing says what is in it",
    "sd2": "its header is in another file",
}


def encoded_as(container: str) -> io.BytesIO:
    subtypes = soundfile.available_subtypes(container)
    wanted = ("PCM_16", "DPCM_16", "MPEG_LAYER_III", "VORBIS", "ALAW")
    subtype = next(each for each in wanted if each in subtypes)
    file = io.BytesIO()
    soundfile.write(file, noise(1.0), RATE_HZ, format=container, subtype=subtype)
    file.seek(0)
    return file


def test_each_container_of_libsndfile_is_read_or_rare_or_cannot_be_read() -> None:
    for container in map(str.lower, soundfile.available_formats()):
        if container in NOT_WRITTEN:
            assert container not in RARE_CONTAINERS
            continue
        head = encoded_as(container).read(HEAD_BYTES)
        assert (container in readable_containers(head, ())) != (container in RARE_CONTAINERS)


@pytest.mark.parametrize("container", RARE_CONTAINERS)
def test_a_rare_container_is_read_if_it_is_asked_for(container: str) -> None:
    file = encoded_as(container)
    with pytest.raises(DecodeError, match=r"no known format|rare container; --decoder_allow="):
        SoundfileReader(file)
    others = set(RARE_CONTAINERS) - {container}
    with pytest.raises(DecodeError):
        SoundfileReader(file, sorted(others))
    reader = SoundfileReader(file, [container])
    assert reader.format.container == container
    frames = 0
    while chunk := len(reader.read()):
        frames += chunk
    assert frames == RATE_HZ


def test_the_refusal_names_the_flag_where_the_mark_is_known() -> None:
    assert "--decoder_allow=sds" in refusal(b"\xf0\x7e" + bytes(18))
    assert refusal(b"plain text") == "the first bytes are of no known format"
    assert not readable_containers(b"plain text", ())
