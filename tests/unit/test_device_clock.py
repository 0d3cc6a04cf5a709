"""Seconds with and without a batch, whoever gives the batches."""

from __future__ import annotations

from beam_audio.unit.device_clock import DeviceClock, DeviceSeconds


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_time_between_batches_is_idle_and_that_before_and_after_is_not() -> None:
    time = Time()
    clock = DeviceClock(time)
    time.now = 10.0
    with clock.batch():
        time.now = 12.0
    time.now = 15.0
    with clock.batch():
        time.now = 16.0
    time.now = 99.0
    assert clock.take() == DeviceSeconds(busy=3.0, idle=3.0)


def test_batches_that_overlap_count_once() -> None:
    time = Time()
    clock = DeviceClock(time)
    with clock.batch():
        time.now = 1.0
        with clock.batch():
            time.now = 4.0
        time.now = 6.0
    assert clock.take() == DeviceSeconds(busy=6.0)


def test_what_is_taken_adds_up_to_the_whole() -> None:
    time = Time()
    clock = DeviceClock(time)
    taken = []
    for start in (0.0, 5.0, 11.0):
        time.now = start
        with clock.batch():
            time.now = start + 2.0
        taken.append(clock.take())
    assert taken == [DeviceSeconds(2.0, 0.0), DeviceSeconds(2.0, 3.0), DeviceSeconds(2.0, 4.0)]
    assert clock.take() == DeviceSeconds()
