"""ListInputs: the ids of all inputs of a run, put where the ledger finds them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio import store
from beam_audio.errors import BeamAudioError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.staleness import Input

_MIDDLE: Final = "8"
"""Of source ids, which are hexadecimal and evenly spread."""


class ListInputs(beam.PTransform):
    """Writes the source ids of all inputs below the output, for :func:`read_listing`.

    Args:
        output: The output folder.
        run_id: Name of the run.
    """

    def __init__(self, output: str, run_id: str) -> None:
        super().__init__()
        self._output = output
        self._run_id = run_id

    def expand(self, inputs: beam.PCollection[Input]) -> beam.PCollection[None]:
        """Wire two files, each written by one worker; there are both even of no input."""
        ids = inputs | "SourceIds" >> beam.Map(
            lambda item: (item.source_id < _MIDDLE, item.source_id)
        )
        none = inputs.pipeline | "None" >> beam.Create([(True, ""), (False, "")])
        return (
            (ids, none)
            | "All" >> beam.Flatten()
            | "Gather" >> beam.GroupByKey()
            | "Write" >> beam.MapTuple(partial(_write, self._output, self._run_id))
        )


def read_listing(output: str, run_id: str) -> list[str]:
    """Source ids of all a run's inputs, repeats too; the files are deleted.

    Raises:
        BeamAudioError: There are none, not even of no input.
    """
    folder = _folder(output, run_id)
    files = store.files_under(folder)
    if not files:
        raise BeamAudioError("the job ended and did not say what its inputs were; run it again")
    listed: list[str] = []
    for part in files:
        with store.open_to_read(part.path) as file:
            listed += file.read().decode("ascii").split()
    store.remove_temporary_folder(output, folder)
    return listed


def _write(output: str, run_id: str, is_below: bool, source_ids: Iterable[str]) -> None:  # noqa: FBT001 - the key
    """Write the ids of one key; a retry overwrites what it wrote before."""
    with store.open_to_write(store.join(_folder(output, run_id), str(is_below))) as file:
        for source_id in source_ids:
            file.write(f"{source_id}\n".encode())


def _folder(output: str, run_id: str) -> str:
    return store.temporary_folder(output, f"run-{run_id}")
