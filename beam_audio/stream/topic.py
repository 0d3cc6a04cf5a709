"""A Pub/Sub topic that is told of what was committed."""

from __future__ import annotations

from concurrent.futures import wait
from typing import TYPE_CHECKING, Any, Final, Self

from beam_audio.errors import ConfigError, StoreError
from beam_audio.stream.pubsub import ANSWER_SECONDS, client_library, require_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    from beam_audio.stream.row_messages import TopicMessage

_GROUP_BYTES: Final = 8 << 20
"""Of messages that are handed over together, one alone is shorter."""
_LOST_SECONDS: Final = 900.0
"""The client tries for 600 s and tells; where the thread that sends has died, nobody tells."""


class Topic:
    """A topic; a context manager.

    ``PUBSUB_EMULATOR_HOST`` names an emulator, as for every client of Pub/Sub.
    """

    def __init__(self, path: str) -> None:
        """Connect and look whether the topic is there.

        Args:
            path: ``projects/P/topics/T``.

        Raises:
            ConfigError: The path has another form, the client is not installed, or the topic cannot
                be reached.
        """
        flag = "--output_topic"
        require_path(flag, path, "topics")
        library = client_library(flag)
        self._path = path
        self._client: Any = None
        try:
            self._client = library.pubsub.PublisherClient()
            self._client.get_topic(topic=path, timeout=ANSWER_SECONDS)
        except library.unreachable as error:
            self.close()
            _, project, _, name = path.split("/")
            raise ConfigError(
                f"{flag}={path} cannot be published on: {error}; create it (gcloud pubsub topics "
                f"create {name} --project={project}), or check the roles (pubsub.publisher and "
                "pubsub.viewer), the credentials (gcloud auth application-default login) or "
                "PUBSUB_EMULATOR_HOST"
            ) from error

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
        """End the connection."""
        if self._client is not None:
            self._client.stop()
            self._client.transport.close()

    def publish(self, messages: Iterable[TopicMessage]) -> int:
        """Publish messages and wait until Pub/Sub has all of them; few are held at a time.

        Returns:
            How many there were.

        Raises:
            StoreError: One was not taken, though the client tried again; others may have been.
        """
        return sum(map(self._publish, _groups(messages)))

    def _publish(self, group: Sequence[TopicMessage]) -> int:
        try:
            # A future keeps its message, also when it is done.
            futures: list[Any] = []
            try:
                futures.extend(
                    self._client.publish(self._path, each.data, **each.attributes) for each in group
                )
            finally:
                wait(futures, _LOST_SECONDS)
            for future in futures:
                future.result(0)
        except Exception as error:
            raise StoreError(
                f"--output_topic={self._path} did not take a message: {error!r}; the rows are "
                "committed, and are published when the stream is started again"
            ) from error
        return len(futures)


def _groups(messages: Iterable[TopicMessage]) -> Iterator[list[TopicMessage]]:
    group: list[TopicMessage] = []
    size_bytes = 0
    for each in messages:
        if group and size_bytes + len(each.data) > _GROUP_BYTES:
            yield group
            group, size_bytes = [], 0
        group.append(each)
        size_bytes += len(each.data)
    if group:
        yield group
