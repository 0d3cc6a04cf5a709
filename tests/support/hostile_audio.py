"""Hostile files that say they are recordings, by family: each function makes one from a seed.

Real recordings begin most of them, as nothing else gets far into a decoder.
"""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import soundfile
from support.seeds import seeds, with_video

from beam_audio.audio.encode import _with_serial

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

ODD_NUMBERS: Final = (
    *(0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000),
    *(0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 2**62, 2**63 - 1, 2**64 - 1),
)
_RATES: Final = (
    0,
    1,
    2,
    7,
    999,
    1000,
    8000,
    11025,
    44100,
    384_000,
    768_000,
    768_001,
    2**31,
    2**32 - 1,
)
_CHANNELS: Final = (0, 1, 2, 3, 8, 9, 16, 32, 33, 64, 128, 255, 256, 1024, 65535)
_BITS: Final = (0, 1, 7, 8, 12, 16, 20, 24, 31, 32, 33, 48, 64, 255, 65535)
_FORMATS: Final = (0, 1, 2, 3, 6, 7, 17, 49, 80, 85, 0x161, 0xFFFE, 0xFFFF)
_MEBIBYTE: Final = 1 << 20


def a_seed(rng: Random) -> bytes:
    """A whole recording in any container."""
    return rng.choice(_whole())


@cache
def _whole() -> tuple[bytes, ...]:
    return tuple(data for _, data in sorted(seeds().items()))


def cut(rng: Random) -> bytes:
    """A file that was not uploaded to its end."""
    data = a_seed(rng)
    return data[: rng.randrange(len(data))]


def damaged(rng: Random) -> bytes:
    """Some bytes are others; half of the Ogg pages still have the right checksum."""
    data = bytearray(a_seed(rng))
    reach = rng.choice([64, 512, 4096, len(data)])
    for _ in range(rng.choice([1, 1, 3, 30])):
        at = rng.randrange(min(reach, len(data)))
        noise = rng.randbytes(rng.choice([1, 2, 4, 64]))
        data[at : at + len(noise)] = noise
    if data.startswith(b"OggS") and rng.random() < 0.5:
        try:
            return _with_serial(bytes(data), 1)
        except IndexError:  # the last page is longer than the file now
            pass
    return bytes(data)


def headers(rng: Random) -> bytes:
    """Numbers in the header are odd: sizes, rates, channels, counts, durations."""
    data = bytearray(a_seed(rng))
    for _ in range(rng.choice([1, 1, 2, 4])):
        size = rng.choice([2, 4, 8])
        at = rng.randrange(min(256, len(data)))
        value = rng.choice(ODD_NUMBERS) % 256**size
        data[at : at + size] = value.to_bytes(size, rng.choice(["little", "big"]))
    return bytes(data)


def wave(rng: Random) -> bytes:
    """A WAV of any rate, channels and bits, whether or not they fit together."""
    pick = rng.choice
    code, channels, rate, bits = pick(_FORMATS), pick(_CHANNELS), pick(_RATES), pick(_BITS)
    if rng.random() < 0.6:  # mostly plausible
        code, bits = pick([(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64), (6, 8), (7, 8)])
    frame = channels * bits // 8
    body = rng.randbytes(rng.choice([0, 1, 100, 5_000, 20_000]))
    if code == 3:
        odd = [np.nan, np.inf, -np.inf, 1e30, -1e-40, 1.0, 0.0]
        body = np.array(rng.choices(odd, k=2000), "<f4" if bits == 32 else "<f8").tobytes()
    form = struct.pack("<HHIIHH", code, channels, rate, rate * frame % 2**32, frame % 65536, bits)
    if code == 0xFFFE:
        form += struct.pack("<HHI", 22, bits, rng.choice(ODD_NUMBERS) % 2**32) + rng.randbytes(16)
    return riff(b"fmt ", form, b"data", body)


def riff(*parts: bytes) -> bytes:
    """A RIFF file of type WAVE; parts are the names and contents of its chunks, in turn."""
    chunks = b"".join(
        name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        for name, body in zip(parts[::2], parts[1::2], strict=True)
    )
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def joined(rng: Random) -> bytes:
    """Files one after the other, of the same kind or not, sometimes with something in between."""
    between = rng.choice([b"", b"", bytes(1000), b"TAG" + b"x" * 125, rng.randbytes(100)])
    first = a_seed(rng)
    others = [first if rng.random() < 0.5 else a_seed(rng) for _ in range(rng.randint(1, 4))]
    return between.join([first, *others])


def nested(rng: Random) -> bytes:
    """One container as the content of another."""
    inner, outer = a_seed(rng), a_seed(rng)
    form = struct.pack("<HHIIHH", rng.choice(_FORMATS), 1, 16_000, 32_000, 2, 16)
    made: list[Callable[[], bytes]] = [
        lambda: riff(b"fmt ", form, b"data", inner),
        lambda: riff(b"LIST", b"INFO" + inner, b"fmt ", form, b"data", bytes(3200)),
        lambda: id3(inner) + outer,
        lambda: id3(id3(inner)) + id3(b"") + outer,
        lambda: outer[: rng.randrange(len(outer))] + inner,
        lambda: box(b"ftyp", b"M4A \0\0\0\0") + box(b"moov", inner) + box(b"mdat", outer),
        lambda: gzip.compress(gzip.compress(inner, mtime=0), mtime=0),
        lambda: gzip.compress(inner, mtime=0)[: rng.randrange(20, 400)],
        lambda: archive(inner),
        lambda: riff(b"fmt ", form, b"data", riff(b"fmt ", form, b"data", inner)),
    ]
    return rng.choice(made)()


def archive(content: bytes) -> bytes:
    """A ZIP archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        target.writestr(zipfile.ZipInfo("a.wav"), content)
    return file.getvalue()


def box(name: bytes, body: bytes) -> bytes:
    """A box of MP4."""
    return struct.pack(">I", len(body) + 8) + name + body


def id3(body: bytes, stated_bytes: int | None = None) -> bytes:
    """An ID3 tag with a picture; its size may be a lie."""
    content = b"\0image/jpeg\0\3\0" + body
    frame = b"APIC" + struct.pack(">I", len(content)) + b"\0\0" + content
    size = len(frame) if stated_bytes is None else stated_bytes
    return b"ID3\3\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + frame


def bombs(rng: Random) -> bytes:
    """Small files that say, or become, much: seconds, bytes, levels, entries, covers."""
    seed = a_seed(rng)
    level = rng.choice([10, 1_000, 20_000])
    deep = b""
    for _ in range(min(level, 2_000)):
        deep = box(rng.choice([b"moov", b"trak", b"udta", b"meta"]), deep)
    many = rng.choice([1_000, 100_000])
    made: list[Callable[[], bytes]] = [
        lambda: silence(rng.choice([60, 600])),
        lambda: zeros(rng.choice([1, 8, 32]) * _MEBIBYTE),
        lambda: gzip.compress(zeros(8 * _MEBIBYTE), mtime=0),
        lambda: box(b"ftyp", b"M4A \0\0\0\0") + deep + seed,
        lambda: b"\x1a\x45\xdf\xa3" + b"\x80" + b"\x18\x53\x80\x67\xff" * level + seed,
        lambda: id3(b"x" * rng.choice([1, 300_000, 4 * _MEBIBYTE])) + seed,
        lambda: id3(b"", stated_bytes=rng.choice([2**28 - 1, 2**21])) + seed,
        lambda: riff(b"LIST", b"INFO" + b"IART\4\0\0\0abcd" * many),
        lambda: b"fLaC" + flac_block(6, bytes(2**24 - 1)) + seed[4:],
        lambda: b"fLaC" + flac_block(3, bytes(18 * 1000)) * 20 + seed[4:],
        lambda: b"fLaC" + flac_block(4, struct.pack("<II", 0, rng.choice([many, 2**32 - 1]))),
        lambda: (b"OggS\0\0" + bytes(20) + b"\0") * many + seed,
        lambda: seed * rng.choice([50, 200]),
        lambda: b"\xff\xfb\x90\x00" * many,
    ]
    return rng.choice(made)()


def flac_block(kind: int, body: bytes) -> bytes:
    """A block of metadata of FLAC."""
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


@cache
def silence(seconds: int) -> bytes:
    """Silence as FLAC: some kilobytes an hour."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(seconds * 8_000, np.int16), 8_000, format="FLAC")
    return file.getvalue()


@cache
def zeros(size: int) -> bytes:
    """A WAV of zeros, compressed by gzip."""
    form = struct.pack("<HHIIHH", 1, 1, 768_000, 1_536_000, 2, 16)
    return gzip.compress(riff(b"fmt ", form, b"data", bytes(size)), mtime=0)


def tags(rng: Random) -> bytes:
    """A recording with metadata that no encoding, length or count can be trusted in."""
    kinds = [b"TIT2", b"TXXX", b"COMM", b"APIC", b"PRIV", b"CHAP", b"\0\0\0\0", b"GEOB"]
    frames = b""
    for _ in range(rng.randint(1, 6)):
        body = rng.choice([0, 1, 2, 3, 9]).to_bytes(1, "big") + rng.randbytes(rng.randint(0, 60))
        size = rng.choice([len(body), 0, 2**31, rng.randrange(200)])
        frames += rng.choice(kinds) + struct.pack(">I", size) + rng.randbytes(2) + body
    size = rng.choice([len(frames), 10, 2**28 - 1])
    head = b"ID3" + bytes([rng.choice([0, 2, 3, 4, 255]), 0, rng.choice([0, 0x40, 0x80, 0xFF])])
    tag = head + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + frames
    ape = b"APETAGEX" + struct.pack("<III", 2000, rng.choice([32, 2**31]), 99) + rng.randbytes(20)
    seed = a_seed(rng)
    return rng.choice([tag + seed, seed + tag, seed + ape, tag + seed + ape + b"TAG" + bytes(125)])


def video(rng: Random) -> bytes:
    """Streams without sound, and sound under a lock: encrypted or of an unknown codec."""
    lock = rng.choice([b"enca", b"drms", b"encv", b"zzzz", b"samr", b"\0\0\0\0"])
    container = rng.choice(["mp4", "matroska", "mov", "avi", "mpegts", "nut"])
    with_sound = rng.random() < 0.6
    data = _video(container, sound=with_sound)
    locked = data.replace(b"mp4a", lock).replace(b"A_AAC", rng.choice([b"A_XYZ", b"A_ENC"]))
    if rng.random() < 0.3:
        locked = damage_once(rng, locked)
    return locked


@cache
def _video(container: str, *, sound: bool) -> bytes:
    return with_video(container, sound=sound)


def damage_once(rng: Random, data: bytes) -> bytes:
    """Four bytes are others."""
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(4) + data[at + 4 :]


def noise(rng: Random) -> bytes:
    """Bytes of nothing behind the first bytes of something."""
    return a_seed(rng)[: rng.choice([0, 4, 12, 44])] + rng.randbytes(rng.choice([0, 1, 50, 2_000]))


AUDIO_FAMILIES: Final[Mapping[str, Callable[[Random], bytes]]] = {
    "cut": cut,
    "damaged bytes": damaged,
    "lying headers": headers,
    "odd waves": wave,
    "bombs": bombs,
    "tags": tags,
    "joined": joined,
    "nested": nested,
    "video and locks": video,
    "noise": noise,
}
"""Makers of hostile recordings by the name of their family."""
