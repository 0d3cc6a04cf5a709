"""Which containers libsndfile may read a file as, by the file's first bytes.

It reads containers without a mark, too, finds them in noise, and prints what it finds. So a file
must begin as one that recorders write, or its container must be asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from beam_audio.errors import ConfigError
from beam_audio.spelling import nearest_or_all

if TYPE_CHECKING:
    from collections.abc import Collection

HEAD_BYTES: Final = 20
"""How many first bytes are looked at."""

_MPEG_SYNC: Final = 0xFFE0
_UNCOMPRESSED: Final = (
    *(b"RIFF", b"RIFX", b"RF64", b"FORM", b".snd", b"caff", b"fLaC", b"NIST_1A", b"riff"),
)
_COMPRESSED: Final = (b"OggS", b"ID3")
_RECORDED: Final = frozenset(
    {"aiff", "au", "caf", "flac", "mp3", "nist", "ogg", "rf64", "svx", "w64", "wav", "wavex"}
)
_RARE_MARKS: Final = {
    "avr": b"2BIT",
    "ircam": b"\x64\xa3",
    "mat5": b"MATLAB 5.0",
    "pvf": b"PVF1",
    "sds": b"\xf0\x7e",
    "voc": b"Creative Voice",
    "wve": b"ALawSoundFile",
    "xi": b"Extended Instrument",
}
RARE_CONTAINERS: Final = (*_RARE_MARKS, "htk", "mat4", "mpc2k", "paf")
"""Containers that are read only when they are asked for, by libsndfile's names in lower case."""


def starts_uncompressed(file: BinaryIO) -> bool:
    """Whether a file begins as FLAC or uncompressed audio does."""
    file.seek(0)
    return file.read(HEAD_BYTES).startswith(_UNCOMPRESSED)


def readable_containers(head: bytes, rare_containers: Collection[str]) -> frozenset[str]:
    """Containers that a file with these first bytes may be read as."""
    is_mpeg = int.from_bytes(head[:2], "big") & _MPEG_SYNC == _MPEG_SYNC
    is_recorded = is_mpeg or head.startswith(_UNCOMPRESSED + _COMPRESSED)
    return frozenset(rare_containers) | (_RECORDED if is_recorded else frozenset())


def check_rare(names: Collection[str]) -> None:
    """Refuse names that are not of rare containers.

    Raises:
        ConfigError: The message lists the names there are.
    """
    for name in names:
        if name not in RARE_CONTAINERS:
            hint = nearest_or_all(name, RARE_CONTAINERS)
            raise ConfigError(f"--decoder_allow={name} is no rare container{hint}")


def refusal(head: bytes) -> str:
    """Why a file with these first bytes is not read as any container."""
    for container, mark in _RARE_MARKS.items():
        if head.startswith(mark):
            return f"{container} is a rare container; --decoder_allow={container} reads it"
    return "the first bytes are of no known format"
