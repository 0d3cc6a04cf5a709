"""Addresses without the secrets in them: signed queries, tokens, passwords.

Whoever holds a signed address can read what it names. So an address loses its signature where it
comes in, and texts of other programs, such as errors of libraries, where they go out.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

_USER: Final = re.compile(
    r"""(?P<start>:(?:\\?/){2})[^/?\#\s"<>]*@|(?P<coded>%3A%2F%2F)(?:(?!%2F)[^/?\#\s"<>&])*%40""",
    re.IGNORECASE | re.VERBOSE,
)
"""What stands between ``://`` and ``@``, also inside the query of another address."""
_QUERY: Final = re.compile(r"""(?P<mark>[?#&;])(?P<pairs>[^\s?#"'<>]*)""")
_CODED_QUERY: Final = re.compile(
    r"""(?P<mark>%3F|%23)(?P<pairs>(?:(?!%3F|%23)[^\s?#&;"'<>])*)""", re.IGNORECASE
)
_AND: Final = re.compile(r"&amp;|\\u0026|[&;]|%26", re.IGNORECASE)
_PLAIN_AND: Final = re.compile(r"&amp;|\\u0026|[&;]", re.IGNORECASE)
_IS: Final = re.compile(r"=|%3D", re.IGNORECASE)

_SECRET: Final = re.compile(
    r"x-(goog|amz|oss|cos|obs|ms)-.*"  # Google, Amazon, Alibaba, Tencent, Huawei, Azure
    r"|sig|.*signature|.*access-?key(-?id)?|googleaccessid|upload-id"
    r"|.*token|.*secret.*|.*passw(or)?d|pwd|.*api-?key|credentials?|auth(orization)?|bearer|jwt"
)
"""Keys whose values open something. Companies write ``_`` and ``-`` as they like."""
_HINT: Final = re.compile(
    r"x[-_]|sig|key|token|secret|pass|pwd|credential|auth|bearer|jwt|accessid|upload", re.IGNORECASE
)
"""What every such key holds; most queries hold none of it."""
_BESIDE_SIGNATURE: Final = frozenset(
    {
        # Amazon's and Google's earlier signatures, and those of CloudFront
        *("expires", "policy", "key-pair-id", "ossaccesskeyid"),
        # Azure's shared access signatures
        *("sv", "ss", "sr", "srt", "sp", "st", "se", "sip", "spr", "si", "sdd", "ses"),
        *("skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid"),
    }
)
"""Keys that are part of a signature beside one, and may mean anything elsewhere."""


def redacted(text: str) -> str:
    """A text whose addresses hold no secret.

    User names and passwords before a host are left out, and so are the keys of a query that sign
    it or open something. Everything else stays as it is, byte for byte: most ids are hashes of
    addresses.
    """
    if "=" not in text and "@" not in text and "%" not in text:
        return text
    text = _USER.sub(lambda found: found["start"] or found["coded"], text)
    text = _CODED_QUERY.sub(lambda found: _without_secrets(found, _AND), text)
    return _QUERY.sub(lambda found: _without_secrets(found, _PLAIN_AND), text)


def _without_secrets(query: re.Match[str], separator: re.Pattern[str]) -> str:
    pairs = query["pairs"]
    if not _IS.search(pairs) or not _HINT.search(unquote(pairs)):
        return query[0]  # a message of a megabyte may hold a million of these
    separators = ["", *separator.findall(pairs)]
    keys = [_key(pair) for pair in separator.split(pairs)]
    signed = any(_is_secret(key) for key in keys)
    kept = [
        (before, pair)
        for before, pair, key in zip(separators, separator.split(pairs), keys, strict=True)
        if not (_is_secret(key) or (signed and key in _BESIDE_SIGNATURE))
    ]
    if len(kept) == len(keys):
        return query[0]
    if not kept:
        return ""
    return query["mark"] + kept[0][1] + "".join(before + pair for before, pair in kept[1:])


def _key(pair: str) -> str:
    """The key of a pair in one spelling; empty if it is none."""
    key, *value = _IS.split(pair, maxsplit=1)
    if not value:
        return ""
    key = unquote(key) if "%" in key else key
    return key.strip().lower().replace("_", "-")


def _is_secret(key: str) -> bool:
    return _SECRET.fullmatch(key) is not None
