"""Publishing messages to a Pub/Sub topic."""

from __future__ import annotations

from concurrent.futures import wait
from typing import TYPE_CHECKING, Any, Final

from beam_audio.errors import StoreError, is_refusal
from beam_audio.stream.pubsub import ANSWER_SECONDS, Connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.stream.row_messages import TopicMessage

_GROUP_BYTES: Final = 8 << 20
"""Messages are handed to the client in groups of this size at most."""
_LOST_SECONDS: Final = 900.0
"""How long an answer is waited for. The client reports after 600 s, unless its thread has died."""


class Topic(Connection):
    """A connection to a topic; a context manager."""

    def __init__(self, path: str) -> None:
        """Connect, and check that the topic exists.

        Args:
            path: ``projects/P/topics/T``.

        Raises:
            ConfigError: The path has another form, the client library is not installed, or the
                topic cannot be reached.
        """
        super().__init__("--output_topic", path, "topics")

    def _connect(self) -> Any:  # noqa: ANN401 - the client is not typed
        return self._library.pubsub.PublisherClient()

    def _find(self) -> None:
        self._client.get_topic(topic=self._path, timeout=ANSWER_SECONDS)

    def _complaint(self, error: Exception) -> str:
        _, project, _, name = self._path.split("/")
        return (
            f"cannot be published to: {error}; create it (gcloud pubsub topics create {name} "
            f"--project={project}), or check the roles (pubsub.publisher and pubsub.viewer), the "
            "credentials (gcloud auth application-default login) or PUBSUB_EMULATOR_HOST"
        )

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.stop()
            self._client.transport.close()

    def publish(self, messages: Iterable[TopicMessage]) -> int:
        """Publish messages and wait until Pub/Sub has all of them; few are in memory at a time.

        Returns:
            Number of messages.

        Raises:
            StoreError: A message was refused, also when repeated; others may be published.
        """
        return sum(map(self._publish, _groups(messages)))

    def _publish(self, group: Sequence[TopicMessage]) -> int:
        try:
            # A future keeps its message even after it is done.
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
            cure = "; give this account the role pubsub.publisher" if is_refusal(error) else ""
            raise StoreError(
                f"--output_topic={self._path} refused a message: {error!r}{cure}; the rows are "
                "committed and will be published when the stream is started again"
            ) from error
        return len(futures)


def _groups(messages: Iterable[TopicMessage]) -> Iterator[list[TopicMessage]]:
    """Consecutive messages in groups; one that is too long for a group is a group alone."""
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
