"""WebDataset: tar files in which members of one name up to its first dot are one sample.

A sample has audio, and its text in a ``.txt`` or in the fields of a ``.json``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.shards import (
    failure_inside,
    is_audio,
    member_input,
    members_of,
    text_of,
)
from beam_audio.inputs.left_out import LeftOut, is_hidden_inside
from beam_audio.inputs.manifest import load_object
from beam_audio.inputs.members import line_of_whole, member_uri
from beam_audio.inputs.redaction import redacted
from beam_audio.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from beam_audio.inputs.formats.tar_members import TarMember
    from beam_audio.inputs.members import Member
    from beam_audio.types import StoredFile

_KEY: Final = re.compile(r"((?:.*/|)[^.]*)(.*)", re.DOTALL)
_TEXT_SUFFIXES: Final = (".txt", ".text", ".transcript")
_MOST_MEMBERS: Final = 64
"""Of one sample that are looked at together; nobody writes so many."""


def read_webdataset(shard: StoredFile) -> Iterator[Member | Failure | LeftOut]:
    """The audio of each sample of a shard, with what its other members state.

    Each audio member of a sample is an input. A sample without audio is a failure, and so is one
    whose text or fields cannot be read. Hidden members are left out, and counted at the end.

    Raises:
        InputError: The shard cannot be opened.
    """
    sample: list[TarMember] = []
    hidden = 0
    with store.open_to_read(shard.path) as file:
        for each in members_of(shard, file):
            if isinstance(each, Failure):
                yield each
                continue
            if is_hidden_inside(each.name):
                hidden += 1
                continue
            if sample and (key_of(each) != key_of(sample[0]) or len(sample) == _MOST_MEMBERS):
                yield from _inputs(shard, file, sample)
                sample = []
            sample.append(each)
        if sample:
            yield from _inputs(shard, file, sample)
    yield LeftOut(hidden)


def key_of(member: TarMember) -> str:
    """What the members of a sample have in common."""
    found = _KEY.match(member.name)
    return found[1] if found else member.name


def _inputs(
    shard: StoredFile, file: BinaryIO, sample: list[TarMember]
) -> Iterator[Member | Failure]:
    audio = [each for each in sample if is_audio(each.name)]
    if not audio:
        names = ", ".join(each.name for each in sample)
        message = f"no audio beside {names:.200}: members of a sample follow each other"
        yield failure_inside(shard, sample[0].name, message, sample[0].start_byte)
        return
    try:
        fields = _fields(file, sample)
    except InputError as error:
        for each in audio:
            yield failure_inside(shard, each.name, str(error), each.start_byte)
        return
    for each in audio:
        uri = member_uri(shard.path, each.name)
        yield member_input(shard, each, line_of_whole(uri, fields), redacted(uri))


def _fields(file: BinaryIO, sample: list[TarMember]) -> dict[str, Any]:
    """What a sample states; the text of a ``.txt`` counts before that of a ``.json``."""
    stated: dict[str, Any] = {}
    for each in sample:
        if each.name.endswith(".json"):
            content = text_of(each, file).encode()
            try:
                stated |= load_object(content)
            except InputError as error:
                raise InputError(f"{each.name!r:.200}: {error}") from error
    for each in sample:
        if each.name.endswith(_TEXT_SUFFIXES):
            for key in ("transcription", "transcript"):
                stated.pop(key, None)
            stated["text"] = text_of(each, file).strip("\r\n")
            break
    return stated
