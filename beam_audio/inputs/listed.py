"""Lists of any length: they are kept on disk, and looked at some thousand inputs at a time."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.addresses import beside
from beam_audio.inputs.listing import input_of, input_of_file, match_input, read_lines
from beam_audio.inputs.manifest import PATH_KEYS, load_object
from beam_audio.inputs.redaction import redacted
from beam_audio.store.groups_on_disk import GroupsOnDisk
from beam_audio.types import Failure, StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from beam_audio.inputs.allowed import AllowedPlaces
    from beam_audio.inputs.manifest_files import Line
    from beam_audio.types import AudioRef

WAVE_INPUTS: Final = 4096
"""About how many inputs are looked at, planned and done together."""
_THREADS: Final = 16

Found = tuple[str, "Line | Failure | StoredFile"]
"""The address of an input, and what names it."""


class ListedInputs:
    """What names the inputs of a run, on disk, in the order of their addresses.

    Args:
        input: See :class:`beam_audio.transforms.read.ReadAudio`, as for the others.
        manifest: As there.
        exclude: As there.
        limit: As there.
        allowed: As there.

    Raises:
        InputError: The input cannot be listed.
    """

    def __init__(
        self,
        *,
        input: str | None = None,  # noqa: A002 - the flag's name
        manifest: str | None = None,
        exclude: str | None = None,
        limit: int | None = None,
        allowed: AllowedPlaces | None = None,
    ) -> None:
        self._allowed = allowed
        self._held = GroupsOnDisk[Found]()
        found: Iterable[Line | Failure | StoredFile]
        found = read_lines(manifest) if manifest is not None else match_input(input or "", exclude)
        named = ((address_of(each), each) for each in islice(found, limit))
        self._held.add((address, (address, each)) for address, each in named)

    def __len__(self) -> int:
        """Number of lines or files, repeats included."""
        return len(self._held)

    def waves(self, most: int = WAVE_INPUTS) -> Iterator[list[AudioRef | Failure]]:
        """Inputs, about ``most`` at a time; those of one file come together. None is opened.

        Raises:
            MachineError: A store does not answer.
        """
        for groups in self._held.batches(most):
            yield _inputs([each for group in groups for each in group], self._allowed)


def address_of(found: Line | Failure | StoredFile) -> str:
    """What lines about one file have in common. No file is looked at.

    A line that names no file goes by its content, as equal ones are one failure.
    """
    if isinstance(found, StoredFile):
        return redacted(found.path)
    if isinstance(found, Failure):
        return found.source_id
    manifest, _, line = found
    try:
        fields = load_object(line)
        path = next((fields[key] for key in PATH_KEYS if fields.get(key)), None)
        if isinstance(path, str):
            return redacted(beside(path, manifest))
    except InputError:
        pass
    return hashlib.sha256(line).hexdigest()


def _inputs(found: Sequence[Found], allowed: AllowedPlaces | None) -> list[AudioRef | Failure]:
    """Look at files; at those in buckets many at a time, as that is waiting."""
    look = partial(_input, allowed)
    if not any(store.scheme(address) for address, _ in found):
        return [look(each) for _, each in found]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(look, (each for _, each in found)))


def _input(allowed: AllowedPlaces | None, found: Line | Failure | StoredFile) -> AudioRef | Failure:
    return input_of_file(found) if isinstance(found, StoredFile) else input_of(found, allowed)
