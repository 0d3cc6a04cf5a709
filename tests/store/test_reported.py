"""Errors of the stores' clients: an input's, forbidden, or the machine's."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from google.api_core import exceptions

from beam_audio.errors import AccessError, BeamAudioError, InputError, MachineError, StoreError
from beam_audio.store.reported import reported

google: Any = exceptions


@pytest.mark.parametrize(
    ("asked", "error", "kind"),
    [
        (InputError, FileNotFoundError(errno.ENOENT, "no such file"), InputError),
        (InputError, PermissionError(errno.EACCES, "not for you"), AccessError),
        (InputError, google.Forbidden("not for you"), AccessError),
        (InputError, google.ServiceUnavailable("busy"), MachineError),
        (InputError, OSError(errno.EMFILE, "too many"), MachineError),
        (StoreError, PermissionError(errno.EACCES, "not for you"), StoreError),
        (StoreError, OSError(errno.ENOSPC, "full"), MachineError),
        (StoreError, google.TooManyRequests("slowly"), MachineError),
    ],
)
def test_an_error_names_what_was_done_and_whose_fault_it_is(
    asked: type[BeamAudioError], error: Exception, kind: type[BeamAudioError]
) -> None:
    with pytest.raises(kind, match="cannot do it: ") as raised, reported(asked, "cannot do it"):
        raise error
    assert type(raised.value) is kind
    assert raised.value.__cause__ is error


def test_other_errors_are_left_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError), reported(InputError, "cannot do it"):
        raise ZeroDivisionError
