"""Models in a bucket: each version is copied to the local cache once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio import store
from beam_audio.errors import ModelError, of_machine
from beam_audio.models.build import cache_directory
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from beam_audio.types import StoredFile


def local_model(name: str) -> str:
    """The name itself, or the local copy of an address such as ``gs://bucket/model``.

    The copy is made under another name and then renamed, so that an unfinished copy is not used.

    Raises:
        ModelError: The address holds no file, or an object whose name is not that of a file below
            it, such as ``../x``. Nothing is written then.
        InputError: A file cannot be read.
        MachineError: The copy cannot be written, or the store does not answer.
    """
    if "://" not in name:
        return name
    folder = name.rstrip("/").rpartition("/")[2]
    if (why := store.outside(folder)) is not None:
        raise ModelError(f"{name}: the name of its folder {why}; give it another")
    files = [each for each in store.files_under(name) if not _is_folder(each)]
    if not files:
        raise ModelError(f"{name} holds no file; name the folder that holds the model")
    inside = {each.path: each.path[len(name.rstrip("/")) + 1 :] for each in files}
    _require_file_names(name, set(inside.values()))
    identity = stable_id(*[[meta.path, meta.size_in_bytes, meta.version] for meta in files])
    target = cache_directory(folder, "copy", identity) / folder
    if not target.is_dir():
        with of_machine(
            f"{name} cannot be copied to {target.parent}",
            "free some space there, or point BEAM_AUDIO_CACHE at a folder that can be written",
        ):
            _copy_all(inside, target)
    return str(target)


def _copy_all(names: Mapping[str, str], target: Path) -> None:
    """Copy files, each by its address to its name, into a folder that appears whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        for uri, name in names.items():
            _copy(uri, partial / name)
        partial.replace(target)
    except OSError:
        if not target.is_dir():  # otherwise another process has copied it meanwhile
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_folder(file: StoredFile) -> bool:
    """Whether an object is an empty one that a console draws a folder with."""
    return file.path.endswith("/") and file.size_in_bytes == 0


def _require_file_names(address: str, names: Collection[str]) -> None:
    """Refuse objects that no folder of a disk can hold, or that would be written outside of it.

    Raises:
        ModelError: An object has such a name.
    """
    cure = "delete it, or copy the files of the model to a folder of their own"
    for name in sorted(names):
        if (why := store.outside(name)) is not None:
            raise ModelError(f"{address} has an object {name!r:.200}, and its name {why}: {cure}")
        if folder := next((each for each in _folders(name) if each in names), None):
            raise ModelError(
                f"{address} has the objects {folder!r} and {name!r}, and a folder cannot "
                f"hold both: {cure}"
            )


def _folders(name: str) -> Iterator[str]:
    while name := name.rpartition("/")[0]:
        yield name


def _copy(uri: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with store.open_to_read(uri) as remote, path.open("wb") as copy:
        shutil.copyfileobj(remote, copy)
