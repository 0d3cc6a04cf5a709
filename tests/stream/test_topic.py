"""A topic: Pub/Sub has every published message, or an error names the topic that refused it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from google.cloud.pubsub_v1 import PublisherClient

from beam_audio.errors import ConfigError, StoreError
from beam_audio.stream.row_messages import MAX_DATA_BYTES, TopicMessage, alert_message
from beam_audio.stream.subscription import Subscription
from beam_audio.stream.topic import Topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.pubsub_emulator import Channel

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("emulator")]


def received(channel: Channel) -> dict[bytes, dict[str, str]]:
    """Attributes of all messages received, by their data."""
    found: dict[bytes, dict[str, str]] = {}
    with Subscription(channel.subscription) as subscription:
        while held := subscription.collect(2.0, threading.Event()):
            found |= {each.message.data: dict(each.message.attributes) for each in held}
            subscription.acknowledge(held)
    return found


def test_messages_arrive_with_their_attributes(channel: Channel) -> None:
    alert = alert_message({"measure": "snr_db"})
    with Topic(channel.topic) as topic:
        assert topic.publish([alert, TopicMessage("ü".encode(), {"id": "ü"})]) == 2
        assert topic.publish([]) == 0
    assert received(channel) == {alert.data: alert.attributes, "ü".encode(): {"id": "ü"}}


def test_more_messages_than_are_in_memory_at_a_time(channel: Channel) -> None:
    with Topic(channel.topic) as topic:
        numbers = (str(number) for number in range(2500))
        assert topic.publish(TopicMessage(each.encode(), {}) for each in numbers) == 2500
    assert len(received(channel)) == 2500


def test_the_longest_messages_are_accepted(channel: Channel) -> None:
    longest = (bytes([letter]) * MAX_DATA_BYTES for letter in b"abcde")
    attributes = {"id": "x" * 1000}
    with Topic(channel.topic) as topic:
        assert topic.publish(TopicMessage(data, attributes) for data in longest) == 5


def test_a_refused_message_is_an_error(channel: Channel) -> None:
    with Topic(channel.topic) as topic:
        with pytest.raises(StoreError, match=channel.topic):
            topic.publish([TopicMessage(b"x" * 11_000_000, {})])
        with PublisherClient() as client:
            client.delete_topic(topic=channel.topic)
        with pytest.raises(StoreError, match=f"--output_topic={channel.topic}"):
            topic.publish([TopicMessage(b"x", {})] * 300)


def test_an_error_of_the_messages_source_is_passed_on(channel: Channel) -> None:
    def broken() -> Iterator[TopicMessage]:
        yield TopicMessage(b"x", {})
        raise LookupError

    with Topic(channel.topic) as topic, pytest.raises(LookupError):
        topic.publish(broken())


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("t", "projects/P/topics/T"),
        ("projects/test/subscriptions/s", "projects/P/topics/T"),
        ("projects/test/topics/none", "gcloud pubsub topics create none --project=test"),
    ],
)
def test_a_missing_topic_is_named_with_the_cure(path: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        Topic(path)
    assert f"--output_topic={path}" in str(caught.value)
