"""What reading a subscription and publishing to a topic share: the client and its connection."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    from types import TracebackType

    Kind = Literal["subscriptions", "topics"]

ANSWER_SECONDS: Final = 10.0
"""How long Pub/Sub may take to say whether a subscription or topic exists."""
_NAME_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Library:
    """The client library of Pub/Sub, which the ``gcp`` extra installs.

    Attributes:
        pubsub: ``google.cloud.pubsub_v1``.
        errors: ``google.api_core.exceptions``.
        unreachable: Errors that mean that there is no connection.
    """

    pubsub: Any
    errors: Any
    unreachable: tuple[type[Exception], ...]


def client_library(flag: str) -> Library:
    """Import the client library.

    Args:
        flag: The flag that needs it.

    Raises:
        ConfigError: The library is not installed.
    """
    try:
        from google.api_core import exceptions  # noqa: PLC0415 - streams alone need it
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - as above
        from google.cloud import pubsub_v1  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ConfigError(
            f"{flag} needs the client library of Pub/Sub: pip install 'beam_audio[gcp]'"
        ) from error
    return Library(pubsub_v1, exceptions, (exceptions.GoogleAPIError, GoogleAuthError))


class Connection(ABC):
    """A connection to a subscription or topic that exists; a context manager.

    ``PUBSUB_EMULATOR_HOST`` names an emulator, as for every client of Pub/Sub.
    """

    def __init__(self, flag: str, path: str, kind: Kind) -> None:
        """Connect, and check that the subscription or topic exists.

        Args:
            flag: The flag that names it.
            path: ``projects/P/subscriptions/S`` or ``projects/P/topics/T``.
            kind: The third part of the path.

        Raises:
            ConfigError: The path has another form, the client library is not installed, or the
                subscription or topic cannot be reached.
        """
        require_path(flag, path, kind)
        self._path = path
        self._library = client_library(flag)
        self._client: Any = None
        try:
            self._client = self._connect()
            self._find()
        except self._library.unreachable as error:
            self.close()
            raise ConfigError(f"{flag}={path} {self._complaint(error)}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """End the connection, if there is one."""

    @abstractmethod
    def _connect(self) -> Any:  # noqa: ANN401 - the client is not typed
        """Make the client."""

    @abstractmethod
    def _find(self) -> None:
        """Ask the server for the subscription or topic."""

    @abstractmethod
    def _complaint(self, error: Exception) -> str:
        """What is wrong with the path and what to do, after its name."""


def subscriber(library: Library) -> Any:  # noqa: ANN401 - the client is not typed
    """A client that accepts answers of any size: a pull may bring many messages of 10 MB.

    With an emulator the client's default limit is 4 MB; with the real service it has none.
    """
    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not host:
        return library.pubsub.SubscriberClient()
    import grpc  # noqa: PLC0415 - comes with the client

    channel = grpc.insecure_channel(host, options=[("grpc.max_receive_message_length", -1)])
    transport = library.pubsub.SubscriberClient.get_transport_class("grpc")(channel=channel)
    return library.pubsub.SubscriberClient(transport=transport)


def require_path(flag: str, path: str, kind: Kind) -> None:
    """Check the form of a resource's name.

    Raises:
        ConfigError: It is not ``projects/P/subscriptions/S``, or ``projects/P/topics/T``.
    """
    parts = path.split("/")
    if len(parts) != _NAME_PARTS or parts[::2] != ["projects", kind] or not all(parts):
        raise ConfigError(f"{flag}={path} must be projects/P/{kind}/{kind[0].upper()}")
