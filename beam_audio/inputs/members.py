"""Inputs that share a file with others: members of a tar file, rows of a table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beam_audio.inputs.manifest import PATH_KEYS
from beam_audio.inputs.redaction import redacted
from beam_audio.quality.languages import known_code
from beam_audio.types import ByteRange, TableCell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beam_audio.types import StoredFile

_LANGUAGE_KEYS: Final = ("language", "locale")
_TEXT_KEYS: Final = ("text", "transcription", "transcript")
_OF_THE_SOURCE: Final = ("offset", "channel")


@dataclass(frozen=True, slots=True)
class Member:
    """An input inside a file, with what is stated about it; nothing of it is read.

    Attributes:
        file: The file.
        name: Its name in the file.
        inside: Where its bytes are.
        size_bytes: How many these are.
        fields: What is stated, as a line of a manifest.
        stated_in: Where that is stated.
    """

    file: StoredFile
    name: str
    inside: ByteRange | TableCell
    size_bytes: int
    fields: bytes
    stated_in: str

    @property
    def uri(self) -> str:
        """Its address."""
        return member_uri(self.file.path, self.name)

    @property
    def place(self) -> str:
        """What sorts members in the order they have in their file."""
        match self.inside:
            case ByteRange(_, start_byte):
                place = f"{start_byte:016}"
            case TableCell(_, row_group, row, _):
                place = f"{row_group:08} {row:012}"
        return f"{redacted(self.file.path)}#{place}"


def member_uri(file: str, name: str) -> str:
    """The address of a member: that of its file, ``#`` and its name."""
    return f"{redacted(file)}#{name}"


def line_of(path: str, fields: Mapping[str, Any]) -> bytes:
    """What a format states about a file as a line of a manifest.

    ``language`` or ``locale`` is the language if it names one, ``sentence`` the text if there is
    no other.
    """
    stated = dict(fields)
    for key in _LANGUAGE_KEYS:
        value = stated.get(key)
        if not stated.get("lang") and isinstance(value, str) and known_code(value):
            stated["lang"] = stated.pop(key)
    if all(stated.get(key) is None for key in _TEXT_KEYS) and "sentence" in stated:
        stated["text"] = stated.pop("sentence")
    stated[PATH_KEYS[0]] = path
    return json.dumps(stated, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")


def line_of_whole(path: str, fields: Mapping[str, Any]) -> bytes:
    """The same about audio that is cut already.

    An ``offset`` and a ``channel`` are those of the recording it was cut from, and are kept as
    ``source_offset`` and ``source_channel``.
    """
    return line_of(
        path,
        {f"source_{key}" if key in _OF_THE_SOURCE else key: fields[key] for key in fields},
    )
