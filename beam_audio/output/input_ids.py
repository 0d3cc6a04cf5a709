"""What a run has listed, written while it goes on: its ledger and ``status`` read the ids."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from beam_audio import store
from beam_audio.errors import BeamAudioError, InputError, StoreError
from beam_audio.store.output_names import TEMPORARY, run_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_AHEAD: Final = "ahead"
_LEFT_OUT: Final = "left_out"


def write_ids(root: str, run_id: str, part: str, ids: Iterable[str]) -> None:
    """Write ids of inputs, repeats included; writing a part again replaces it.

    Args:
        root: The output folder.
        run_id: Name of the run.
        part: Name of the part. All repeats of an id are in one part.
        ids: The ids.

    Raises:
        StoreError: They cannot be written.
    """
    _write(_path(root, run_id, part), ids)


def write_ahead(root: str, run_id: str, inputs: int) -> None:
    """Write how many inputs a run has listed and not looked at yet.

    Raises:
        StoreError: It cannot be written.
    """
    _write(_path(root, run_id, _AHEAD), [str(inputs)])


def write_left_out(root: str, run_id: str, summary: str) -> None:
    """Write what a run has found that is no input, in words.

    Raises:
        StoreError: It cannot be written.
    """
    _write(_path(root, run_id, _LEFT_OUT), [summary])


def read_left_out(root: str, run_id: str) -> str:
    """These words; empty for nothing."""
    return " ".join(_read(_path(root, run_id, _LEFT_OUT)))


def read_ids(root: str, run_id: str) -> Iterator[list[str]]:
    """Ids that a run has written, part by part, repeats included.

    Raises:
        BeamAudioError: There are none: the job did not get to write them.
    """
    files = store.files_under(_folder(root, run_id))
    if not files:
        raise BeamAudioError("the job ended without naming its inputs; run it again")
    return (_read(each.path) for each in files if not _is(each.path, _AHEAD, _LEFT_OUT))


def read_unfinished(root: str) -> Iterator[tuple[list[str], int]]:
    """Ids that runs have written which have not ended, and how many more they have listed."""
    for each in store.files_like(store.join(root, TEMPORARY), f"{run_inputs('*')}/*"):
        with suppress(InputError):  # the run has ended meanwhile
            lines = _read(each.path)
            if not _is(each.path, _LEFT_OUT):
                yield ([], sum(map(int, lines))) if _is(each.path, _AHEAD) else (lines, 0)


def delete_ids(root: str, run_id: str) -> None:
    """Delete what a run has written."""
    store.delete_folder(_folder(root, run_id))


def _folder(root: str, run_id: str) -> str:
    return store.temporary_folder(root, run_inputs(run_id))


def _path(root: str, run_id: str, part: str) -> str:
    return store.join(_folder(root, run_id), part)


def _is(path: str, *names: str) -> bool:
    return path.rpartition("/")[2] in names


def _read(path: str) -> list[str]:
    with store.open_to_read(path) as file:
        return file.read().decode("ascii").split()


def _write(path: str, lines: Iterable[str]) -> None:
    content = "".join(f"{line}\n" for line in lines)
    with store.reported(StoreError, f"cannot write {path!r}"), store.open_to_write(path) as file:
        file.write(content.encode())
