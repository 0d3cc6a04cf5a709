"""Errors of the stores' clients as errors of this package."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from apache_beam.io.aws.clients.s3.messages import S3ClientError
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import InvalidResponse

from beam_audio.errors import (
    AccessError,
    BeamAudioError,
    InputError,
    is_refusal,
    raise_machine_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_RAISED_BY_STORES: Final = (
    *(OSError, ValueError),
    *(GoogleAPIError, GoogleAuthError, InvalidResponse, S3ClientError),
)


@contextmanager
def reported(kind: type[BeamAudioError], what: str, cure: str = "") -> Iterator[None]:
    """Turn errors of a store's client into an error of this package.

    Raises:
        MachineError: The machine is at fault, or the store does not answer.
        AccessError: It is forbidden to read, in place of a plain ``InputError``.
    """
    try:
        yield
    except _RAISED_BY_STORES as error:
        raise_machine_error(error, what)
        if kind is InputError and is_refusal(error):
            kind = AccessError
        raise kind(f"{what}: {error}{cure}") from error
