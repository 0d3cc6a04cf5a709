"""Lhotse Shar: ``cuts.N.jsonl.gz``, and the audio of each cut in ``recording.N.tar`` beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.addresses import beside
from beam_audio.inputs.formats.cuts import cut_failure, stated_of
from beam_audio.inputs.formats.joined import joined, stem
from beam_audio.inputs.manifest import load_object
from beam_audio.inputs.manifest_files import Line, numbered_lines
from beam_audio.inputs.members import line_of_whole
from beam_audio.store.groups_on_disk import GroupsOnDisk
from beam_audio.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.inputs.left_out import LeftOut
    from beam_audio.inputs.members import Member
    from beam_audio.types import StoredFile

_NAME: Final = re.compile(r"cuts((?:\.[^.]+)?)\.jsonl(?:\.gz)?")


def shard_of(manifest: str) -> str:
    """The shard with the audio of the cuts of a file.

    Raises:
        InputError: The file has another name than Shar's.
    """
    found = _NAME.fullmatch(manifest.rpartition("/")[2])
    if found is None:
        raise InputError(f"{manifest!r} is not called cuts.N.jsonl.gz, as files of Shar are")
    return beside(f"recording{found[1]}.tar", manifest)


def has_shard(manifest: str) -> bool:
    """Whether a file of cuts is one of Shar, with its audio beside it.

    Raises:
        InputError: The store does not say.
    """
    return _NAME.fullmatch(manifest.rpartition("/")[2]) is not None and store.exists(
        shard_of(manifest)
    )


def read_shar(manifest: StoredFile) -> Iterator[Member | Failure | LeftOut]:
    """The cuts of a file with their audio, which is the whole cut.

    Raises:
        InputError: The file cannot be opened or has another name.
    """
    shard = shard_of(manifest.path)
    lines = GroupsOnDisk[tuple[str, Line]]()
    for each in numbered_lines(manifest.path):
        if isinstance(each, Failure):
            yield each
            continue
        number, content = each
        try:
            name, line = _line(content)
            lines.add([(name, (name, (manifest.path, number, line)))])
        except InputError as error:
            yield cut_failure(manifest.path, number, content, error)
    yield from joined(shard, lines, stem)


def _line(content: bytes) -> tuple[str, bytes]:
    """The name of a cut, and the line of a manifest that states what it does."""
    cut = load_object(content)
    name = cut.get("id")
    if not isinstance(name, str) or not name:
        raise InputError("the cut has no id")
    return name, line_of_whole(name, stated_of(cut) | {"duration": cut.get("duration")})
