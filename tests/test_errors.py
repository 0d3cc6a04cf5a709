"""Whose fault an error is: the machine's, which names a cure, or maybe an input's."""

from __future__ import annotations

import errno
import http.client
import os
import ssl
from typing import Any

import av
import pytest
import requests
import soundfile
import urllib3
from apache_beam.io.aws.clients.s3.messages import S3ClientError
from apache_beam.io.filesystem import BeamIOError
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)
from google.api_core import exceptions as api_exceptions
from google.auth import exceptions as auth_exceptions
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse

from beam_audio.errors import (
    DecodeError,
    MachineError,
    cure_of,
    is_refusal,
    of_machine,
    raise_machine_error,
)

google_errors: Any = api_exceptions  # their constructors have no types
google_auth: Any = auth_exceptions


def of_system(number: int) -> OSError:
    return OSError(number, os.strerror(number), "a.wav")


def amazons(status: int, code: str) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "GetObject")


def answered(status: int) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    return response


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        *((of_system(number), "free some space") for number in (errno.ENOSPC, errno.EDQUOT)),
        *((of_system(number), "ulimit -n") for number in (errno.EMFILE, errno.ENFILE)),
        *((of_system(number), "system log") for number in (errno.EIO, errno.ESTALE)),
        (of_system(errno.ENOMEM), "memory"),
        (MemoryError(), "memory"),
        (RuntimeError("can't start new thread"), "memory"),
        (RuntimeError("std::bad_alloc"), "memory"),
        *((of_system(number), "network") for number in (errno.ECONNREFUSED, errno.ENETUNREACH)),
        (TimeoutError("the read operation timed out"), "network"),
        (ConnectionResetError(), "network"),
        (http.client.IncompleteRead(b""), "network"),
        (ssl.SSLError(1, "unexpected eof"), "network"),
        (requests.ConnectionError("refused"), "network"),
        (requests.exceptions.ChunkedEncodingError(), "network"),
        (urllib3.exceptions.ProtocolError("broken"), "network"),
        (google_errors.ServiceUnavailable("busy"), "network"),
        (google_errors.TooManyRequests("slow down"), "network"),
        (google_errors.RetryError("deadline", cause=OSError()), "network"),
        (google_errors.Unauthorized("who"), "credentials"),
        (InvalidResponse(answered(503)), "network"),
        (InvalidResponse(answered(408)), "network"),
        (InvalidResponse(answered(401)), "credentials"),
        (DataCorruption(answered(200)), "network"),
        (google_auth.RefreshError("expired"), "credentials"),
        (google_auth.MalformedError("no key file"), "credentials"),
        (google_auth.TransportError("no route"), "network"),
        (amazons(500, "InternalError"), "network"),
        (amazons(503, "SlowDown"), "network"),
        (amazons(400, "ExpiredToken"), "credentials"),
        (amazons(403, "InvalidAccessKeyId"), "credentials"),
        (amazons(403, "RequestTimeTooSkewed"), "credentials"),
        (EndpointConnectionError(endpoint_url="http://x"), "network"),
        (NoCredentialsError(), "credentials"),
        (S3ClientError("slow down", 503), "network"),
        (BeamIOError("rename failed", {("a", "b"): of_system(errno.ENOSPC)}), "free some space"),
    ],
    ids=repr,
)
def test_the_machine_is_at_fault(error: Exception, cure: str) -> None:
    assert cure in str(cure_of(error))
    with pytest.raises(MachineError, match=cure):
        raise_machine_error(error)


@pytest.mark.parametrize(
    "error",
    [
        *map(of_system, (errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOTDIR, errno.EINVAL)),
        *map(of_system, (errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO)),
        EOFError("Compressed file ended before the end-of-stream marker was reached"),
        google_errors.NotFound("no such object"),
        google_errors.Forbidden("not for you"),
        google_auth.InvalidOperation("Anonymous credentials cannot be refreshed."),
        InvalidResponse(answered(404)),
        amazons(404, "NoSuchKey"),
        amazons(403, "AccessDenied"),
        ParamValidationError(report="bad bucket name"),
        S3ClientError("not found", 404),
        requests.exceptions.InvalidURL("no host"),
        soundfile.LibsndfileError(1),
        av.error.OSError(errno.EIO, "Input/output error"),
        av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"),
        DecodeError("the header asks for more than we are out of memory for"),
        ValueError("not a number"),
    ],
    ids=repr,
)
def test_an_input_may_be_at_fault(error: Exception) -> None:
    assert cure_of(error) is None
    raise_machine_error(error)


@pytest.mark.parametrize("cause", [MemoryError(), of_system(errno.EMFILE)], ids=repr)
def test_what_an_error_was_raised_for_counts(cause: Exception) -> None:
    meanwhile = LookupError("while handling")
    meanwhile.__context__ = cause
    assert cure_of(meanwhile) == cure_of(cause) is not None
    on_purpose = DecodeError("the decoder died of a.wav")  # by ours somebody has decided already
    on_purpose.__cause__ = cause
    assert cure_of(on_purpose) is None


def test_a_message_says_what_failed_why_and_what_to_do() -> None:
    with pytest.raises(MachineError) as raised:
        raise_machine_error(MemoryError(), "cannot read 'a.wav'")
    assert str(raised.value).startswith("cannot read 'a.wav': out of memory; give it more memory")


def test_an_error_that_is_the_machines_already_is_raised_as_it_is() -> None:
    error = MachineError("the disk is full; free some space")
    with pytest.raises(MachineError) as raised:
        raise_machine_error(error, "what")
    assert raised.value is error


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOSPC])
def test_whatever_fails_about_a_file_of_ours_is_the_machines_fault(number: int) -> None:
    expected = pytest.raises(MachineError, match=r"no folder: .*; set TMPDIR$")
    with expected, of_machine("no folder", "set TMPDIR"):
        raise of_system(number)


def test_a_better_cure_is_kept() -> None:
    with pytest.raises(MachineError, match=r"ulimit"), of_machine("no folder", "set TMPDIR"):
        raise of_system(errno.EMFILE)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (of_system(errno.EACCES), True),
        (of_system(errno.ENOENT), False),
        (google_errors.Forbidden("no"), True),
        (google_errors.Unauthorized("who"), False),
        (google_auth.InvalidOperation("Anonymous credentials cannot be refreshed."), True),
        (InvalidResponse(answered(403)), True),
        (amazons(403, "AccessDenied"), True),
        (S3ClientError("no", 403), True),
    ],
    ids=repr,
)
def test_a_refusal_is_told_from_other_errors(error: Exception, expected: bool) -> None:  # noqa: FBT001 - a parameter
    assert is_refusal(error) is expected
