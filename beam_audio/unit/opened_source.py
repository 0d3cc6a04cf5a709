"""What a person hands over as audio, opened: a path, an address, bytes or a file."""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

from beam_audio.audio.decode import open_source
from beam_audio.types import AudioRef
from beam_audio.unit.content import Opened, spool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase


@contextmanager
def opened_source(
    source: str | os.PathLike[str] | bytes | BinaryIO, max_bytes: int
) -> Iterator[Opened]:
    """The encoded bytes of a source, with the identity that a run gives them.

    Args:
        source: A path, an address, encoded bytes or a seekable binary file.
        max_bytes: What is larger is refused.

    Raises:
        InputError: It does not exist or cannot be read.
        LimitError: It is larger.
    """
    with ExitStack() as stack:
        uri = os.fsdecode(source) if isinstance(source, str | os.PathLike) else ""
        if "://" in uri:
            file, content_sha256 = spool(AudioRef(uri, size_bytes=0), max_bytes)
            stack.enter_context(file)
        else:
            file = open_source(source, stack)
            file.seek(0)
            content_sha256 = hashlib.file_digest(cast("BufferedIOBase", file), "sha256").hexdigest()
            uri = os.path.abspath(uri) if uri else ""  # noqa: PTH100 - as runs spell it: links stay
        yield Opened(AudioRef(uri, size_bytes=0), file, content_sha256)
