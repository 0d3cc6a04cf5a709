"""Tar shards as inputs: what their members are, and the failures of those that cannot be read."""

from __future__ import annotations

import os.path
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError, raise_machine_error
from beam_audio.inputs.formats.tar_members import TarDamage, TarMember, tar_members
from beam_audio.inputs.left_out import KINDS
from beam_audio.inputs.listing import read_failure
from beam_audio.inputs.manifest import MAX_LINE_BYTES
from beam_audio.inputs.members import Member, member_uri
from beam_audio.store.scratch_database import scratch_database
from beam_audio.types import ByteRange, Failure, StoredFile, stable_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

# What tools that write shards put beside audio, and what no folder of audio has.
_BESIDE_AUDIO: Final = frozenset(
    [
        ".text",
        ".transcript",
        ".transcription",
        ".lang",
        ".cls",
        ".cls2",
        ".id",
        ".key",
        ".index",
        ".idx",
        ".inx",
        ".mp",
        ".msgpack",
        ".msg",
        ".pyd",
        ".pickle",
        ".ten",
        ".tb",
        ".tensor",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".nodata",
        ".nometa",
    ]
)


def is_audio(name: str) -> bool:
    """Whether a member may be audio, by its suffix; those of unknown suffixes may."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - as elsewhere with names
    return suffix not in KINDS and suffix not in _BESIDE_AUDIO


def members_of(shard: StoredFile, file: BinaryIO) -> Iterator[TarMember | Failure]:
    """The members of a shard in order, hidden ones too, and a failure for each stretch of damage.

    Of members with one name only the first can be read: the others would have its address.

    Args:
        shard: The shard.
        file: It, opened.
    """
    names = scratch_database("CREATE TABLE seen (name TEXT PRIMARY KEY) WITHOUT ROWID")
    try:
        if file.read(len(store.GZIP_MAGIC)) == store.GZIP_MAGIC:
            message = "it is compressed, so that no member can be read alone: unpack it by gunzip"
            yield failure_inside(shard, "", message)
            return
        for each in tar_members(file, shard.size_in_bytes):
            if isinstance(each, TarDamage):
                yield _damaged(shard, each)
            else:
                is_new = names.execute("INSERT OR IGNORE INTO seen VALUES (?)", (each.name,))
                again = each.problem or "the shard has this name twice; the first is read"
                yield each if is_new.rowcount else replace(each, problem=again)
    except Exception as error:  # noqa: BLE001 - whatever a store's client raises
        raise_machine_error(error, f"cannot read {shard.path!r}")
        yield failure_inside(shard, "", f"cannot be read to its end: {error}")


def _damaged(shard: StoredFile, damage: TarDamage) -> Failure:
    what = f"bytes {damage.start_byte} to {damage.end_byte}"
    message = f"no tar header in {what}: members there are lost; write the shard again"
    return failure_inside(shard, "", message, damage.start_byte)


def failure_inside(shard: StoredFile, name: str, message: str, start_byte: int = 0) -> Failure:
    """The failure of a member, or of a shard if it has no name.

    Args:
        shard: The shard.
        name: The member.
        message: What is wrong.
        start_byte: Where it is, to tell members of one name apart.
    """
    uri = member_uri(shard.path, name) if name else shard.path
    identity = stable_id("member", uri, start_byte, message)
    return read_failure(identity, uri, message, None)


def member_input(
    shard: StoredFile, member: TarMember, fields: bytes, stated_in: str
) -> Member | Failure:
    """A member as an input, or why it cannot be read.

    Args:
        shard: The shard.
        member: Its member.
        fields: What is stated about it, as a line of a manifest.
        stated_in: Where that is stated.
    """
    if member.problem:
        return failure_inside(shard, member.name, member.problem, member.start_byte)
    inside = ByteRange(shard.path, member.start_byte, member.size_bytes, in_tar=True)
    return Member(shard, member.name, inside, member.size_bytes, fields, stated_in)


def text_of(member: TarMember, file: BinaryIO) -> str:
    """A small member as text.

    Raises:
        InputError: It cannot be read, is too long or no UTF-8.
    """
    if member.problem:
        raise InputError(f"{member.name!r:.200} is {member.problem}")
    if member.size_bytes > MAX_LINE_BYTES:
        raise InputError(f"{member.name!r:.200} is longer than {MAX_LINE_BYTES} bytes")
    file.seek(member.start_byte)
    try:
        return file.read(member.size_bytes).decode("utf-8-sig")
    except UnicodeError as error:
        raise InputError(f"{member.name!r:.200} is not valid Unicode") from error
