"""Lines of a manifest and the members of a tar shard they are about, brought together by name."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.shards import is_audio, member_input, members_of
from beam_audio.inputs.formats.tar_members import TarMember
from beam_audio.inputs.left_out import LeftOut, is_hidden_inside
from beam_audio.inputs.listing import read_failure
from beam_audio.inputs.manifest_files import Line
from beam_audio.inputs.members import line_of_whole, member_uri
from beam_audio.inputs.redaction import redacted
from beam_audio.store.groups_on_disk import GroupsOnDisk
from beam_audio.types import Failure, stable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beam_audio.inputs.members import Member
    from beam_audio.types import StoredFile


def stem(name: str) -> str:
    """A name without its suffix."""
    return os.path.splitext(name)[0]  # noqa: PTH122 - names of members are no paths


def joined(
    shard: str, lines: Iterable[tuple[str, Line]], name_of: Callable[[str], str]
) -> Iterator[Member | Failure | LeftOut]:
    """The members of a shard with the lines about them, in the order of names.

    A line without a member is a failure. A member without a line is an input without a text, or
    left out and counted if its name is hidden.

    Args:
        shard: The shard.
        lines: Lines as a manifest has them, each with the name of its member.
        name_of: The name that lines use of a member.
    """
    found = GroupsOnDisk[Line | TarMember]()
    found.add(lines)
    try:
        stored = store.stat(shard)
        with store.open_to_read(shard) as file:
            for each in members_of(stored, file):
                if isinstance(each, Failure):
                    yield each
                elif is_audio(each.name):
                    found.add([(name_of(each.name), each)])
    except InputError as error:
        yield from (_failure(line, str(error)) for line in found if not isinstance(line, TarMember))
        return
    for group in found.groups():
        yield from _inputs(stored, group)


def _inputs(
    shard: StoredFile, group: list[Line | TarMember]
) -> Iterator[Member | Failure | LeftOut]:
    members = [each for each in group if isinstance(each, TarMember)]
    lines = [each for each in group if not isinstance(each, TarMember)]
    if not members:
        message = f"{shard.path!r} has no member of this name"
        yield from (_failure(line, message) for line in lines)
        return
    first = min(members, key=lambda each: (bool(each.problem), is_hidden_inside(each.name)))
    for each in members:
        if is_hidden_inside(each.name) and not (each is first and lines):
            yield LeftOut(hidden=1)
            continue
        uri = member_uri(shard.path, each.name)
        if each is not first or not lines:
            yield member_input(shard, each, line_of_whole(uri, {}), redacted(uri))
            continue
        for manifest, number, line in lines:
            stated_in = redacted(f"{manifest} line {number}")
            yield member_input(shard, each, line, stated_in)


def _failure(line: Line, message: str) -> Failure:
    manifest, number, content = line
    identity = stable_id("line of a shard", manifest, number, content.hex(), message)
    return read_failure(identity, manifest, f"line {number}: {message}", None)
