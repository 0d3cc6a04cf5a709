"""Kaldi data folders: ``wav.scp``, and beside it ``segments``, ``text``, ``utt2spk``, ``utt2lang``.

Kaldi runs the commands that a ``wav.scp`` may hold in place of files. Here they are failures:
nothing that an input says is ever executed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.addresses import beside
from beam_audio.inputs.listing import read_failure
from beam_audio.inputs.manifest_files import numbered_lines
from beam_audio.inputs.members import line_of
from beam_audio.store.scratch_database import scratch_database
from beam_audio.types import Failure, StoredFile, stable_id

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from beam_audio.inputs.manifest_files import Line

_ARCHIVE: Final = re.compile(r".*\.ark:\d+(\[.*\])?")
_STATED: Final = {"text": "text", "utt2spk": "speaker", "utt2lang": "lang"}
"""Files about utterances, and the fields of a manifest they fill."""
_RECORDINGS: Final = "wav.scp"


def read_kaldi(scp: StoredFile) -> Iterator[Line | Failure]:
    """The utterances of a data folder as lines of a manifest; their ids are ``id`` of the metadata.

    With ``segments`` they are cuts of recordings; without it, each recording is one. A text
    without an utterance is a failure. The files need not be sorted.

    Args:
        scp: The ``wav.scp``.

    Raises:
        InputError: A file cannot be opened.
    """
    folder = _Folder(scp.path)
    segments = beside("segments", scp.path)
    is_cut = store.exists(segments)
    # Without segments, each line of wav.scp is read again as an utterance, and fails there.
    unread = list(folder.load(_RECORDINGS, scp.path))
    if is_cut:
        yield from unread
    for name in _STATED:
        if store.exists(path := beside(name, scp.path)):
            yield from folder.load(name, path)
    source = segments if is_cut else scp.path
    for each in numbered_lines(source):
        if isinstance(each, Failure):
            yield each
            continue
        number, content = each
        try:
            yield source, number, folder.utterance(content, is_cut=is_cut)
        except InputError as error:
            yield _failure(source, number, content, error)
    yield from folder.texts_left()


class _Folder:
    """The files of a data folder by key, on disk."""

    def __init__(self, scp: str) -> None:
        self._scp = scp
        self._held: sqlite3.Connection = scratch_database(
            "CREATE TABLE held (name TEXT, key TEXT, value TEXT, used INT DEFAULT 0,"
            " PRIMARY KEY (name, key)) WITHOUT ROWID"
        )

    def load(self, name: str, path: str) -> Iterator[Failure]:
        """Read a file; yields a failure for each line that cannot be read or has a known key."""
        for each in numbered_lines(path):
            if isinstance(each, Failure):
                yield each
                continue
            number, content = each
            try:
                self._add(name, *_split(content))
            except InputError as error:
                yield _failure(path, number, content, error)

    def _add(self, name: str, key: str, value: str) -> None:
        insert = "INSERT OR IGNORE INTO held (name, key, value) VALUES (?, ?, ?)"
        if not self._held.execute(insert, (name, key, value)).rowcount:
            raise InputError(f"{key!r:.80} comes twice; the first counts")

    def utterance(self, content: bytes, *, is_cut: bool) -> bytes:
        """An utterance as a line of a manifest.

        Raises:
            InputError: There is none, or its recording is no file.
        """
        key, rest = _split(content)
        fields: dict[str, Any] = {"id": key}
        recording = key
        if is_cut:
            recording, times = _split(rest.encode())
            fields |= _cut(times)
        elif self._value(_RECORDINGS, key) != rest:
            raise InputError(f"{key!r:.80} comes twice; the first counts")
        place = self._value(_RECORDINGS, recording)
        if place is None:
            raise InputError(f"wav.scp has no recording {recording!r:.80}")
        for name, field in _STATED.items():
            if (value := self._value(name, key)) is not None:
                fields[field] = value
        return line_of(_file_of(place), fields)

    def texts_left(self) -> Iterator[Failure]:
        """Failures of the texts that no utterance has taken."""
        path = beside("text", self._scp)
        left = self._held.execute("SELECT key FROM held WHERE name = 'text' AND NOT used")
        for (key,) in left:
            identity = stable_id("text without audio", path, key)
            message = f"no recording or segment has the key {key!r:.80} of this text"
            yield read_failure(identity, path, message, None)

    def _value(self, name: str, key: str) -> str | None:
        where = "WHERE name = ? AND key = ?"
        row = self._held.execute(f"SELECT value FROM held {where}", (name, key)).fetchone()  # noqa: S608 - ours
        if row is None:
            return None
        if name == "text":
            self._held.execute(f"UPDATE held SET used = 1 {where}", (name, key))  # noqa: S608 - ours
        value: str = row[0]
        return value


def _split(content: bytes) -> tuple[str, str]:
    """The key of a line, and what follows it.

    Raises:
        InputError: The line is not UTF-8.
    """
    try:
        key, rest = (*content.decode("utf-8-sig").split(maxsplit=1), "", "")[:2]
    except UnicodeError as error:
        raise InputError(f"not valid Unicode: {type(error).__name__}") from error
    return key, rest.strip()


def _cut(times: str) -> dict[str, Any]:
    """Offset and duration of a segment: its start and end, -1 for the end of the recording."""
    try:
        start, end, *channel = times.split()
        start_seconds, end_seconds = float(start), float(end)
    except ValueError as error:
        raise InputError(
            f"a segment has a start and an end in seconds, not {times!r:.80}"
        ) from error
    cut: dict[str, Any] = {"offset": start_seconds}
    if end_seconds != -1:
        if not end_seconds > start_seconds:
            raise InputError(f"a segment ends at {end_seconds:g} s, where it starts or before")
        cut["duration"] = round(end_seconds - start_seconds, 6)
    return cut | ({"channel": channel[0]} if channel else {})


def _file_of(place: str) -> str:
    """The file that a line of ``wav.scp`` names.

    Raises:
        InputError: It names none, or something that is no file of its own.
    """
    if place.endswith("|") or place.startswith("|"):
        raise InputError(
            f"wav.scp has a command, and commands are not run: {place!r:.200}; run it, and name "
            "the file that it writes"
        )
    if place in {"", "-"}:
        raise InputError("wav.scp names no file here")
    if _ARCHIVE.fullmatch(place):
        raise InputError(f"{place!r:.200} is in a Kaldi archive; write it to a file of its own")
    return place


def _failure(path: str, number: int, content: bytes, error: InputError) -> Failure:
    identity = stable_id("line of Kaldi", path, number, content.hex())
    return read_failure(identity, path, f"line {number}: {error}", None)
