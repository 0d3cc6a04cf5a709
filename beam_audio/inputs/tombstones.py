"""Tombstones of an output as files: written once, read by every run."""

from __future__ import annotations

import json
import secrets
from collections import defaultdict
from dataclasses import asdict
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError, StoreError
from beam_audio.inputs.forgotten import Forgotten, Stretch
from beam_audio.store.compare_and_swap import swap
from beam_audio.store.output_names import FORGOTTEN
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.inputs.forgotten import Tombstone

_KEY: Final = f"{FORGOTTEN}/key"
_KEY_BYTES: Final = 32


def read_forgotten(root: str) -> Forgotten:
    """The tombstones of an output; an output that has forgotten nothing costs one listing.

    Raises:
        StoreError: A file of tombstones was not written by this version.
    """
    files = store.files_under(store.join(root, FORGOTTEN))
    return _read(root, tuple(sorted((each.path, each.version) for each in files)))


def begin_forgetting(root: str) -> Forgotten:
    """The tombstones of an output that is about to get some: it has a key from now on.

    Raises:
        StoreError: It cannot be written.
    """
    key = secrets.token_hex(_KEY_BYTES).encode()
    swap(root, _KEY, key, lambda present: present is None)
    return read_forgotten(root)


def write_tombstones(root: str, tombstones: Iterable[Tombstone]) -> None:
    """Write tombstones; writing the same ones again changes nothing.

    Raises:
        StoreError: They cannot be written.
    """
    content = sorted((asdict(each) for each in set(tombstones)), key=repr)
    if content:
        name = f"{FORGOTTEN}/{stable_id('tombstones', content)}.json"
        store.write_whole(root, name, json.dumps(content).encode())


@lru_cache(8)
def _read(_root: str, files: tuple[tuple[str, str], ...]) -> Forgotten:
    key, stretches = b"", defaultdict[str, list[Stretch]](list)
    for uri, _version in files:
        if uri.endswith(f"/{_KEY}"):
            with store.open_to_read(uri) as file:
                key = bytes.fromhex(file.read().decode("ascii"))
        elif uri.endswith(".json"):
            for mark, stretch in _parsed(uri):
                stretches[mark].append(stretch)
    return Forgotten(key, {mark: tuple(found) for mark, found in stretches.items()})


def _parsed(uri: str) -> list[tuple[str, Stretch]]:
    try:
        with store.open_to_read(uri) as file:
            return [(each["mark"], Stretch(**each["stretch"])) for each in json.loads(file.read())]
    except InputError:
        raise
    except (ValueError, TypeError, LookupError) as error:
        raise StoreError(f"{uri!r} was not written by this version ({error})") from error
