"""Samples without a header, by their content type: they get a header that decoders read."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from email.headerregistry import HeaderRegistry
from typing import TYPE_CHECKING, Final

from beam_audio.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_AU_HEADER_BYTES: Final = 24
_AU_UNKNOWN_SIZE: Final = 0xFFFFFFFF
_PCM16, _MU_LAW, _A_LAW = 3, 1, 27  # numbers of the AU format
_TELEPHONE_RATE: Final = "8000"
_MAX_RATE_HZ: Final = 1 << 20
_MAX_CHANNELS: Final = 64
_BITS: Final = {_PCM16: 16, _MU_LAW: 8, _A_LAW: 8}
_PARAMETERS: Final = frozenset({"rate", "channels", "endian", "endianness", "bits"})
_HARMLESS: Final = frozenset({"ptime", "maxptime"})
"""Parameters of RTP that say nothing about the samples."""
_ORDERS: Final = {
    "big": True, "be": True, "big-endian": True, "bigendian": True, "network": True,
    "little": False, "le": False, "little-endian": False, "littleendian": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Samples:
    """Samples of a type: their number in the AU format, byte order and rate if none is stated."""

    encoding: int
    is_big_endian: bool = True
    rate: str = ""


_MU: Final = _Samples(_MU_LAW, rate=_TELEPHONE_RATE)
_A: Final = _Samples(_A_LAW, rate=_TELEPHONE_RATE)
_TYPES: Final = {
    # RFC 2586, 3551, 4856 and 2046.
    "audio/l16": _Samples(_PCM16), "audio/pcmu": _MU, "audio/pcma": _A, "audio/basic": _MU,
    # Names of telephony services for the same samples.
    "audio/x-l16": _Samples(_PCM16),
    "audio/mulaw": _MU, "audio/x-mulaw": _MU, "audio/ulaw": _MU, "audio/x-ulaw": _MU,
    "audio/alaw": _A, "audio/x-alaw": _A,
    # No standard; services that take it mean 16-bit numbers, the low byte first.
    "audio/pcm": _Samples(_PCM16, is_big_endian=False),
    "audio/x-pcm": _Samples(_PCM16, is_big_endian=False),
}  # fmt: skip


def is_bare(content_type: str) -> bool:
    """Whether a content type is one of samples without a header.

    Raises:
        InputError: It is not ``audio/…``.
    """
    return _parse(content_type)[0] in _TYPES


def with_header(samples: bytes, content_type: str, stated: Mapping[str, str]) -> bytes:
    """Give samples the header they lack, of Sun's AU format; audio of other types is unchanged.

    Args:
        samples: The data.
        content_type: Such as ``audio/l16;rate=16000``. Parameters are ``rate``, ``channels``,
            ``endian`` or ``endianness`` (``big`` or ``little``) and ``bits``.
        stated: ``rate`` and ``channels`` that take precedence over the parameters.

    Raises:
        InputError: The type is not ``audio/…``, a parameter is unknown or has an odd value, or the
            rate is missing.
    """
    kind, given = _parse(content_type)
    found = _TYPES.get(kind)
    if found is None:
        return samples
    if unknown := sorted(given.keys() - _PARAMETERS - _HARMLESS):
        raise InputError(
            f"{kind} has the parameter {unknown[0]!r:.40}; "
            f"known are {', '.join(sorted(_PARAMETERS))}"
        )
    bits = _BITS[found.encoding]
    if given.get("bits", str(bits)) != str(bits):
        raise InputError(f"bits is {given['bits']!r:.40}, and {kind} has {bits}")
    rate_hz = _whole("rate", stated.get("rate") or given.get("rate") or found.rate, _MAX_RATE_HZ)
    channels = stated.get("channels") or given.get("channels") or "1"
    count = _whole("channels", channels, _MAX_CHANNELS)
    is_big_endian = _is_big_endian(given, default=found.is_big_endian)
    if found.encoding == _PCM16 and not is_big_endian:
        samples = _swapped(samples)
    header = struct.pack(
        ">4s5I", b".snd", _AU_HEADER_BYTES, _AU_UNKNOWN_SIZE, found.encoding, rate_hz, count
    )
    return header + samples


def _parse(content_type: str) -> tuple[str, Mapping[str, str]]:
    """The type in lower case, and its parameters.

    Raises:
        InputError: It is not ``audio/…``.
    """
    header = HeaderRegistry()("content-type", content_type)
    kind: str = header.content_type  # type: ignore[attr-defined] # typeshed has the base class
    given: Mapping[str, str] = header.params  # type: ignore[attr-defined] # as above
    if not kind.startswith("audio/"):
        raise InputError(f"content_type {content_type!r:.80} is not audio/…")
    return kind, {name.lower(): value for name, value in given.items()}


def _is_big_endian(given: Mapping[str, str], *, default: bool) -> bool:
    stated = {given[name].lower() for name in ("endian", "endianness") if name in given}
    orders = {_ORDERS[each] for each in stated if each in _ORDERS}
    if len(orders) > 1 or not stated <= _ORDERS.keys():
        raise InputError(f"endian is {' and '.join(sorted(stated))!r:.40}, not big or little")
    return orders.pop() if orders else default


def _swapped(samples: bytes) -> bytes:
    """16-bit samples with their bytes exchanged; an odd byte at the end stays."""
    even = len(samples) - len(samples) % 2
    swapped = bytearray(samples)
    swapped[0:even:2], swapped[1:even:2] = samples[1:even:2], samples[0:even:2]
    return bytes(swapped)


def _whole(name: str, text: str, limit: int) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= len(str(limit)):
        number = int(text)
        if 1 <= number <= limit:
            return number
    raise InputError(f"{name} is {text!r:.40}, not a whole number from 1 to {limit}")
