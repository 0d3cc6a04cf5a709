"""Errors of beam_audio, and whose fault an error is: an input's or the machine's.

Each message says what is wrong and what to do about it.
"""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


class BeamAudioError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(BeamAudioError):
    """A flag, configuration key or combination of them that cannot be run (exit status 2)."""


class InputError(BeamAudioError):
    """An input that cannot be read: a missing file, a broken manifest line, an invalid field."""


class ContradictionError(InputError):
    """Lines about one input that state different things of it."""


class AccessError(InputError):
    """An input that its disk or store forbids to read."""


class DecodeError(BeamAudioError):
    """Bytes that no decoder turns into audio, or that stop being audio midway."""


class DecoderCrash(DecodeError):  # noqa: N818 - failures have this name
    """A file that ends the process that decodes it."""


class DecoderHang(DecodeError):  # noqa: N818 - as above
    """A file that a decoder never gets to the end of."""


class RecognizerCrash(BeamAudioError):  # noqa: N818 - failures have this name
    """A clip that ends the process of the recogniser."""


class RecognizerHang(RecognizerCrash):
    """A clip that the recogniser never answers."""


class MachineError(BeamAudioError):
    """A fault of the machine: its disks, memory, open files, network or credentials.

    No input is at fault, so no failure row is written. The unit fails and is done again, by the
    runner or by the next run.
    """


class LimitError(BeamAudioError):
    """Audio beyond a stated limit of bytes, seconds, channels or sample rate."""


class ModelError(BeamAudioError):
    """A model that is unknown, incomplete or unsupported, or that lacks what it is asked for."""


class LanguageUnsupported(ModelError):  # noqa: N818 - failures have this name
    """An input whose stated language the model does not know."""


class ChecksumError(ModelError):
    """A model file whose sha256 differs from its card's; it is never used."""


class ProviderError(ModelError):
    """A required ONNX Runtime execution provider that is not in use."""


class EnhanceError(BeamAudioError):
    """A clip of which an enhancer makes no clip that could be heard."""


class ScoreError(BeamAudioError):
    """Texts that cannot be normalised, so that they cannot be compared either."""


class StoreError(BeamAudioError):
    """An output that cannot be written or that does not fit the run asked for."""


class HeldError(BeamAudioError):
    """An output that another batch holds (exit status 1): it is free again when that has ended."""


_FREE_SPACE: Final = "free some space on that disk"
_OPEN_FILES: Final = "allow more open files (ulimit -n)"
_MEMORY: Final = "allow more memory, or lower --batch_seconds or the number of workers"
_DISK: Final = "see what the system log says of that disk"
_NETWORK: Final = "wait until the network and the store answer"
_CREDENTIALS: Final = "renew the credentials"

_BY_NUMBER: Final = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FREE_SPACE),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), _OPEN_FILES),
    errno.ENOMEM: _MEMORY,
    **dict.fromkeys((errno.EIO, errno.EREMOTEIO, errno.ESTALE, errno.EUCLEAN), _DISK),
    **dict.fromkeys((errno.ECONNABORTED, errno.ECONNREFUSED, errno.ECONNRESET), _NETWORK),
    **dict.fromkeys((errno.EPIPE, errno.ESHUTDOWN, errno.ENOTCONN, errno.ETIMEDOUT), _NETWORK),
    **dict.fromkeys((errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET), _NETWORK),
    **dict.fromkeys((errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL), _NETWORK),
    **dict.fromkeys((errno.EAGAIN, errno.ENOBUFS, errno.ENOLINK), _NETWORK),
}
_BY_STATUS: Final = {
    **dict.fromkeys((401, 407), _CREDENTIALS),
    **dict.fromkeys((408, 429, *range(500, 600)), _NETWORK),
}
_TLS: Final = "ssl.SSLError"
_BY_CLASS: Final = {
    **dict.fromkeys(("builtins.ConnectionError", "builtins.TimeoutError"), _NETWORK),
    _TLS: _NETWORK,
    "google.GoogleAuthError": _CREDENTIALS,
    **dict.fromkeys(("google.TransportError", "google.RetryError"), _NETWORK),
    "google.DataCorruption": _NETWORK,
    **dict.fromkeys(("requests.RequestException", "urllib3.HTTPError"), _NETWORK),
    **dict.fromkeys(("http.IncompleteRead", "http.BadStatusLine"), _NETWORK),
    **dict.fromkeys(("socket.gaierror", "httplib2.HttpLib2Error"), _NETWORK),
    **dict.fromkeys(("botocore.ConnectionError", "botocore.HTTPClientError"), _NETWORK),
    "botocore.IncompleteReadError": _NETWORK,
    **dict.fromkeys(("botocore.NoCredentialsError", "botocore.TokenRetrievalError"), _CREDENTIALS),
    "botocore.CredentialRetrievalError": _CREDENTIALS,
    "botocore.PartialCredentialsError": _CREDENTIALS,
}
"""Classes by package and name: no client of a store is imported to compare with."""
_FIRST_ERROR_STATUS: Final = 400
_FORBIDDEN: Final = 403
_WITHOUT_CREDENTIALS: Final = "google.InvalidOperation"
"""Raised where a store wants credentials and none are used, as with --no_auth."""
_CREDENTIALS_REFUSED: Final = re.compile(
    r"\b(ExpiredToken|InvalidAccessKeyId|InvalidToken|RequestTimeTooSkewed|SignatureDoesNotMatch)\b"
)
"""How Amazon's store refuses the credentials themselves, with status 400 or 403."""
# ONNX Runtime has no class for this error; these are the words of its allocators, of CUDA and of
# the CUDA libraries. The last ones are the system's and Python's.
_OUT_OF_MEMORY: Final = (
    "failed to allocate memory",
    "out of memory",
    "alloc_failed",
    "bad_alloc",
    "bad allocation",
    "cannot allocate memory",
    "failed to map segment",
    "can't start new thread",
)


def cure_of(error: BaseException) -> str | None:
    """What to do about an error that is the machine's fault; None if an input may be at fault.

    The causes of the error count, too, up to one of ours: its raiser has decided. Inputs
    may be at fault for what concerns one file: it is missing, a folder, forbidden or damaged.
    """
    return next(filter(None, map(_cure, _with_causes(error))), None)


def is_refusal(error: BaseException) -> bool:
    """Whether a disk or store forbids to read something that it has, or does not say if it has."""
    return any(
        isinstance(each, PermissionError)
        or _status(each) == _FORBIDDEN
        or _WITHOUT_CREDENTIALS in _names(each)
        for each in _with_causes(error)
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the machine or its accelerator has no memory left.

    FFmpeg's own error does not: it stands for what a file asks for, too.
    """
    if _is_ffmpegs(error):
        return False
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(words in text for words in _OUT_OF_MEMORY)


def raise_machine_error(error: BaseException, what: str = "") -> None:
    """Return if an input may be at fault for an error.

    Args:
        error: The error.
        what: What failed, such as ``cannot read 'a.wav'``.

    Raises:
        MachineError: The machine is at fault.
    """
    if isinstance(error, MachineError):
        raise error
    cure = cure_of(error)
    if cure is not None:
        raise MachineError(f"{what and what + ': '}{_said(error)}; {cure}") from error


@contextmanager
def of_machine(what: str, cure: str) -> Iterator[None]:
    """Use files of our own, in which no input has a part: errors are the machine's fault.

    Args:
        what: What it means if a file cannot be used.
        cure: What to do then, unless the error itself names something else than the disk.

    Raises:
        MachineError: A file cannot be used.
    """
    try:
        yield
    except OSError as error:
        known = cure_of(error)
        better = cure if known in {None, _FREE_SPACE} else known
        raise MachineError(f"{what}: {_said(error)}; {better}") from error


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it was raised for or while handling."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BeamAudioError):
            continue
        hidden = current.__suppress_context__
        waiting.append(current.__cause__ or (None if hidden else current.__context__))
        # Beam's file systems collect what went wrong with each file of a list.
        details = getattr(current, "exception_details", None)
        found = details.values() if isinstance(details, dict) else ()
        waiting += [each for each in found if isinstance(each, BaseException)]


def _cure(error: BaseException) -> str | None:
    """What :func:`cure_of` says of an error without its causes."""
    if _is_ffmpegs(error) or isinstance(error, BeamAudioError):
        return None
    if is_out_of_memory(error):
        return _MEMORY
    status = _status(error)
    if status is not None:
        return _CREDENTIALS if _CREDENTIALS_REFUSED.search(str(error)) else _BY_STATUS.get(status)
    return _cure_of_class(error)


def _cure_of_class(error: BaseException) -> str | None:
    names = _names(error)
    if _WITHOUT_CREDENTIALS in names:
        return None
    cure = next(filter(None, map(_BY_CLASS.get, names)), None)
    if cure is _NETWORK and isinstance(error, ValueError) and _TLS not in names:
        return None  # an address that is none
    number = error.errno if isinstance(error, OSError) else None
    return cure or _BY_NUMBER.get(number or 0)


def _names(error: BaseException) -> list[str]:
    """The class of an error and those it is made of, each after its package."""
    return [f"{each.__module__.partition('.')[0]}.{each.__name__}" for each in type(error).__mro__]


def _is_ffmpegs(error: BaseException) -> bool:
    """Whether FFmpeg raised it: it uses the system's numbers for what is wrong with a file."""
    return type(error).__module__.partition(".")[0] == "av"


def _status(error: BaseException) -> int | None:
    """The status that a store answered a request with; None for errors without one."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(response, "status_code", None) or getattr(error, "code", None)
    return found if isinstance(found, int) and found >= _FIRST_ERROR_STATUS else None


def _said(error: BaseException) -> str:
    """The words of an error; those of running out of memory are often missing."""
    return str(error) or ("out of memory" if isinstance(error, MemoryError) else repr(error))
