"""Hostile inputs that are no audio: other files, playlists, names, manifest lines and messages."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import wave
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from support.hostile_audio import a_seed, archive, box, riff

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

CANARY: Final = "canary.wav"
"""A good recording that playlists name; a row of it would show that a playlist was followed."""

_OTHERS: Final = (
    *(b"", b"\0", b"\n", b"hello world\n", b"\xff\xfe\0\0", b"<html><body>404</body></html>"),
    *(b"%PDF-1.7\n%\xe2\xe3\n1 0 obj<<>>endobj\n%%EOF\n", b"\x89PNG\r\n\x1a\n" + bytes(60)),
    *(b"GIF89a" + bytes(40), b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(60), b"BM" + bytes(80)),
    *(
        b"\x7fELF\2\1\1" + bytes(60),
        b"MZ" + bytes(100),
        b"#!/bin/sh\nexit 1\n",
        b"SQLite format 3\0",
    ),
    *(
        b'{"audio_filepath": "a.wav"}\n',
        b"<?xml version='1.0'?><a/>",
        b"PAR1" + bytes(20) + b"PAR1",
    ),
    *(b"\x80\x04\x95cos\nsystem\n", b"\x28\xb5\x2f\xfd" + bytes(30), b"BZh91AY&SY" + bytes(30)),
    *(
        b"-----BEGIN PRIVATE KEY-----\n",
        b"\xf0\x7e\x00\x01" + bytes(200),
        b"Rar!\x1a\x07\0" + bytes(9),
    ),
)
_NAMES: Final = (
    *("a b", "-rf", "--output=x", "*", "?", "[a]", "{a}", "'", '"', "`id`", "$(id)", "$HOME", ";"),
    *("a\nb", "a\tb", "a\rb", "\x1b[31m", "\x7f", "%00", "%2e%2e%2f", "a%2Fb", "a..", "con"),
    *(
        "ä",
        "a\u0308",
        "漢字",
        "\u202egpj",
        "\ufeffx",
        "\u200b",
        "😀",
        "\ud7ff",
        "a=b",
        "date=1",
        "~",
    ),
    *("~root", "#", "a:b", "file:x", "gs:x", "http:x", "\\", "a\\b", "x" * 200, "é" * 80, "null"),
)


def others(rng: Random) -> bytes:
    """A file of another kind that was given the name of a recording."""
    made = rng.choice(_OTHERS) + rng.randbytes(rng.choice([0, 0, 16]))
    return rng.choice([made, made, gzip.compress(made, mtime=0), archive(made)])


def name(rng: Random, number: int) -> str:
    """A file name that a shell, an address, a pattern or a terminal could take for more."""
    suffix = rng.choice([".wav", ".WAV", ".mp3", ".x", "", ".wav ", ".wav.gz", ".tar.gz", "..wav"])
    return f"{rng.choice(_NAMES)}{number}{suffix}"


def byte_name(rng: Random, number: int) -> bytes:
    """The same, one in ten in no encoding at all."""
    made = name(rng, number).encode()
    return made if rng.random() < 0.9 else b"\xff\xfe" + made


@cache
def speech(number: int = 0) -> bytes:
    """A good WAV of a second; numbers make others."""
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(struct.pack("<h", number % 30_000) * 8000)
    return file.getvalue()


def playlist(rng: Random, folder: Path, server: str) -> bytes:
    """A list that names the canary, or an address of a server that must never be asked.

    Args:
        rng: What is chosen.
        folder: Where the canary is.
        server: ``host:port``.
    """
    path = folder / CANARY
    target = rng.choice(
        [
            *(CANARY, str(path), f"file:{path}", f"file://{path}", f"http://{server}/{CANARY}"),
            *(f"concat:{path}|{path}", f"subfile,,start,0,end,0,,:{path}", f"tcp://{server}"),
            *(
                f"async:file:{path}",
                f"cache:http://{server}/a",
                f"crypto:{path}",
                f"rtmp://{server}/a",
            ),
            *(f"rtsp://{server}/a", f"ftp://{server}/a", f"udp://{server}", f"gopher://{server}/a"),
            f"data:audio/wav;base64,{base64.b64encode(speech()).decode()}",
        ]
    )
    text = rng.choice(_PLAYLISTS).replace("@", target)
    made = text.encode()
    if rng.random() < 0.1:
        made = a_seed(rng)[:12] + made
    if rng.random() < 0.1:
        made = _mp4_elsewhere(target)
    if rng.random() < 0.05:
        made = riff(b"fmt ", bytes(16), b"data", made)
    return made


def _mp4_elsewhere(target: str) -> bytes:
    """An MP4 whose samples are in another file."""
    reference = box(b"url ", bytes(4) + target.encode() + b"\0")
    dref = box(b"dref", bytes(4) + struct.pack(">I", 1) + reference)
    minf = box(b"minf", box(b"dinf", dref))
    return box(b"ftyp", b"qt  \0\0\0\0") + box(b"moov", box(b"trak", box(b"mdia", minf)))


_PLAYLISTS: Final = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n@\n#EXT-X-ENDLIST\n",
    '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="@"\n#EXTINF:9,\n@\n#EXT-X-ENDLIST\n',
    '#EXTM3U\n#EXT-X-MAP:URI="@"\n#EXTINF:9,\n@\n',
    "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n@\n",
    "#EXTM3U\n@\n",
    "@\n",
    "[playlist]\nFile1=@\nNumberOfEntries=1\n",
    "ffconcat version 1.0\nfile '@'\n",
    "ffconcat version 1.0\nfile '@'\noption safe 0\nfile '@'\n",
    ";FFMETADATA1\ntitle=@\n",
    '<?xml version="1.0"?><MPD><Period><AdaptationSet><BaseURL>@</BaseURL></AdaptationSet></MPD>',
    '<asx version="3.0"><entry><ref href="@"/></entry></asx>',
    "<playlist><trackList><track><location>@</location></track></trackList></playlist>",
    '<smil><body><audio src="@"/></body></smil>',
    "v=0\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\na=control:@\n",
    'FILE "@" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
    "RTSPtext\r\n@\r\n",
    '<!DOCTYPE a [<!ENTITY x SYSTEM "@">]><MPD>&x;</MPD>',
    "[InternetShortcut]\nURL=@\n",
)


def manifest_line(rng: Random, number: int, server: str) -> str:
    """A line about a file of its own, with fields that nobody expects.

    Args:
        rng: What is chosen.
        number: Number of the line, and of a recording ``<number>.wav`` beside the manifest.
        server: ``host:port`` that must never be asked.
    """
    if number == 0:
        return json.dumps({"audio_filepath": f"{number}.wav"})
    odd = rng.choice(_ODD_PATHS).replace("@", str(number)).replace("SERVER", server)
    path: Any = f"{number}.wav" if rng.random() < 0.7 else odd
    line: dict[str, Any] = {"audio_filepath": path, "speaker": f"s{number}"}
    for _ in range(rng.randint(0, 3)):
        key = rng.choice(
            ("text", "duration", "offset", "channel", "lang", "event_time", "a\0b", "")
        )
        line[key] = rng.choice(_ODD_VALUES)
    kind = rng.random()
    if kind < 0.1:
        return json.dumps(line)[: rng.randrange(3, 30)] + f" {number}"
    if kind < 0.15:
        return rng.choice(["[", "{", '"', "\0", "null", "[[", "\x85"]) * rng.randint(
            1, 3_000
        ) + str(number)
    return json.dumps(line, ensure_ascii=rng.random() < 0.5)


_ODD_PATHS: Final = (
    *("../../../../etc/passwd?@", "/etc/passwd@", "/dev/zero@", "/proc/self/mem@", "@\0.wav"),
    *(
        "http://SERVER/@.wav",
        "https://SERVER/@",
        "ftp://SERVER/@",
        "file:///dev/null@",
        "file://h/@",
    ),
    *("hdfs://SERVER/@", "data:,@", "//SERVER/@", "~/@", "~nobody/@", "@\n.wav", "x@" * 500),
    *(
        "C:\\@.wav",
        "\\\\SERVER\\@",
        "pipe:@",
        "concat:@|@",
        "-@",
        "@/",
        "@/../@.wav",
        "azfs://a/b/@",
    ),
)
_ODD_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1, 0.25, 1e308, -1e308, 2**70, "", " ", "0", "1e400", "NaN", "nan"),
    *(
        "-0",
        "0x10",
        "\uff11",
        "24:00",
        "2026-02-30",
        "9999999999999999999",
        "en",
        "xx",
        "zh-Hant-TW",
    ),
    *(
        "\ud800",
        "\u0000",
        "x" * 5_000,
        "\u202e",
        [],
        {},
        [[]],
        {"a": {"b": []}},
        float("nan"),
        "'--",
    ),
    *(float("inf"), 1e-320, 86_400, 1e9, 1023, 1024, "auto", "../..", "=cmd|' /C calc'!A0"),
)


def message(rng: Random, number: int, server: str) -> tuple[bytes, dict[str, str]]:
    """Data and attributes of a message like no other."""
    attributes = {"uri": f"u{number}", "number": str(number)}
    kind = rng.choice(["audio/wav", "audio/l16;rate=16000", "audio/basic", "text/html", "audio/x"])
    data = rng.choice([a_seed(rng), others(rng), speech(number), b"", rng.randbytes(40)])
    shape = rng.random()
    if shape < 0.5:
        odd = rng.choice(["0", "-1", "1e9", "x", "16000", "99999999", "", "\u0661"])
        name = rng.choice(["rate", "channels", "lang", "content_encoding", "text"])
        stated = {} if rng.random() < 0.4 else {name: odd}
        return data + str(number).encode(), attributes | {"content_type": kind} | stated
    if shape < 0.6:
        name = f"{rng.choice(_NAMES)[:40]}{number}"
        return b"", {"eventType": "OBJECT_FINALIZE", "bucketId": "", "objectId": name}
    if shape < 0.8:
        path = rng.choice(_ODD_PATHS).replace("@", str(number)).replace("SERVER", server)
        return json.dumps({"audio_filepath": path, "number": number}).encode(), {}
    return rng.choice([b"{", b"[]", b"\x1f\x8b\x08", b"null", b"\xff"]) + str(number).encode(), {}
