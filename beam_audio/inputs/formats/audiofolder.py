"""Hugging Face's ``audiofolder``: audio with ``metadata.csv`` or ``metadata.jsonl`` beside it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beam_audio.inputs.formats.files import files_named
from beam_audio.inputs.found import Found
from beam_audio.inputs.listed import address_of
from beam_audio.inputs.listing import list_input
from beam_audio.inputs.manifest_files import lines_of
from beam_audio.store.groups_on_disk import GroupsOnDisk
from beam_audio.types import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.inputs.left_out import LeftOut

_TABLES: Final = re.compile(r"metadata\.(csv|jsonl)")


def read_audiofolder(folder: str, exclude: str | None = None) -> Iterator[Found | LeftOut]:
    """The audio below a folder, with the lines about it; audio that no line names has no text.

    Args:
        folder: The folder.
        exclude: A folder whose files are not inputs, such as the output.

    Raises:
        InputError: It cannot be listed, or a table cannot be opened.
    """
    found = GroupsOnDisk[Found]()
    tables, _ = files_named(folder, _TABLES, exclude)
    for table in tables:
        found.add((address_of(line), line) for line in lines_of(table.path))
    listing = list_input(folder, exclude)
    found.add((address_of(file), file) for file in listing.files)
    read = Counter("." + table.path.rpartition(".")[2] for table in tables)
    yield replace(listing.left_out, suffixes=Counter(listing.left_out.suffixes) - read)
    for group in found.groups():
        lines = [each for each in group if not isinstance(each, StoredFile)]
        yield from lines or group
