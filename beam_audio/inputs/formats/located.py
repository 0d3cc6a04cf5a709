"""Where the bytes of a member are, by its address alone: rows of an output hold no more."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.shards import members_of
from beam_audio.inputs.formats.tables import read_table
from beam_audio.inputs.members import Member
from beam_audio.types import ByteRange, Failure, TableCell

if TYPE_CHECKING:
    from beam_audio.types import AudioRef

_ADDRESS: Final = re.compile(r"(?P<file>.*?\.(?P<kind>tar|parquet|arrow))#(?P<name>.+)", re.DOTALL)
"""The first suffix of a file counts: names of members may hold anything."""


def located(ref: AudioRef) -> AudioRef:
    """The reference with the place of its bytes, if its address is that of a member.

    Headers up to the member are read. Other references are returned as they are, and so is one
    about a file that has such a name.

    Raises:
        InputError: The file that holds it cannot be opened, or has no such member.
    """
    found = _ADDRESS.fullmatch(ref.uri)
    has_bytes = ref.inside is not None or ref.inline is not None or ref.spooled_uri is not None
    if found is None or has_bytes or store.exists(ref.uri):
        return ref
    place = (_in_tar if found["kind"] == "tar" else _in_table)(found["file"], found["name"])
    if place is None:
        raise InputError(f"{found['file']!r} has no member {found['name']!r:.200}")
    return replace(ref, inside=place)


def _in_tar(shard: str, name: str) -> ByteRange | TableCell | None:
    stored = store.stat(shard)
    with store.open_to_read(shard) as file:
        for each in members_of(stored, file):
            if not isinstance(each, Failure) and each.name == name and not each.problem:
                return ByteRange(shard, each.start_byte, each.size_bytes, in_tar=True)
    return None


def _in_table(table: str, name: str) -> ByteRange | TableCell | None:
    for each in read_table(store.stat(table)):
        if isinstance(each, Member) and each.name == name:
            return each.inside
    return None
