"""Messages of a Pub/Sub subscription, held until what they brought is safe.

Beam's local runner acknowledges messages as it pulls them, and what it then loses is lost. Here a
message stays leased while its unit is at work and is acknowledged when that is committed.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from beam_audio.errors import BeamAudioError, ConfigError
from beam_audio.inputs.messages import Message
from beam_audio.stream.pubsub import ANSWER_SECONDS, client_library, require_path, subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

_LOG: Final = logging.getLogger(__name__)
MAX_MESSAGES: Final = 256
MAX_BYTES: Final = 64 << 20
"""Of what is collected at once: a message is up to 10 MB."""
_PULLED_MESSAGES: Final = 16
"""At once: a pull may bring as many times 10 MB."""
_LEASE_SECONDS: Final = 60
_RENEWALS: Final = 3
"""Times a lease is renewed before it would be over."""
_PULL_SECONDS: Final = 1.0
_BETWEEN_SECONDS: Final = 0.1
_PAUSE_SECONDS: Final = 1.0
"""Before a server that failed is asked again."""
_CHUNK: Final = 500
"""Messages named in one request at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """A message and the handle it is acknowledged by."""

    message: Message
    ack_id: str


class Subscription:
    """A subscription; a context manager.

    ``PUBSUB_EMULATOR_HOST`` names an emulator, as for every client of Pub/Sub.
    """

    def __init__(self, path: str) -> None:
        """Connect and look whether the subscription is there.

        Args:
            path: ``projects/P/subscriptions/S``.

        Raises:
            ConfigError: The path has another form, the client is not installed, or the subscription
                cannot be reached.
        """
        require_path("--subscription", path, "subscriptions")
        library = client_library("--subscription")
        self._path = path
        self._errors = library.errors
        self._leases: set[str] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._is_down = False
        self._client: Any = None
        try:
            self._client = subscriber(library)
            self._client.get_subscription(subscription=path, timeout=ANSWER_SECONDS)
        except library.unreachable as error:
            self.close()
            raise ConfigError(
                f"--subscription={path} cannot be read: {error}; create it, or check the project, "
                "the credentials (gcloud auth application-default login) or PUBSUB_EMULATOR_HOST"
            ) from error
        self._renewing = threading.Thread(target=self._renew, name="leases", daemon=True)
        self._renewing.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back all that is held, which is then delivered again, and end the connection."""
        self._closed.set()
        if self._client is not None:
            with self._lock:
                ack_ids = list(self._leases)
            self._lease(ack_ids, 0)
            self._client.close()

    def collect(self, max_wait_seconds: float, stop: threading.Event) -> list[Held]:
        """Messages until there are enough, or the first has waited long enough, or ``stop`` is set.

        Returns:
            What has come, without the same message twice; nothing when nothing did.
        """
        held: dict[str, Held] = {}
        size_bytes = 0
        end = time.monotonic() + max_wait_seconds
        while len(held) < MAX_MESSAGES and size_bytes < MAX_BYTES and not stop.is_set():
            if time.monotonic() >= end:
                break
            pulled = self._pull(min(_PULLED_MESSAGES, MAX_MESSAGES - len(held)))
            if not pulled:
                stop.wait(_BETWEEN_SECONDS)  # an emulator says at once that there is nothing
            for each in pulled:
                if not held:
                    end = time.monotonic() + max_wait_seconds
                earlier = held.get(each.message.message_id)
                if earlier is not None:
                    self.let_lapse([earlier])  # its lease is over: this one is acknowledged
                held[each.message.message_id] = each
                size_bytes += len(each.message.data)
        return list(held.values())

    def _pull(self, count: int) -> list[Held]:
        try:
            answer = self._client.pull(
                subscription=self._path,
                max_messages=count,
                # Short, so that a wish to stop is heard; no shorter near the end of the wait, as
                # what is leased in an answer that comes too late is lost until its lease is over.
                timeout=_PULL_SECONDS,
                retry=None,
            )
        except self._errors.DeadlineExceeded:
            return []
        except (self._errors.ServerError, self._errors.TooManyRequests) as error:
            if not self._is_down:
                _LOG.warning("%s cannot be read now, trying again: %s", self._path, error)
            self._is_down = True
            self._closed.wait(_PAUSE_SECONDS)
            return []
        except self._errors.GoogleAPIError as error:
            raise BeamAudioError(
                f"--subscription={self._path} can no longer be read: {error}"
            ) from error
        self._is_down = False
        with self._lock:
            self._leases.update(each.ack_id for each in answer.received_messages)
        self._lease([each.ack_id for each in answer.received_messages], _LEASE_SECONDS)
        return [Held(_message(each.message), each.ack_id) for each in answer.received_messages]

    def acknowledge(self, held: Sequence[Held]) -> None:
        """Let messages go for good; those that Pub/Sub cannot be told of now come again."""
        ack_ids = [each.ack_id for each in held]
        for start in range(0, len(ack_ids), _CHUNK):
            try:
                self._client.acknowledge(
                    subscription=self._path, ack_ids=ack_ids[start : start + _CHUNK]
                )
            except self._errors.GoogleAPIError as error:
                _LOG.warning("messages of %s will come again: %s", self._path, error)
        self.let_lapse(held)

    def let_lapse(self, held: Iterable[Held]) -> None:
        """Renew leases no more; what was not acknowledged comes again within a minute."""
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
            # A lease that is over costs no more than the message's coming again. A ValueError: the
            # connection was ended meanwhile.
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
