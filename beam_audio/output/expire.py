"""Retention: what an output keeps beside its rows and need not keep for ever.

That is audio and messages put aside for a stream, part files that no commit record names, work on
long recordings that nobody went on with, and decisions of earlier rules. Rows, records, run files
and ledgers stay.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from beam_audio import store
from beam_audio.output.commits import is_committed_now, is_shared, read_commits, unit_of_part
from beam_audio.output.folder import part_files
from beam_audio.store.output_names import DECISIONS, PARTS, PAYLOADS, SAVED_WORK, TABLES
from beam_audio.store.patterns import below

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from beam_audio.types import StoredFile

Kind = Literal["payload", "superseded", "parts", "decisions"]

FEWEST_SECONDS: Final = 3600.0
"""Younger files may be of work that is not committed yet."""


@dataclass(frozen=True, slots=True)
class Expired:
    """A file that is old enough to go.

    Attributes:
        kind: ``payload``: audio or a message put aside. ``superseded``: a part file that no record
            names. ``parts``: saved work on a long recording. ``decisions``: what earlier rules
            decided.
        name: The file, relative to the output.
        size_bytes: Its size.
    """

    kind: Kind
    name: str
    size_bytes: int


def find_expired(
    root: str, older_than_seconds: float, now: float, kept: Container[str] = ()
) -> list[Expired]:
    """What has expired, by kind and name; nothing is deleted.

    Args:
        root: The output folder.
        older_than_seconds: Files last written before so many seconds have expired.
        now: The present time, in seconds since the epoch.
        kept: Part files that tables elsewhere name, relative to the output; they stay.

    Raises:
        ValueError: ``older_than_seconds`` is below an hour.
        StoreError: The output cannot be read.
    """
    if older_than_seconds < FEWEST_SECONDS:
        raise ValueError(f"{older_than_seconds} is below {FEWEST_SECONDS}")
    oldest = now - older_than_seconds
    start = len(root.rstrip("/")) + 1
    found = [
        *(("payload", each) for each in _old(_under(root, PAYLOADS), oldest)),
        *(("parts", each) for each in _old(_under(root, SAVED_WORK), oldest)),
        *(
            ("superseded", each)
            for each in _superseded(root, oldest)
            if each.path[start:] not in kept
        ),
        *(("decisions", each) for each in _old_decisions(root, oldest)),
    ]
    return sorted(
        (Expired(kind, file.path[start:], file.size_in_bytes) for kind, file in found),  # type: ignore[arg-type] # of the literals above
        key=lambda each: (each.kind, each.name),
    )


def expire(root: str, found: list[Expired]) -> list[Expired]:
    """Delete what has expired; returns what was deleted.

    A part file is deleted only after its unit is closed: a writer that was paused can
    then no longer commit it.

    Raises:
        StoreError: A file cannot be deleted.
    """
    gone = [
        each for each in found if each.kind != "superseded" or not is_committed_now(root, each.name)
    ]
    store.delete(*[store.join(root, each.name) for each in gone])
    return gone


def superseded_parts(root: str) -> list[str]:
    """Part files that no commit record names, and none ever will.

    Left out are those of units that may still be committed. The caller holds the output, so
    that no compaction is at work.
    """
    versions, named = dict[str, int](), set[str]()
    for commit in read_commits(root):
        versions[commit.unit_id] = commit.version
        named.update(commit.files)
    start = len(root.rstrip("/")) + 1
    unnamed = {each.path[start:] for each in part_files(root)} - named

    def is_past(name: str) -> bool:
        unit, version = unit_of_part(name) or ("", 0)
        return is_shared(name) or version <= versions.get(unit, -1)

    return sorted(filter(is_past, unnamed))


def _under(root: str, folder: str) -> list[StoredFile]:
    return store.files_under(store.join(root, folder))


def _old(files: list[StoredFile], oldest: float) -> Iterator[StoredFile]:
    return (each for each in files if each.last_updated_in_seconds < oldest)


def _superseded(root: str, oldest: float) -> Iterator[StoredFile]:
    named = {store.join(root, name) for commit in read_commits(root) for name in commit.files}
    for table in TABLES:
        parts = store.match(below(store.join(root, table), f"**{PARTS}"))
        yield from (each for each in _old(parts, oldest) if each.path not in named)


def _old_decisions(root: str, oldest: float) -> Iterator[StoredFile]:
    """Decisions of rules none of whose files is young: half of them could not be restored."""
    by_rules: defaultdict[str, list[StoredFile]] = defaultdict(list)
    start = len(store.join(root, DECISIONS)) + 1
    for each in _under(root, DECISIONS):
        by_rules[each.path[start:].partition("/")[0]].append(each)
    for files in by_rules.values():
        if all(each.last_updated_in_seconds < oldest for each in files):
            yield from files
