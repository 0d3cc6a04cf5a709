"""Models in a bucket: each version is copied to the local cache once."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from beam_audio import store
from beam_audio.errors import ModelError, of_machine
from beam_audio.models.build import cache_directory
from beam_audio.types import StoredFile, stable_id


def local_model(name: str) -> str:
    """The name itself, or the local copy of an address such as ``gs://bucket/model``.

    The copy is made under another name and then renamed, so that an unfinished copy is not used.

    Raises:
        ModelError: The address holds no file.
        InputError: A file cannot be read.
        MachineError: The copy cannot be written, or the store does not answer.
    """
    if "://" not in name:
        return name
    files = store.files_under(name)
    if not files:
        raise ModelError(f"--model={name} holds no file; name the folder that holds the model")
    identity = stable_id(*[[meta.path, meta.size_in_bytes, meta.version] for meta in files])
    folder = name.rstrip("/").rpartition("/")[2]
    target = cache_directory(folder, "copy", identity) / folder
    if not target.is_dir():
        with of_machine(
            f"{name} cannot be copied to {target.parent}",
            "free some space there, or point BEAM_AUDIO_CACHE at a folder that can be written",
        ):
            _copy_all(name, files, target)
    return str(target)


def _copy_all(name: str, files: list[StoredFile], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        for meta in files:
            _copy(meta.path, partial / meta.path[len(name.rstrip("/")) + 1 :])
        partial.replace(target)
    except OSError:
        if not target.is_dir():  # otherwise another process has copied it meanwhile
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _copy(uri: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with store.open_to_read(uri) as remote, path.open("wb") as copy:
        shutil.copyfileobj(remote, copy)
