"""The clock of a store: ages of its files do not depend on the clock of the machine that asks."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from beam_audio.errors import StoreError
from beam_audio.store import files
from beam_audio.store.reported import reported


def present_seconds(root: str) -> float:
    """The present time by the clock that dates the files of an output, since the epoch.

    A machine's clock may be an hour off. Taken from it, a file just written would look old.

    Raises:
        StoreError: The output cannot be written.
    """
    probe = files.temporary_name(root)
    folder = Path(probe).parent
    is_new = files.scheme(root) is None and not folder.exists()
    with reported(StoreError, f"--output={root} is not writable"):
        with files.open_to_write(probe) as file:
            file.write(b"probe")
        seconds = files.stat(probe).last_updated_in_seconds
    files.delete(probe)
    if is_new:
        with suppress(OSError):  # another run has put files there meanwhile
            folder.rmdir()
    return seconds
