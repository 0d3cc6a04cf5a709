"""The files that a data set begins with: those of certain names below a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.left_out import LeftOut, is_hidden_inside
from beam_audio.inputs.listing import absolute, is_hidden, is_within

if TYPE_CHECKING:
    import re

    from beam_audio.types import StoredFile


def files_named(
    place: str, names: re.Pattern[str], exclude: str | None = None
) -> tuple[list[StoredFile], LeftOut]:
    """Files in the order of their addresses: of a folder those with certain names, at any depth.

    Args:
        place: A file, a glob or a folder. Files and matches are taken whatever their names.
        names: What names in a folder match as a whole.
        exclude: A folder whose files are not meant, such as the output.

    Returns:
        The files, and how many hidden ones are left out.

    Raises:
        InputError: It cannot be listed.
    """
    place = absolute(place)
    with store.reported(InputError, f"cannot list {place}"):
        if store.is_pattern(place) and not store.exists(place):
            found, above = store.each_match(place, follow_links=True), None
        elif not place.endswith("/") and store.exists(place) and not store.is_local_folder(place):
            return [store.stat(place)], LeftOut()
        else:
            below = store.each_match(store.below(place), follow_links=True)
            found = (file for file in below if names.fullmatch(file.path.rpartition("/")[2]))
            above = place.rstrip("/")
        named = [file for file in found if not (exclude and is_within(file.path, exclude))]
    shown = [file for file in named if not _is_hidden(file.path, above)]
    return sorted(shown, key=lambda file: file.path), LeftOut(len(named) - len(shown))


def _is_hidden(path: str, folder: str | None) -> bool:
    """Whether a file is hidden: below a folder by all names on the way, else by its own."""
    return is_hidden(path) if folder is None else is_hidden_inside(path[len(folder) + 1 :])
