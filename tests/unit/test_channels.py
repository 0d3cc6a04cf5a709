"""A stated channel decides; a text without one belongs to no split channel."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import InputError
from beam_audio.types import AudioFormat, AudioRef
from beam_audio.unit.channels import channel_policy, ref_of_channels, sources_of
from beam_audio.unit.content import Opened

if TYPE_CHECKING:
    from beam_audio.audio.mixing import Channels

FILE = AudioRef("/a.wav", 1, reference_text="yes", reasons=("event_time_unreadable",))
CHANNEL = AudioRef("/a.wav", 1, reference_text="yes", channel=1)


@pytest.mark.parametrize("policy", ["mix", "split", 0])
def test_a_stated_channel_comes_before_the_policy(policy: Channels) -> None:
    assert channel_policy(FILE, policy) == policy
    assert channel_policy(CHANNEL, policy) == 1


@pytest.mark.parametrize(
    ("ref", "policy", "channels"),
    [(FILE, "mix", 2), (FILE, 0, 2), (FILE, "split", 1), (CHANNEL, "split", 2)],
)
def test_a_text_stays_where_it_belongs_to_the_recording(
    ref: AudioRef, policy: Channels, channels: int
) -> None:
    assert ref_of_channels(ref, policy, channels) == ref


def test_a_text_of_a_whole_file_is_not_that_of_a_split_channel() -> None:
    found = ref_of_channels(FILE, "split", 2)
    assert found.reference_text is None
    assert found.reasons == ("event_time_unreadable", "reference_without_channel")
    assert (found.source_id, FILE.reference_text) == (FILE.source_id, "yes")


STEREO = AudioFormat("pcm_s16", "wav", 16_000, 2, None)


@pytest.mark.parametrize(
    ("ref", "policy", "channels"),
    [(FILE, "mix", [None]), (FILE, "split", [0, 1]), (FILE, 1, [1]), (CHANNEL, "split", [1])],
)
def test_each_channel_of_the_policy_is_a_recording(
    ref: AudioRef, policy: Channels, channels: list[int | None]
) -> None:
    found = sources_of(Opened(ref, io.BytesIO(), "c"), STEREO, policy, track=3)
    assert [*found] == [each.channel for each in found.values()] == channels
    assert len({each.recording_id for each in found.values()}) == len(channels)
    assert {(each.track, each.content_sha256) for each in found.values()} == {(3, "c")}


def test_a_channel_that_does_not_exist_is_no_recording() -> None:
    with pytest.raises(InputError, match="channel 2 was asked for, and the audio has 2"):
        sources_of(Opened(FILE, io.BytesIO(), "c"), STEREO, 2, track=None)
