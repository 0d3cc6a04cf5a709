"""What reading a subscription and publishing on a topic have in common."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final, Literal

from beam_audio.errors import ConfigError

ANSWER_SECONDS: Final = 10.0
"""How long Pub/Sub may take to say whether something is there."""
_NAME_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Library:
    """The client of Pub/Sub, which is not everybody's.

    Attributes:
        pubsub: ``google.cloud.pubsub_v1``.
        errors: ``google.api_core.exceptions``.
        unreachable: What is raised where a connection cannot be had.
    """

    pubsub: Any
    errors: Any
    unreachable: tuple[type[Exception], ...]


def client_library(flag: str) -> Library:
    """Import the client.

    Args:
        flag: The flag that needs it.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        from google.api_core import exceptions  # noqa: PLC0415 - streams alone need it
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - as above
        from google.cloud import pubsub_v1  # noqa: PLC0415 - as above
    except ImportError as error:
        raise ConfigError(
            f"{flag} needs the client of Pub/Sub: pip install 'beam_audio[gcp]'"
        ) from error
    return Library(pubsub_v1, exceptions, (exceptions.GoogleAPIError, GoogleAuthError))


def subscriber(library: Library) -> Any:  # noqa: ANN401 - the client is not typed
    """A client that takes answers of any size: a pull may bring many messages of 10 MB.

    Of an emulator the client of Pub/Sub would take 4 MB only, unlike of the service.
    """
    host = os.environ.get("PUBSUB_EMULATOR_HOST")
    if not host:
        return library.pubsub.SubscriberClient()
    import grpc  # noqa: PLC0415 - comes with the client

    channel = grpc.insecure_channel(host, options=[("grpc.max_receive_message_length", -1)])
    transport = library.pubsub.SubscriberClient.get_transport_class("grpc")(channel=channel)
    return library.pubsub.SubscriberClient(transport=transport)


def require_path(flag: str, path: str, kind: Literal["subscriptions", "topics"]) -> None:
    """Check the form of a resource's name.

    Raises:
        ConfigError: It is not ``projects/P/subscriptions/S``, or ``projects/P/topics/T``.
    """
    parts = path.split("/")
    if len(parts) != _NAME_PARTS or parts[::2] != ["projects", kind] or not all(parts):
        raise ConfigError(f"{flag}={path} must be projects/P/{kind}/{kind[0].upper()}")
