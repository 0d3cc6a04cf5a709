"""The outbox: units whose rows are still to be published to a topic, each at least once.

A run may end between a unit's commit and the publication of its rows. Its inputs are not processed
again, as they have rows. So before its work each unit is noted as a small file under
``OUTPUT/_outbox/``, which is deleted once all its rows are published.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.output.commits import read_commit
from beam_audio.output.parts import folder_keys, rows_of
from beam_audio.schema import column_names
from beam_audio.store.output_names import OUTBOX
from beam_audio.stream.reservations import HORIZON_SECONDS
from beam_audio.stream.row_messages import ID_COLUMNS, row_message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.output.commits import Commit
    from beam_audio.stream.row_messages import TopicMessage
    from beam_audio.stream.topic import Topic


def note(root: str, unit_id: str, version: int) -> None:
    """Note that the rows of a unit are to be published once this version is committed.

    Raises:
        StoreError: It cannot be written.
    """
    name = _note_name(unit_id, version)
    store.write_whole(root, name, name.encode())  # on s3:// Beam cannot write an empty file


def publish_unit(topic: Topic, root: str, commit: Commit) -> int:
    """Publish the rows of a committed unit and delete its note.

    Returns:
        Number of messages.

    Raises:
        StoreError: Not all could be published.
        InputError: A part file is gone.
    """
    noted = _note_name(commit.unit_id, commit.version)
    while True:
        try:
            published = topic.publish(unit_messages(root, commit))
        except InputError:
            present = read_commit(root, commit.unit_id)
            if present is None or present == commit:
                raise
            commit = present  # its files were merged, or it was processed again
        else:
            store.delete(store.join(root, noted))
            return published


def publish_left_over(topic: Topic, root: str) -> int:
    """Publish the rows of units that were committed and not published, as after a crash.

    The note of a unit that is not committed is kept for 31 days, as another run may be working on
    it. After that its messages are not delivered again.

    Returns:
        Number of messages.

    Raises:
        StoreError: Not all could be published.
    """
    oldest = time.time() - HORIZON_SECONDS
    published = 0
    for file in store.files_like(store.join(root, OUTBOX), "*-*"):
        unit_id, _, version = file.path.rpartition("/")[2].rpartition("-")
        commit = read_commit(root, unit_id)
        if commit is not None and commit.version >= int(version):
            published += publish_unit(topic, root, commit)
            store.delete(file.path)
        elif file.last_updated_in_seconds < oldest:
            store.delete(file.path)
    return published


def unit_messages(root: str, commit: Commit) -> Iterator[TopicMessage]:
    """A message for each segment and recording of a committed unit, read from its part files.

    Raises:
        InputError: A part file is gone.
    """
    for table in ID_COLUMNS:
        columns = sorted(column_names(table))  # stored audio is none of them
        for name in commit.files_of(table):
            keys = folder_keys(name)
            for batch in rows_of(root, name, commit.sources, columns):
                for row in batch.to_pylist():
                    yield row_message(table, row | keys, commit.version)


def _note_name(unit_id: str, version: int) -> str:
    return f"{OUTBOX}/{unit_id}-{version}"
