"""Lists of any length: they are kept on disk, and looked at some thousand inputs at a time."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from beam_audio.errors import InputError
from beam_audio.inputs.addresses import beside
from beam_audio.inputs.found import Found, input_of
from beam_audio.inputs.left_out import LeftOut
from beam_audio.inputs.listing import read_lines
from beam_audio.inputs.manifest import PATH_KEYS, load_object
from beam_audio.inputs.members import Member
from beam_audio.inputs.redaction import redacted
from beam_audio.store.groups_on_disk import GroupsOnDisk, batches
from beam_audio.types import Failure, StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.inputs.allowed import AllowedPlaces
    from beam_audio.inputs.listing import Listing
    from beam_audio.types import AudioRef

WAVE_INPUTS: Final = 4096
"""About how many inputs are looked at, planned and done together."""
_THREADS: Final = 16


@dataclass(frozen=True, slots=True)
class ListedInputs:
    """What names the inputs of a run, on disk, in the order of their addresses.

    Attributes:
        found: Lines of a manifest, files and what is inside files, by the address of the audio.
        count: How many of these are inputs of the run, repeats included.
        allowed: Where the files of lines may be; None allows everywhere.
        left_out: What was there and is no input.
    """

    found: GroupsOnDisk[Found] | GroupsOnDisk[StoredFile]
    count: int
    allowed: AllowedPlaces | None = None
    left_out: LeftOut = field(default_factory=LeftOut)

    def waves(self, most: int) -> Iterator[list[AudioRef | Failure]]:
        """Inputs, about ``most`` at a time; those of one address come together. None is opened.

        Raises:
            MachineError: A store does not answer.
        """
        pairs = islice(self.found.pairs(), self.count)
        groups = (list(group) for _, group in groupby(pairs, key=itemgetter(0)))
        for batch in batches(groups, most):
            yield _inputs([pair for group in batch for pair in group], self.allowed)


def list_lines(
    manifest: str, limit: int | None = None, allowed: AllowedPlaces | None = None
) -> ListedInputs:
    """The first lines of manifests.

    Raises:
        InputError: A manifest cannot be opened.
    """
    return list_found(read_lines(manifest), limit, allowed)


def list_found(
    found: Iterable[Found | LeftOut],
    limit: int | None = None,
    allowed: AllowedPlaces | None = None,
) -> ListedInputs:
    """The first of what a listing finds."""
    held, left_out = GroupsOnDisk[Found](), LeftOut()

    def inputs() -> Iterator[Found]:
        nonlocal left_out
        for each in found:
            if isinstance(each, LeftOut):
                left_out += each
            else:
                yield each

    held.add((address_of(each), each) for each in islice(inputs(), limit))
    return ListedInputs(held, len(held), allowed, left_out)


def list_files(listing: Listing, limit: int | None = None) -> ListedInputs:
    """The first of the files that :func:`list_input` found."""
    count = len(listing.files) if limit is None else min(limit, len(listing.files))
    return ListedInputs(listing.files, count, left_out=listing.left_out)


def address_of(found: Found) -> str:
    """What lines about one file have in common. No file is looked at.

    Members come in the order they have in their file, so that neighbours are read together.

    A line that names no file goes by its content, as equal ones are one failure.
    """
    if isinstance(found, Failure):
        return found.source_id
    if isinstance(found, StoredFile):
        return redacted(found.path)
    if isinstance(found, Member):
        return found.place
    manifest, _, line = found
    try:
        fields = load_object(line)
        path = next((fields[key] for key in PATH_KEYS if fields.get(key)), None)
        if isinstance(path, str):
            return redacted(beside(path, manifest))
    except InputError:
        pass
    return hashlib.sha256(line).hexdigest()


def _inputs(
    found: Sequence[tuple[bytes, Found]], allowed: AllowedPlaces | None
) -> list[AudioRef | Failure]:
    """Look at files; at those in buckets many at a time, as that is waiting."""
    look = partial(input_of, allowed=allowed)
    if not any(b"://" in address for address, _ in found):
        return [look(each) for _, each in found]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(look, (each for _, each in found)))
