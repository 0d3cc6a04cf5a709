"""How an output stands: whether it is complete, what remains, what failed last, who writes there.

Everything is read and nothing is written, so this may be asked at any time, also by somebody who
may only read.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.output.claims import claimed_versions
from beam_audio.output.commits import read_commits
from beam_audio.output.counted import Counted
from beam_audio.output.folder import is_written_here
from beam_audio.output.holder import holder_of
from beam_audio.output.input_ids import read_unfinished
from beam_audio.output.saved_work import saved_folders
from beam_audio.output.valid_rows import valid_rows
from beam_audio.store.output_names import LEDGERS, OUTBOX, RUN_FILES
from beam_audio.store.scratch_database import scratch_database

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_SCHEMA: Final = "CREATE TABLE listed (source TEXT PRIMARY KEY) WITHOUT ROWID;"
_FAILURE_COLUMNS: Final = ["source_id", "unit", "stage", "error_type", "uri", "message", "when"]


@dataclass(frozen=True, slots=True)
class Writer:
    """A batch that holds an output.

    Attributes:
        run_id: The batch.
        host: The machine it was started on.
        is_alive: Whether it still runs, as far as can be told.
        began_seconds_ago: How long ago it began.
        seen_seconds_ago: How long ago it gave its last sign of life.
    """

    run_id: str
    host: str
    is_alive: bool
    began_seconds_ago: float
    seen_seconds_ago: float


@dataclass(frozen=True, slots=True)
class LastEnd:
    """The run or the interval of a stream that ended last.

    Attributes:
        name: Its file, relative to the output.
        balances: Whether its ledger balances.
        ended_seconds_ago: How long ago the file was written.
        waiting: Messages of the interval that were read and are not finished.
    """

    name: str
    balances: bool
    ended_seconds_ago: float
    waiting: int


@dataclass(frozen=True, slots=True)
class LastFailure:
    """The failure that was written last."""

    when: datetime
    stage: str
    error_type: str
    uri: str
    message: str


@dataclass(frozen=True, slots=True)
class Status:
    """How an output stands.

    Attributes:
        inputs: Committed inputs by what became of them.
        left: Inputs that a run which has not ended has listed and that are not committed; None if
            such a run did not get to list them.
        open_units: Units that a batch has claimed and not committed.
        unpublished: Units whose rows are still to be published to a topic.
        half_done: Long recordings of which some parts are saved, and that have no rows yet.
        saved_parts: Files of such parts.
        failures: Number of failure rows, superseded ones too.
        last_failure: The latest of them.
        last_end: The run or interval that ended last; None if none has.
        writer: The batch that holds the output; None for nobody.
        is_written_here: Whether a run of this machine writes there; None for a bucket, which does
            not tell.
    """

    inputs: dict[str, int]
    left: int | None
    open_units: int
    unpublished: int
    half_done: int
    saved_parts: int
    failures: int
    last_failure: LastFailure | None
    last_end: LastEnd | None
    writer: Writer | None
    is_written_here: bool | None

    @property
    def is_alive(self) -> bool:
        """Whether a run is at work, as far as can be told."""
        return bool(self.is_written_here) or (self.writer is not None and self.writer.is_alive)

    @property
    def is_complete(self) -> bool:
        """Whether nobody is at work, nothing remains, and the last ledger balances."""
        remains = self.left is None or self.left or self.open_units or self.unpublished
        ended = self.last_end is not None and self.last_end.balances and not self.last_end.waiting
        return ended and not remains and not self.is_alive


def read_status(root: str) -> Status:
    """Read how an output stands.

    Raises:
        ConfigError: There is no output.
        InputError: A file of it vanished meanwhile; ask again.
        StoreError: A file of it is damaged.
    """
    writer, last_end = _writer(root), _last_end(root)
    left = _Left(root)
    outcomes, versions, counted = Counter[str](), dict[str, int](), Counted()
    for commit in read_commits(root):
        if not commit.is_closed:
            outcomes.update(state.outcome for state in commit.sources.values())
            versions[commit.unit_id] = commit.version
            counted.add(commit)
            left.drop(commit.sources)
    if not versions and writer is None and last_end is None:
        raise ConfigError(f"{root} holds nothing of a run; name the --output of a run")
    saved = saved_folders(root)
    failures, last_failure = _failures(root, counted)
    return Status(
        inputs=dict(sorted(outcomes.items())),
        left=None if writer is not None and not left.is_known else left.count,
        open_units=sum(
            versions.get(unit_id, 0) < version for unit_id, version in claimed_versions(root)
        ),
        unpublished=len(store.files_under(store.join(root, OUTBOX))),
        half_done=len(saved),
        saved_parts=sum(saved.values()),
        failures=failures,
        last_failure=last_failure,
        last_end=last_end,
        writer=writer,
        is_written_here=is_written_here(root),
    )


def _writer(root: str) -> Writer | None:
    now = time.time()  # the store's own clock is asked by writing a file
    if (found := holder_of(root, now)) is None:
        return None
    ago = [max(0.0, now - each) for each in (found.holder.began_seconds, found.seen_seconds)]
    return Writer(found.holder.run_id, found.holder.host, found.is_alive, *ago)


def _last_end(root: str) -> LastEnd | None:
    files = [*store.files_like(root, RUN_FILES), *store.files_under(store.join(root, LEDGERS))]
    if not files:
        return None
    last = max(files, key=lambda file: (file.last_updated_in_seconds, file.path))
    with store.open_to_read(last.path) as file:
        content: dict[str, Any] = json.loads(file.read())
    ledger = content.get("ledger", content)
    return LastEnd(
        name=last.path.removeprefix(root.rstrip("/") + "/"),
        balances=bool(ledger.get("balances")),
        ended_seconds_ago=max(0.0, time.time() - last.last_updated_in_seconds),
        waiting=len(content.get("waiting", ())) + len(content.get("overdue", ())),
    )


class _Left:
    """Inputs that are listed and not committed: the lists are there until a run has ended.

    Attributes:
        is_known: Whether any run has listed inputs and has not ended.
    """

    def __init__(self, root: str) -> None:
        self.is_known = False
        self._ahead = 0
        self._database = scratch_database(_SCHEMA)
        for ids, ahead in read_unfinished(root):
            self.is_known = True
            self._ahead += ahead
            self._each("INSERT OR IGNORE INTO listed VALUES (?)", ids)

    def drop(self, committed: Iterable[str]) -> None:
        """Leave out what is committed."""
        if self.is_known:
            self._each("DELETE FROM listed WHERE source = ?", committed)

    def _each(self, statement: str, names: Iterable[str]) -> None:
        self._database.executemany(statement, ((name,) for name in names))

    @property
    def count(self) -> int:
        """How many are left, those that nobody has looked at yet included."""
        (listed,) = self._database.execute("SELECT count(*) FROM listed").fetchone()
        return int(listed) + self._ahead


def _failures(root: str, counted: Counted) -> tuple[int, LastFailure | None]:
    count, last = 0, None
    for row in valid_rows(root, counted, "failures", _FAILURE_COLUMNS):
        count += 1
        if last is None or row["when"] > last["when"]:
            last = row
    if last is None:
        return 0, None
    shown = ("when", "stage", "error_type", "uri", "message")
    return count, LastFailure(**{name: last[name] for name in shown})
