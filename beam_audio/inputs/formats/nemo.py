"""NeMo: a manifest, whose audio may be in tar shards beside it.

``shard_id`` of a line, or the number in the manifest's name, names the shard ``audio_N.tar``. A
line names a member by its name without folders and suffix. Lines about the same member differ by
``-sub1``, ``-sub2`` … at its end, and cut it by ``offset`` and ``duration``.
"""

from __future__ import annotations

import re
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.addresses import beside
from beam_audio.inputs.formats.joined import joined, stem
from beam_audio.inputs.manifest import load_object
from beam_audio.inputs.manifest_files import Line, lines_of
from beam_audio.store.groups_on_disk import GroupsOnDisk
from beam_audio.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.inputs.left_out import LeftOut
    from beam_audio.inputs.members import Member
    from beam_audio.types import StoredFile

_SHARD_KEY: Final = "shard_id"
_NUMBER: Final = re.compile(r"manifest_(\d+)\.jsonl?(\.gz)?")
_SUB: Final = re.compile(r"-sub\d+\Z")


def read_nemo(manifest: StoredFile) -> Iterator[Line | Member | Failure | LeftOut]:
    """The lines of a manifest; those of a shard become the members they are about.

    Raises:
        InputError: The manifest cannot be opened.
    """
    numbered = _NUMBER.fullmatch(manifest.path.rpartition("/")[2])
    by_shard = GroupsOnDisk[tuple[str, str, Line]]()
    for line in lines_of(manifest.path):
        if isinstance(line, Failure):
            yield line
            continue
        fields = _fields(line[2])
        number = fields.get(_SHARD_KEY, numbered and int(numbered[1]))
        name = fields.get("audio_filepath")
        if isinstance(number, int) and isinstance(name, str):
            name = _SUB.sub("", _name_of(name))
            by_shard.add([(f"{number:012} {name}", (f"{number}", name, line))])
        else:
            yield line
    for number, lines in groupby(by_shard, key=itemgetter(0)):
        shard = _shard_beside(manifest.path, number)
        yield from joined(shard, ((name, line) for _, name, line in lines), _name_of)


def is_tarred(line: bytes) -> bool:
    """Whether a line of a manifest is about a member of a shard."""
    return isinstance(_fields(line).get(_SHARD_KEY), int)


def _fields(line: bytes) -> dict[str, Any]:
    try:
        return load_object(line)
    except InputError:
        return {}  # it is refused where lines are read


def _name_of(path: str) -> str:
    return stem(path.rpartition("/")[2])


def _shard_beside(manifest: str, number: str) -> str:
    """``audio_N.tar`` beside the manifest, or beside the folder of manifests by shard."""
    here, above = (beside(f"{step}audio_{number}.tar", manifest) for step in ("", "../"))
    return here if store.exists(here) or not store.exists(above) else above
