"""What is heard of several channels: layouts, channels that cancel, silent ones, integer scale."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_audio.audio.mixing import Mixer
from beam_audio.errors import InputError
from beam_audio.types import AudioFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

RATE_HZ = 16_000


def noise(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    count = round(seconds * RATE_HZ)
    return (np.random.default_rng(seed).standard_normal(count) * 0.1).astype(np.float32)


def mixer(
    channels: int,
    policy: Any = "mix",  # noqa: ANN401
    codec: str = "pcm_s16",
    **facts: str,
) -> Mixer:
    container = facts.get("container", "wav")
    said = AudioFormat(codec, container, RATE_HZ, channels, None)
    return Mixer(policy, said, facts.get("decoder", "soundfile"))


def heard(
    one: Mixer, samples: NDArray[np.float32], cuts: Sequence[int] = ()
) -> dict[int | None, NDArray[np.float32]]:
    """The signals of a recording that comes in blocks."""
    edges = sorted({min(cut, len(samples)) for cut in cuts} | {0, len(samples)})
    mixed = [each for a, b in pairwise(edges) for each in one.push(samples[a:b])]
    mixed += one.finish()
    assert np.array_equal(np.concatenate([each.source for each in mixed]).shape, samples.shape)
    return {
        channel: np.concatenate([each.signals[channel] for each in mixed])
        for channel in one.channels
    }


def mix(*channels: NDArray[np.floating]) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """The mix of channels, and its reasons."""
    one = mixer(len(channels))
    signals = heard(one, np.stack(channels, axis=1).astype(np.float32))
    return signals[None], one.reasons


def decibels(ratio: NDArray[np.floating], to: NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.mean(np.square(ratio)) / np.mean(np.square(to))))


def test_channels_are_split_or_picked() -> None:
    block = np.stack([noise(1, seed) for seed in range(3)], axis=1)
    split = heard(mixer(3, "split"), block)
    assert list(split) == [0, 1, 2]
    np.testing.assert_array_equal(np.stack([*split.values()], axis=1), block)
    picked = heard(mixer(3, 2), block)
    assert list(picked) == [2]
    np.testing.assert_array_equal(picked[2], block[:, 2])


@pytest.mark.parametrize("missing", [2, -1])
def test_a_missing_channel_says_how_many_there_are(missing: int) -> None:
    with pytest.raises(InputError, match=f"channel {missing} .* has 2, counted from 0"):
        mixer(2, missing)


def test_two_channels_are_averaged() -> None:
    left, right = noise(2), noise(2, seed=1)
    mixed, reasons = mix(left, right)
    np.testing.assert_allclose(mixed, (left + right) / 2, atol=1e-7)
    assert reasons == ()


def test_one_channel_is_itself() -> None:
    mixed, reasons = mix(noise(1))
    np.testing.assert_array_equal(mixed, noise(1))
    assert reasons == ()


# Coefficients of ITU-R BS.775 for stereo, its two sides averaged.
CENTRE, REAR = 0.7071, 0.3536
WAV = {
    4: [0.5, 0.5, REAR, REAR],
    6: [0.5, 0.5, CENTRE, 0, REAR, REAR],
    8: [0.5, 0.5, CENTRE, 0, REAR, REAR, REAR, REAR],
}


@pytest.mark.parametrize(
    ("gains", "facts"),
    [
        *((gains, {}) for gains in WAV.values()),
        ([0.5, CENTRE, 0.5, REAR, REAR, 0], {"container": "ogg"}),
        (WAV[6], {"container": "ogg", "decoder": "av"}),
        ([1 / 9] * 9, {}),
    ],
    ids=["quad", "5.1", "7.1", "5.1 of Vorbis", "5.1 of Vorbis by FFmpeg", "nine microphones"],
)
def test_layouts_are_mixed_by_the_standard(gains: list[float], facts: dict[str, str]) -> None:
    channels = np.stack([noise(1, seed) for seed in range(len(gains))], axis=1)
    mixed = heard(mixer(len(gains), **facts), channels)[None]
    np.testing.assert_allclose(mixed, channels @ np.array(gains), atol=1e-4)


def test_speech_in_one_channel_of_six_keeps_its_level() -> None:
    alone = np.zeros((RATE_HZ, 6), np.float32)
    alone[:, 2] = noise(1)
    np.testing.assert_array_equal(heard(mixer(6), alone)[None], noise(1))
    alone += np.stack([noise(1, seed) * 0.001 for seed in range(6)], axis=1)
    assert -3.1 < decibels(heard(mixer(6), alone)[None], noise(1)) < -2.9


def turned(samples: NDArray[np.float32], degrees: float) -> NDArray[np.float64]:
    """All frequencies with their phase turned."""
    spectrum = np.fft.rfft(samples) * np.exp(1j * np.deg2rad(degrees))
    return np.asarray(np.fft.irfft(spectrum, len(samples)))


@pytest.mark.parametrize(
    "second",
    [
        lambda x: -x,
        lambda x: -0.5 * x,
        lambda x: -0.2 * x,
        lambda x: turned(x, 150),
        lambda x: turned(x, 120),
        lambda x: -x + noise(4, seed=9) * 0.1,
        lambda x: 0.05 - x,
    ],
    ids=["inverted", "half", "a fifth", "150 degrees", "120 degrees", "noisy", "offset"],
)
def test_channels_that_cancel_do_not_become_silence(
    second: Callable[[NDArray[np.float32]], NDArray[np.floating]],
) -> None:
    first = noise(4)
    mixed, reasons = mix(first, second(first))
    assert reasons == ("channels_cancel",)
    assert abs(decibels(mixed - mixed.mean(), first)) < 0.5


def test_a_delayed_and_inverted_channel_loses_no_low_tones() -> None:
    low = np.convolve(noise(4), np.ones(32) / 8, mode="same")
    mixed, reasons = mix(low, -np.roll(low, 4))
    assert reasons == ("channels_cancel",)
    assert abs(decibels(mixed, low)) < 0.5


@pytest.mark.parametrize(
    "second",
    [lambda x: x, lambda x: turned(x, 60), lambda _: noise(4, seed=5), lambda x: np.roll(x, 300)],
    ids=["equal", "60 degrees", "another", "late"],
)
def test_channels_that_do_not_cancel_are_mixed(
    second: Callable[[NDArray[np.float32]], NDArray[np.floating]],
) -> None:
    first = noise(4)
    mixed, reasons = mix(first, second(first))
    assert "channels_cancel" not in reasons
    np.testing.assert_allclose(mixed, (first + second(first)) / 2, atol=1e-6)


def test_a_channel_that_cancels_for_a_while_is_faded_over() -> None:
    time = np.arange(8 * RATE_HZ) / RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * 100 * time)
    second = np.where((time > 2) & (time < 5), -tone, tone)
    mixed, reasons = mix(tone, second)
    assert reasons == ("channels_cancel",)
    steps = np.abs(np.diff(mixed))
    assert steps.max() < 1.5 * np.abs(np.diff(tone)).max()
    for start in range(8):
        part = slice(start * RATE_HZ, (start + 1) * RATE_HZ)
        assert decibels(mixed[part], tone[part]) > -1.5


def test_a_silent_channel_takes_no_level_from_the_other() -> None:
    dither = noise(2, seed=1) * 1e-4
    for silent in (np.zeros(2 * RATE_HZ), dither):
        mixed, reasons = mix(noise(2), silent)
        assert reasons == ("channel_silent",)
        np.testing.assert_array_equal(mixed, noise(2))


def test_a_channel_that_speaks_late_is_mixed_from_then_on() -> None:
    first, second = noise(4), noise(4, seed=1)
    second[: 2 * RATE_HZ] = 0
    mixed, reasons = mix(first, second)
    assert reasons == ()
    np.testing.assert_array_equal(mixed[: 2 * RATE_HZ], first[: 2 * RATE_HZ])
    late = slice(3 * RATE_HZ, None)
    np.testing.assert_allclose(mixed[late], (first[late] + second[late]) / 2, atol=1e-7)


def test_silence_has_no_reason() -> None:
    mixed, reasons = mix(np.zeros(RATE_HZ), np.zeros(RATE_HZ))
    assert not mixed.any()
    assert reasons == ()


# --- Integers stored as float ---------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["mix", "split", 1])
@pytest.mark.parametrize("whole", [True, False])
def test_integers_stored_as_float_come_to_full_scale(
    policy: Any,  # noqa: ANN401
    whole: bool,  # noqa: FBT001
) -> None:
    samples = np.stack([noise(2), noise(2, seed=1)], axis=1)
    large = samples * np.float32(32_768)
    one = mixer(2, policy, "pcm_f32")
    found = heard(one, np.rint(large) if whole else large)
    assert one.reasons == ("integer_scale",)
    expected = heard(mixer(2, policy), samples)
    for channel, signal in found.items():
        np.testing.assert_allclose(signal, expected[channel], atol=1e-4)


@pytest.mark.parametrize("peak", [0.001, 1.0, 3.9])
def test_float_audio_near_full_scale_is_left_as_it_is(peak: float) -> None:
    samples = (noise(2) / np.abs(noise(2)).max() * peak)[:, np.newaxis].astype(np.float32)
    one = mixer(1, codec="pcm_f32")
    np.testing.assert_array_equal(heard(one, samples)[None], samples[:, 0])
    assert one.reasons == ()


def test_a_square_wave_at_full_scale_is_no_integer() -> None:
    square = np.sign(np.sin(np.arange(RATE_HZ))).astype(np.float32)[:, np.newaxis]
    one = mixer(1, codec="pcm_f32")
    np.testing.assert_array_equal(heard(one, square)[None], square[:, 0])


# --- Blocks ---------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(
    cuts=st.lists(st.integers(0, 4 * RATE_HZ), max_size=12),
    channels=st.sampled_from([1, 2, 3, 6, 9]),
    codec=st.sampled_from(["pcm_s16", "pcm_f32"]),
)
def test_samples_and_reasons_do_not_depend_on_blocks(
    cuts: list[int], channels: int, codec: str
) -> None:
    samples = np.stack([noise(4.1, seed) for seed in range(channels)], axis=1)
    samples[RATE_HZ : 3 * RATE_HZ, -1] = -samples[RATE_HZ : 3 * RATE_HZ, 0]
    one, other = mixer(channels, codec=codec), mixer(channels, codec=codec)
    np.testing.assert_array_equal(heard(one, samples, cuts)[None], heard(other, samples)[None])
    assert one.reasons == other.reasons


def test_an_empty_recording_has_no_samples() -> None:
    one = mixer(2)
    assert [*one.push(np.zeros((0, 2), np.float32)), *one.finish()] == []
    assert one.reasons == ()
