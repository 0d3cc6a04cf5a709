"""Claims: which unit of a batch an input is in, one small file for each unit.

A batch writes a unit's claim before its work, under ``OUTPUT/_claims/``. So a stream sees which
inputs are in work, and whoever takes over a dead batch knows which units to close. The claims of a
batch that has ended tell running streams which inputs have rows.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import InputError, StoreError
from beam_audio.output.commits import Commit, close_unit
from beam_audio.output.stored_values import value_of
from beam_audio.store.output_names import CLAIMS, INDEXED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from beam_audio.types import StoredFile

_REMEMBERED: Final = 4096
"""Claims kept in memory, of some ten kilobytes each."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch's claim to the inputs of a unit.

    Attributes:
        unit_id: The unit.
        version: The version of its record that the batch is going to commit.
        run_id: The batch.
        places: Where each input is, by its source id.
    """

    unit_id: str
    version: int
    run_id: str
    places: dict[str, str]


def write_claim(root: str, claim: Claim) -> None:
    """Write the claim of a unit.

    Raises:
        StoreError: It cannot be written.
    """
    content = json.dumps(asdict(claim)).encode()
    store.write_whole(root, _name(claim), content)


def read_claims(root: str) -> list[Claim]:
    """All claims to inputs of an output; those that were read before are remembered.

    Raises:
        StoreError: A claim was written by another version.
    """
    versions = {file.path: file.version for file in claim_files(root)}
    found = store.read_each(lambda uri: _remembered(uri, versions[uri]), list(versions))
    return [claim for claim in found if claim is not None]


def claimed_versions(root: str) -> Iterator[tuple[str, int]]:
    """Unit and version of each claim, as the names of their files tell; no file is read."""
    for file in claim_files(root):
        unit_id, _, version = file.path.rpartition("/")[2].removesuffix(".json").rpartition("-")
        if version.isdecimal():
            yield unit_id, int(version)


def claim_files(root: str) -> list[StoredFile]:
    """The files of all claims."""
    return store.files_under(store.join(root, CLAIMS))


@lru_cache(_REMEMBERED)
def _remembered(uri: str, _version: str) -> Claim | None:
    return _read_claim(uri)


def _read_claim(uri: str) -> Claim | None:
    """A claim; None if its file was deleted meanwhile."""
    try:
        with store.open_to_read(uri) as file:
            claim = value_of(Claim, json.loads(file.read()))
    except InputError:
        return None
    except (ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"{uri!r} was not written by this version ({error}); delete it") from error
    if not uri.endswith(f"/{_name(claim)}"):
        raise StoreError(f"{uri!r} is of the unit {claim.unit_id!r}; delete it")
    return claim


def is_settled(claim: Claim, commit: Commit | None) -> bool:
    """Whether the claimed version of a unit is committed, or no longer can be."""
    return commit is not None and commit.version >= claim.version


def close_claimed(root: str, claim: Claim) -> Commit:
    """Make sure that the claimed version of a unit is committed now or never; its present record.

    Raises:
        StoreError: It cannot be written.
    """
    return close_unit(root, claim.unit_id, claim.version)


def close_others(root: str, run_id: str) -> None:
    """Close the units that other runs have claimed and not committed; in buckets many at a time.

    Raises:
        StoreError: A record cannot be written.
    """

    def close(uri: str) -> None:
        claim = _read_claim(uri)
        if claim is not None and claim.run_id != run_id:
            close_claimed(root, claim)

    for _ in store.read_each(close, [file.path for file in claim_files(root)]):
        pass


def drop_claims(root: str, run_ids: Callable[[str], bool]) -> None:
    """Delete claims of runs that have ended, unless a stream may still look at them."""
    if store.exists(store.join(root, INDEXED)):
        return
    found = store.read_each(_read_claim, [file.path for file in claim_files(root)])
    delete_claims(root, (claim for claim in found if claim and run_ids(claim.run_id)))


def delete_claims(root: str, claims: Iterable[Claim]) -> None:
    """Delete the files of claims."""
    store.delete(*[store.join(root, _name(claim)) for claim in claims])


def _name(claim: Claim) -> str:
    return f"{CLAIMS}/{claim.unit_id}-{claim.version}.json"
