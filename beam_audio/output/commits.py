"""Commit records: which part files a unit has, and what became of each of its inputs.

A unit is a few tens of inputs that are processed and committed together. Its record is written
last and replaced as a whole. Part files that no record names are left-overs.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from beam_audio import store
from beam_audio.errors import StoreError
from beam_audio.output import folder
from beam_audio.output.folder import require_readable
from beam_audio.output.registrations import is_registered
from beam_audio.output.stored_values import value_of
from beam_audio.schema import SCHEMA_VERSION
from beam_audio.store.compare_and_swap import swap
from beam_audio.store.output_names import COMMITS, PARTS, SHARED_PARTS, TABLES
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

from beam_audio.types import StoredFile

_WORK_ID_DIGITS: Final = 8
_PART_ID: Final = re.compile(PARTS.replace("*", r"([0-9a-f]+)-(\d+)-[0-9a-f]+"))
_VERSION: Final = "schema_version"
_MOST_VERSIONS: Final = 1 << 31

_FOREIGN: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What reading a file raises that is no commit record."""

InputOutcome = Literal["recorded", "known", "failed"]


@dataclass(frozen=True, slots=True)
class InputState:
    """What became of one input.

    Attributes:
        outcome: ``recorded``: it has rows in ``recordings/``. ``known``: the same bytes under the
            same name have rows already, in this unit or another. ``failed``: it has a failure only.
        place_id: Where it was found: the hash of its address and cut, whatever its content.
        stated_id: Hash of what a manifest or message states about it.
        stated_language: The language stated.
        layers: Hash of each layer of the configuration that its rows depend on.
        recording_ids: Its recordings, one for each channel.
        failed_segments: Number of their segments that failed.
        failed_opinions: Number of their segments that the second model failed on.
        attempt: 1, or more if it was tried again.
        lacks_model: Whether it failed because the model does not know its stated language.
        claims_id: Hash of what is stated except metadata; empty for nothing, None if not known.
    """

    outcome: InputOutcome
    place_id: str
    stated_id: str
    stated_language: str | None
    layers: dict[str, str]
    recording_ids: tuple[str, ...] = ()
    failed_segments: int = 0
    attempt: int = 1
    lacks_model: bool = False
    claims_id: str | None = None
    failed_opinions: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit record of one unit; it makes the unit's part files valid.

    Attributes:
        unit_id: Hash of the sorted source ids that the unit was first made of.
        sources: Every input of the unit by its source id.
        layout: The settings that all rows of an output share.
        files: Part files, relative to the output folder.
        rows: Number of rows by table.
        decoded_seconds: Source seconds decoded for this version, each counted once.
        stage_seconds: Seconds spent by stage for this version, all threads together; seconds of
            waiting; and seconds that the process's recogniser had a batch, and none, since the
            unit that was committed before.
        batches: What the recogniser was given: batches, passages, and their seconds.
        provider: Execution provider of the recogniser.
        version: 1, and one more each time an input of the unit is processed again.
        run_id: The run that wrote this version.
    """

    unit_id: str
    sources: dict[str, InputState]
    layout: dict[str, str]
    files: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    decoded_seconds: float = 0.0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    batches: dict[str, float] = field(default_factory=dict)
    provider: str = ""
    version: int = 1
    run_id: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether the record is empty, and only prevents that the unit is ever committed."""
        return not self.sources

    def sources_that(self, outcome: InputOutcome) -> frozenset[str]:
        """Ids of the inputs with this outcome."""
        return frozenset(name for name, state in self.sources.items() if state.outcome == outcome)

    def files_of(self, table: str) -> Iterator[str]:
        """Its part files of a table."""
        return (name for name in self.files if name.startswith(f"{table}/"))


def unit_id(source_ids: Iterable[str]) -> str:
    """Name of the unit that holds these inputs, in any order."""
    return stable_id("unit", sorted(source_ids))


def part_id(unit: str, version: int, work_id: str) -> str:
    """What part files are named after: the unit, its version, and all that the rows depend on.

    So a retry overwrites the files of an earlier attempt, and no other work does.
    """
    return f"{unit}-{version}-{work_id[:_WORK_ID_DIGITS]}"


def is_shared(name: str) -> bool:
    """Whether a part file may hold rows of several units, and rows that no longer count.

    A row in a shared file is valid only if its input belongs to a unit whose record names the file.
    """
    return fnmatchcase(name.rpartition("/")[2], SHARED_PARTS)


def units_by_file(committed: Iterable[Commit]) -> dict[str, list[Commit]]:
    """The units that name each part file."""
    units: defaultdict[str, list[Commit]] = defaultdict(list)
    for commit in committed:
        for name in commit.files:
            units[name].append(commit)
    return dict(units)


def counted_sources(units: Iterable[Commit]) -> frozenset[str]:
    """Inputs whose rows are valid in a file that these units name."""
    return frozenset(source_id for commit in units for source_id in commit.sources)


@dataclass(frozen=True, slots=True)
class Written:
    """The record was written and is in force."""

    commit: Commit


@dataclass(frozen=True, slots=True)
class LostTo:
    """Another writer was faster: its record is in force."""

    commit: Commit


def write_commit(root: str, commit: Commit) -> Written | LostTo:
    """Write a unit's commit record, if the present one is the version before.

    Raises:
        StoreError: It cannot be written, or the version before is gone.
    """

    def is_before(current: Commit | None) -> bool:
        return (current.version if current else 0) == commit.version - 1

    current = _swap(root, commit, is_before)
    return Written(commit) if current == commit else LostTo(current)


def close_unit(root: str, identifier: str, version: int = 1) -> Commit:
    """Make sure that nobody commits this version of a unit from now on.

    A unit that is not committed at all is closed. One that was to be done again keeps its rows
    under this version, which whoever works on it can then no longer write.

    Returns:
        The present record; that of a writer that was faster if this version is committed.

    Raises:
        StoreError: It cannot be written.
    """
    present = read_commit(root, identifier)
    while present is None or present.version < version:
        before = present or Commit(identifier, sources={}, layout={}, version=0)
        present = write_commit(root, replace(before, version=before.version + 1)).commit
    return present


def is_closed(root: str, identifier: str) -> bool:
    """Whether a unit was closed before anyone committed it."""
    commit = read_commit(root, identifier)
    return commit is not None and commit.is_closed


def rename_parts(root: str, identifier: str, names: Mapping[str, str]) -> None:
    """Replace names of part files in a unit's record; other names stay."""
    commit = read_commit(root, identifier)
    while commit is not None and not names.keys().isdisjoint(commit.files):
        files = sorted({names.get(name, name) for name in commit.files})
        commit = _swap(root, replace(commit, files=tuple(files)), commit.__eq__)


def _swap(root: str, commit: Commit, may_replace: Callable[[Commit | None], bool]) -> Commit:
    """Write a record if the present one may be replaced; returns the one present then."""
    # Most inputs share their layers: each set of layers is written once.
    layers: list[dict[str, str]] = []
    sources = {}
    for name, state in sorted(commit.sources.items()):
        if state.layers not in layers:
            layers.append(state.layers)
        sources[name] = _fields(state) | {"layers": layers.index(state.layers)}
    content = _fields(commit) | {"sources": sources, "layers": layers, _VERSION: SCHEMA_VERSION}
    text = json.dumps(content, indent=1, sort_keys=True).encode()
    name = f"{COMMITS}/{commit.unit_id}.json"
    uri = store.join(root, name)
    present = swap(
        root, name, text, lambda found: may_replace(parse_commit(uri, found) if found else None)
    )
    if present is None:
        raise StoreError(f"commit record {uri!r} was deleted meanwhile; run again")
    return commit if present == text else parse_commit(uri, present)


def _fields(record: InputState | Commit) -> dict[str, Any]:
    """Fields of a record by name; :func:`dataclasses.asdict` would copy all that is in them."""
    return {each.name: getattr(record, each.name) for each in fields(record)}


def read_commit(root: str, identifier: str) -> Commit | None:
    """The commit record of one unit, None if it is not committed."""
    uri = store.join(root, COMMITS, f"{identifier}.json")
    return load_commit(uri) if store.exists(uri) else None


def read_commits(root: str) -> Iterator[Commit]:
    """Every commit record of an output."""
    return store.read_each(load_commit, [file.path for file in commit_files(root)])


def commit_files(root: str) -> list[StoredFile]:
    """The files that hold the commit records of an output."""
    found = store.files_under(store.join(root, COMMITS))
    return [file for file in found if file.path.endswith(".json")]


def delete_uncommitted(root: str) -> int:
    """Delete temporary files, and part files that no commit record names.

    Where no lock shows that their writers have ended, their units are closed first.

    Returns:
        How many files were deleted.
    """
    committed = {name for commit in read_commits(root) for name in commit.files}

    return folder.delete_uncommitted(root, committed, partial(is_committed_now, root))


def is_committed_now(root: str, name: str) -> bool:
    """Whether a part file is named by its unit's record; if not, it never will be from now on.

    Raises:
        StoreError: The record cannot be written.
    """
    unit = unit_of_part(name)
    return unit is not None and name in close_unit(root, *unit).files


def unit_of_part(name: str) -> tuple[str, int] | None:
    """The unit that a part file was written for, and its version; None if it is shared."""
    found = _PART_ID.fullmatch(name.rpartition("/")[2])
    return (found[1], int(found[2])) if found else None


def delete_replaced(root: str, files: Iterable[str], commit: Commit) -> None:
    """Delete those part files that a unit's record does not name; units may share files.

    Tables elsewhere may name them still: those of a registered output stay.
    """
    if is_registered(root):
        return
    left_over = set(files) - set(commit.files)
    store.delete(*[store.join(root, each) for each in left_over if not is_shared(each)])


def load_commit(uri: str) -> Commit:
    """Read a commit record.

    Raises:
        ConfigError: It is a record of an output in a schema that this version does not read.
        StoreError: The file is not a commit record.
    """
    with store.open_to_read(uri) as file:
        return parse_commit(uri, file.read())


def parse_commit(uri: str, content: bytes) -> Commit:
    """The commit record that a file holds.

    Raises:
        ConfigError: It is a record of an output in a schema that this version does not read.
        StoreError: The file is not a commit record.
    """
    try:
        found: dict[str, Any] = json.loads(content)
        if "unit_id" in found:
            output = uri.removesuffix(f"/{COMMITS}/{found['unit_id']}.json")
            require_readable(found.pop(_VERSION, None), output)
        layers = found.pop("layers")
        sources = {
            name: value_of(InputState, state | {"layers": layers[state["layers"]]})
            for name, state in found["sources"].items()
        }
        return _checked(uri, value_of(Commit, found | {"sources": sources}))
    except _FOREIGN as error:
        raise StoreError(
            f"commit record {uri!r} was not written by this version ({error}); "
            "move it away and the unit will be processed again"
        ) from error


def _checked(uri: str, commit: Commit) -> Commit:
    """The record, if it names its unit and part files below the output alone.

    Raises:
        ValueError: It does not.
    """
    if not uri.endswith(f"/{commit.unit_id}.json"):
        raise ValueError(f"its unit is {commit.unit_id!r:.200}")
    for name in commit.files:
        if (why := store.outside(name)) is not None:
            raise ValueError(f"its name {name!r:.200} {why}")
        if name.partition("/")[0] not in TABLES or not fnmatchcase(name, f"*/{PARTS}"):
            raise ValueError(f"{name!r:.200} is no part file")
    if not 0 < commit.version < _MOST_VERSIONS:
        raise ValueError(f"its version is {commit.version}")
    places = (state.place_id for state in commit.sources.values())
    for text in (commit.unit_id, commit.run_id, *commit.files, *commit.sources, *places):
        text.encode()  # JSON can hold what is no Unicode, and databases cannot
    return commit
