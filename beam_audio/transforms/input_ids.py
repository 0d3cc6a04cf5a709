"""WriteNames: writes names from inside a graph to files that the command reads afterwards."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio import store
from beam_audio.errors import BeamAudioError, StoreError
from beam_audio.store.output_names import run_inputs

if TYPE_CHECKING:
    from collections.abc import Iterable

_MIDDLE: Final = "8"
"""About half of the names, which are hexadecimal and evenly spread, come before this one."""


class WriteNames(beam.PTransform):
    """Writes hexadecimal names of a bounded collection, for :func:`read_names`.

    Args:
        output: The output folder.
        run_id: Name of the run.
    """

    def __init__(self, output: str, run_id: str) -> None:
        super().__init__()
        self._write = partial(_write, output, run_id)

    def expand(self, names: beam.PCollection[str]) -> beam.PCollection[None]:
        """Wire two files, each written by one worker; both exist even if there are no names."""
        keyed = names | "Half" >> beam.Map(lambda name: (name < _MIDDLE, name))
        none = names.pipeline | "None" >> beam.Create([(True, ""), (False, "")])
        return (
            (keyed, none)
            | "All" >> beam.Flatten()
            | "Gather" >> beam.GroupByKey()
            | "Write" >> beam.MapTuple(self._write)
        )


def read_names(output: str, run_id: str) -> list[str]:
    """All names that were written, repeats included; the files are deleted.

    Raises:
        BeamAudioError: There are no files: the job did not get to write them.
    """
    folder = store.temporary_folder(output, run_inputs(run_id))
    files = store.files_under(folder)
    if not files:
        raise BeamAudioError("the job ended without naming its inputs; run it again")
    names: list[str] = []
    for part in files:
        with store.open_to_read(part.path) as file:
            names += file.read().decode("ascii").split()
    store.delete_folder(folder)
    return names


def _write(output: str, run_id: str, is_below: bool, names: Iterable[str]) -> None:  # noqa: FBT001 - the key
    """Write the names of one key; a retry overwrites what it wrote before."""
    folder = store.temporary_folder(output, run_inputs(run_id))
    path = store.join(folder, str(is_below))
    with store.reported(StoreError, f"cannot write {path!r}"), store.open_to_write(path) as file:
        for name in names:
            file.write(f"{name}\n".encode())
