"""Messages of a Pub/Sub subscription, held until their rows are committed.

Beam's local runner acknowledges messages as it pulls them, so a crash loses them. Here a message
stays leased, that is reserved for this process, while its unit is being processed. It is
acknowledged when the unit is committed.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beam_audio.errors import BeamAudioError
from beam_audio.inputs.messages import Message
from beam_audio.stream.pubsub import ANSWER_SECONDS, Connection, subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_LOG: Final = logging.getLogger(__name__)
MAX_MESSAGES: Final = 256
MAX_BYTES: Final = 64 << 20
"""Collecting stops at this size. The last message may exceed it by 10 MB."""
_PULLED_MESSAGES: Final = 16
"""A pull brings this many messages at most, each of up to 10 MB."""
_LEASE_SECONDS: Final = 60
_RENEWALS: Final = 3
"""A lease is renewed this many times before it would end."""
_PULL_SECONDS: Final = 1.0
_BETWEEN_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 1.0
"""How long to wait before a server that failed is asked again."""
_OFTEN: Final = 3
"""A message delivered so often may be the one that ends the process."""
_CHUNK: Final = 500
"""A request names this many messages at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """A message, and the handle to acknowledge it by.

    Attributes:
        message: The message.
        ack_id: The handle.
        deliveries: How often it was delivered, about; 0 if the subscription has no dead-letter
            topic, and so does not count.
    """

    message: Message
    ack_id: str
    deliveries: int = 0


def apart(held: Sequence[Held]) -> Iterator[Sequence[Held]]:
    """Messages to process and acknowledge together: each one that came often is alone, at the end.

    A message that ends the process each time costs the messages that were read with it a delivery
    each time. Alone and in a random order, about half of them are acknowledged before it ends the
    process again, so they do not reach the dead-letter topic.
    """
    often = [each for each in held if each.deliveries >= _OFTEN]
    seldom = [each for each in held if each.deliveries < _OFTEN]
    if seldom:
        yield seldom
    yield from ([each] for each in random.sample(often, len(often)))


class Subscription(Connection):
    """A connection to a subscription; a context manager.

    Attributes:
        answered_seconds: When Pub/Sub last answered, since the epoch.
    """

    def __init__(self, path: str) -> None:
        """Connect, and check that the subscription exists.

        Args:
            path: ``projects/P/subscriptions/S``.

        Raises:
            ConfigError: The path has another form, the client library is not installed, or the
                subscription cannot be reached.
        """
        self._leases: set[str] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._is_down = False
        self.answered_seconds = 0.0
        super().__init__("--subscription", path, "subscriptions")
        self._errors = self._library.errors
        self._renewing = threading.Thread(target=self._renew, name="leases", daemon=True)
        self._renewing.start()

    def _connect(self) -> Any:  # noqa: ANN401 - the client is not typed
        return subscriber(self._library)

    def _find(self) -> None:
        self._client.get_subscription(subscription=self._path, timeout=ANSWER_SECONDS)

    def _complaint(self, error: Exception) -> str:
        return (
            f"cannot be read: {error}; create it, or check the project, the credentials "
            "(gcloud auth application-default login) or PUBSUB_EMULATOR_HOST"
        )

    def close(self) -> None:
        """Return all messages held, which are then delivered again, and end the connection."""
        self._closed.set()
        if self._client is not None:
            with self._lock:
                ack_ids = list(self._leases)
            self._lease(ack_ids, 0)
            self._client.close()

    def collect(self, max_wait_seconds: float, stop: threading.Event) -> list[Held]:
        """Collect messages until there are enough, the wait is over, or ``stop`` is set.

        Args:
            max_wait_seconds: How long to wait, from the first message on or for the first one.
            stop: Ends the wait.

        Returns:
            The messages, each once; an empty list if none came.
        """
        held: dict[str, Held] = {}
        size_bytes = 0
        end = time.monotonic() + max_wait_seconds
        while len(held) < MAX_MESSAGES and size_bytes < MAX_BYTES and not stop.is_set():
            if time.monotonic() >= end:
                break
            pulled = self._pull(min(_PULLED_MESSAGES, MAX_MESSAGES - len(held)))
            if not pulled:
                stop.wait(_BETWEEN_SECONDS)  # an emulator does not wait for messages
            for each in pulled:
                if not held:
                    end = time.monotonic() + max_wait_seconds
                earlier = held.get(each.message.message_id)
                if earlier is not None:
                    self.let_lapse([earlier])  # its lease has ended; the new one counts
                held[each.message.message_id] = each
                size_bytes += len(each.message.data)
        return list(held.values())

    def _pull(self, count: int) -> list[Held]:
        """Lease messages, ``count`` at most; none if the server has none or fails for now."""
        try:
            answer = self._client.pull(
                subscription=self._path,
                max_messages=count,
                # Short, so that a stop is noticed. Not shorter near the end of the wait: messages
                # of an answer that comes too late are lost until their leases end.
                timeout=_PULL_SECONDS,
                retry=None,
            )
        except self._errors.DeadlineExceeded:
            self.answered_seconds = time.time()  # that is how it says that there are none
            return []
        except (self._errors.ServerError, self._errors.TooManyRequests) as error:
            if not self._is_down:
                _LOG.warning("%s cannot be read at present; trying again: %s", self._path, error)
            self._is_down = True
            self._closed.wait(_PAUSE_SECONDS)
            return []
        except self._errors.GoogleAPIError as error:
            raise BeamAudioError(
                f"--subscription={self._path} can no longer be read: {error}"
            ) from error
        self._is_down = False
        self.answered_seconds = time.time()
        with self._lock:
            self._leases.update(each.ack_id for each in answer.received_messages)
        self._lease([each.ack_id for each in answer.received_messages], _LEASE_SECONDS)
        return [
            Held(_message(each.message), each.ack_id, each.delivery_attempt)
            for each in answer.received_messages
        ]

    def acknowledge(self, held: Sequence[Held]) -> None:
        """Acknowledge messages; if Pub/Sub cannot be reached, they are delivered again."""
        ack_ids = [each.ack_id for each in held]
        for start in range(0, len(ack_ids), _CHUNK):
            try:
                self._client.acknowledge(
                    subscription=self._path, ack_ids=ack_ids[start : start + _CHUNK]
                )
            except self._errors.GoogleAPIError as error:
                _LOG.warning("messages of %s will be delivered again: %s", self._path, error)
        self.let_lapse(held)

    def let_lapse(self, held: Iterable[Held]) -> None:
        """Stop renewing leases; messages not acknowledged come again within a minute."""
        with self._lock:
            self._leases.difference_update(each.ack_id for each in held)

    def _renew(self) -> None:
        while not self._closed.wait(_LEASE_SECONDS / _RENEWALS):
            with self._lock:
                ack_ids = list(self._leases)
            self._lease(ack_ids, _LEASE_SECONDS)

    def _lease(self, ack_ids: Sequence[str], seconds: int) -> None:
        for start in range(0, len(ack_ids), _CHUNK):
            chunk = ack_ids[start : start + _CHUNK]
            # A lease that ends only means that the message is delivered again. A ValueError means
            # that the connection was closed meanwhile.
            with suppress(self._errors.GoogleAPIError, ValueError):
                self._client.modify_ack_deadline(
                    subscription=self._path, ack_ids=chunk, ack_deadline_seconds=seconds
                )


def _message(pulled: Any) -> Message:  # noqa: ANN401 - the client is not typed
    return Message(
        data=bytes(pulled.data),
        attributes=dict(pulled.attributes),
        message_id=pulled.message_id,
        published=pulled.publish_time,
    )
