"""Which table formats the rows of an output are registered with.

Tables elsewhere name part files, and so does their history. So nothing that replaces rows deletes
part files of a registered output: ``expire`` does, once no table names them any more.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from beam_audio import store
from beam_audio.errors import StoreError
from beam_audio.output.registration import Registration
from beam_audio.output.stored_values import value_of
from beam_audio.store.output_names import REGISTRATIONS

_FOREIGN = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def note_registration(root: str, registration: Registration) -> None:
    """Note a registration in its output, in place of an earlier one of the same format.

    From now on no part file is deleted when rows are replaced.

    Raises:
        StoreError: It cannot be written.
    """
    if registration not in read_registrations(root):
        content = json.dumps(asdict(registration)).encode()
        store.write_whole(root, f"{REGISTRATIONS}/{registration.format}.json", content)


def read_registrations(root: str) -> list[Registration]:
    """The registrations of an output, by format.

    Raises:
        StoreError: A note is damaged.
    """
    found = []
    for file in store.files_under(store.join(root, REGISTRATIONS)):
        with store.open_to_read(file.path) as content:
            try:
                found.append(value_of(Registration, json.loads(content.read())))
            except _FOREIGN as error:
                raise StoreError(
                    f"{file.path!r} was not written by this version ({error}); delete it and "
                    "register again"
                ) from error
    return sorted(found, key=lambda each: each.format)


def is_registered(root: str) -> bool:
    """Whether tables elsewhere may name part files of an output."""
    return bool(store.files_under(store.join(root, REGISTRATIONS)))
