"""Addresses of files as people write them, in one spelling: ids depend on it."""

from __future__ import annotations

import os.path
import re
from typing import Final
from urllib.parse import unquote

from beam_audio.errors import InputError

_FILE_ADDRESS: Final = re.compile(r"file:(?://([^/]*))?(/.*)", re.IGNORECASE | re.DOTALL)
_WEB_ADDRESS: Final = re.compile(r"(https?|ftps?)://", re.IGNORECASE)
_STEP: Final = re.compile(r"\.\.?/")
_SLASHES_OF_BUCKET: Final = 2
_THIS_MACHINE: Final = frozenset({"", "localhost", "127.0.0.1"})


def plain_address(address: str) -> str:
    """An address without ``file://``, ``~/`` and percent signs; others stay as they are.

    Raises:
        InputError: A ``file://`` address names another machine.
    """
    found = _FILE_ADDRESS.fullmatch(address)
    if found is None:
        return os.path.expanduser(address) if address.startswith("~/") else address  # noqa: PTH111 - pathlib drops slashes
    host = found[1] or ""
    if host.lower() not in _THIS_MACHINE:
        raise InputError(
            f"{address!r:.200} is a file of the machine {host!r:.80}; write file:///path or a path"
        )
    return unquote(found[2], errors="surrogateescape")


def require_store(address: str) -> None:
    """Refuse an address that no store reads, with what to do instead.

    Stores are not asked about one with a password: their errors would show it in many spellings.

    Raises:
        InputError: It is on a web server, has a user name or password before its host, or names no
            bucket.
    """
    if _WEB_ADDRESS.match(address):
        raise InputError(
            f"{address!r} is on a web server, and recordings are read from disks and buckets: copy "
            "it there, or name the object as gs:// or s3://"
        )
    scheme, separator, rest = address.partition("://")
    if separator and not rest.strip("/") and "/" not in scheme:
        raise InputError(
            f"{address!r} names no bucket and no object: write {scheme}://bucket/object"
        )
    if "@" in rest.partition("/")[0]:
        raise InputError(
            f"{address!r} has a user name or password before its host or bucket: leave it out, and "
            "give the process credentials for its stores"
        )


def one_spelling(path: str) -> str:
    """A local path without ``.``, ``..`` and doubled slashes, if that names the same file."""
    short = re.sub("^//+", "/", os.path.normpath(path))
    if ".." in path.split("/") and os.path.realpath(short) != os.path.realpath(path):
        return path  # the folder before ``..`` is a link
    return short


def beside(path: str, manifest: str) -> str:
    """The address of what a manifest names: a relative path begins at the manifest's folder.

    Raises:
        InputError: A ``file://`` address names another machine.
    """
    path = plain_address(path)
    if "://" in path:
        return path
    if "://" not in manifest:
        return one_spelling(path if path.startswith("/") else f"{_folder(manifest)}/{path}")
    if path.startswith("/"):
        return one_spelling(path)
    # Object names are literal: "a//b" and "a/./b" name two objects.
    folder = _folder(manifest)
    while found := _STEP.match(path):
        if found[0] == "../" and folder.count("/") > _SLASHES_OF_BUCKET:
            folder = _folder(folder)
        path = path[found.end() :]
    return f"{folder}/{path}"


def _folder(address: str) -> str:
    return address.rpartition("/")[0]
