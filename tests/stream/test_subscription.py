"""A subscription: messages stay leased until they are acknowledged or given up."""

from __future__ import annotations

import threading
import time

import pytest
from google.cloud.pubsub_v1 import SubscriberClient
from support.pubsub_emulator import ACK_DEADLINE_SECONDS, Channel, publish

from beam_audio.errors import BeamAudioError, ConfigError
from beam_audio.stream.subscription import Held, Subscription

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]


def collect(subscription: Subscription, seconds: float = 3.0) -> list[bytes]:
    found = subscription.collect(seconds, threading.Event())
    return sorted(each.message.data for each in found)


def test_messages_arrive_whole(channel: Channel) -> None:
    (name,) = publish(channel.topic, (b"\x00\xff", {"room": "ü"}))
    with Subscription(channel.subscription) as subscription:
        (held,) = subscription.collect(3.0, threading.Event())
    assert (held.message.data, held.message.message_id) == (b"\x00\xff", name)
    assert held.message.attributes == {"room": "ü"}
    assert abs(held.message.published.timestamp() - time.time()) < 60


def test_more_than_four_megabytes_come_at_once(channel: Channel) -> None:
    publish(channel.topic, *[(bytes([number]) * 2_000_000, {}) for number in range(3)])
    publish(channel.topic, (b"x" * 9_000_000, {}))
    with Subscription(channel.subscription) as subscription:
        assert [len(data) for data in collect(subscription)] == [2_000_000] * 3 + [9_000_000]


def test_reading_ends_if_the_subscription_is_deleted(channel: Channel) -> None:
    with Subscription(channel.subscription) as subscription:
        with SubscriberClient() as client:
            client.delete_subscription(subscription=channel.subscription)
        with pytest.raises(BeamAudioError, match="can no longer be read"):
            collect(subscription)


def test_acknowledged_messages_are_not_delivered_again(channel: Channel) -> None:
    publish(channel.topic, *[(str(number).encode(), {}) for number in range(40)])
    with Subscription(channel.subscription) as subscription:
        held = subscription.collect(5.0, threading.Event())
        assert len(held) == 40
        subscription.acknowledge(held[:30])
        acknowledged = {each.message.message_id for each in held[:30]}
    again: list[Held] = []
    with Subscription(channel.subscription) as subscription:
        end = time.monotonic() + 30
        while len(again) < 10 and time.monotonic() < end:
            again += subscription.collect(2.0, threading.Event())
    assert {each.message.message_id for each in again}.isdisjoint(acknowledged)
    assert len(again) == 10


def test_held_messages_go_to_no_other_reader_even_after_the_deadline(channel: Channel) -> None:
    publish(channel.topic, (b"one", {}))
    with Subscription(channel.subscription) as first, Subscription(channel.subscription) as second:
        assert collect(first) == [b"one"]
        assert collect(second, ACK_DEADLINE_SECONDS + 5) == []


def test_the_wait_ends_after_the_first_message_and_on_a_stop(channel: Channel) -> None:
    stop = threading.Event()
    with Subscription(channel.subscription) as subscription:
        publish(channel.topic, (b"one", {}))
        start = time.monotonic()
        assert collect(subscription, 2.0) == [b"one"]
        stop.set()
        assert subscription.collect(60.0, stop) == []
        assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("s", "projects/P/subscriptions/S"),
        ("projects/test/topics/t", "projects/P/subscriptions/S"),
        ("projects//subscriptions/s", "projects/P/subscriptions/S"),
        ("projects/test/subscriptions/none", "create it"),
    ],
)
def test_a_subscription_that_cannot_be_read_is_named(path: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        Subscription(path)
    assert f"--subscription={path}" in str(caught.value)
