from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.encoded_audio import encode, noise
from support.poisoned import decoding_children

from beam_audio.audio.decoders.request import DecodeRequest
from beam_audio.audio.isolated.decoding_child import ChildLimits, decoding_child, end_idle
from beam_audio.audio.isolated.memory import memory_file
from beam_audio.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMITS = ChildLimits()


@pytest.fixture(autouse=True)
def no_idle_child() -> Iterator[None]:
    end_idle()
    yield
    end_idle()


def decode_all(data: bytes, limits: ChildLimits = LIMITS) -> int:
    """Parts of a recording; a child decodes it."""
    with memory_file() as file:
        file.write(data)
        file.flush()
        with decoding_child(limits) as child:
            return len([*child.decode(file.fileno(), DecodeRequest(), "a.wav")])


def test_a_recording_is_its_head_its_blocks_and_its_end() -> None:
    assert decode_all(encode(noise(2.5))) == 1 + 3 + 1


def test_an_idle_child_is_taken_again_and_a_fresh_one_on_demand() -> None:
    with decoding_child(LIMITS) as first:
        pass
    with decoding_child(LIMITS) as second, decoding_child(LIMITS) as third:
        assert second is first
        assert third is not first
    with decoding_child(LIMITS, fresh=True) as fourth:
        assert fourth.is_fresh
        assert fourth not in (first, third)


def test_a_child_with_other_limits_is_not_taken() -> None:
    decode_all(encode(noise(1.0)))
    before = decoding_children()
    decode_all(encode(noise(1.0)), ChildLimits(memory_bytes=2**30))
    assert not before & decoding_children()


def test_a_child_is_fresh_until_it_has_decoded() -> None:
    with pytest.raises(DecodeError):
        decode_all(b"not audio")
    with decoding_child(LIMITS) as child:
        assert not child.is_fresh


def test_an_idle_child_that_somebody_ended_is_not_taken() -> None:
    decode_all(encode(noise(1.0)))
    (before,) = decoding_children()
    os.kill(before, 9)
    os.waitid(os.P_PID, before, os.WEXITED | os.WNOWAIT)
    assert decode_all(encode(noise(1.0))) == 3
    assert before not in decoding_children()


def test_a_forked_process_has_children_of_its_own() -> None:
    decode_all(encode(noise(1.0)))
    (before,) = decoding_children()
    fork = os.fork()
    if not fork:
        status = 1
        try:
            status = 0 if decode_all(encode(noise(1.0))) == 3 and decoding_children() else 2
        finally:
            os._exit(status)
    assert os.waitpid(fork, 0)[1] == 0
    assert decode_all(encode(noise(1.0))) == 3
    assert decoding_children() == {before}


def test_ending_the_idle_leaves_no_process() -> None:
    decode_all(encode(noise(1.0)))
    end_idle()
    assert not decoding_children()
