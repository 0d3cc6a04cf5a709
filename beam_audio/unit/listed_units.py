"""The units of a list of any length: it is on disk, and some thousand inputs are planned at a time.

All inputs of one address are in one wave of the list, so it does not matter where a wave ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.inputs.listed import WAVE_INPUTS
from beam_audio.inputs.tombstones import read_forgotten
from beam_audio.output.input_ids import delete_ids, write_ahead, write_ids, write_left_out
from beam_audio.store.groups_on_disk import GroupsOnDisk, batches
from beam_audio.unit.packing import unit_again
from beam_audio.unit.planning import plan
from beam_audio.unit.progress import PROGRESS
from beam_audio.unit.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beam_audio.inputs.listed import ListedInputs
    from beam_audio.unit.record_index import RecordIndex
    from beam_audio.unit.tasks import Input, Wanted
    from beam_audio.unit.transcribe import Unit


def listed_units(  # noqa: PLR0913 - keyword arguments
    listed: ListedInputs,
    before: RecordIndex,
    wanted: Wanted,
    *,
    output: str,
    unit_bytes: int,
    most: int = WAVE_INPUTS,
) -> Iterator[list[Unit]]:
    """Compare a list with what is committed, and pack what is left to do into units.

    New inputs come wave by wave, in the order of addresses. Inputs whose rows are out of date come
    last: their units, which earlier runs may have grouped otherwise, are each done again once. The
    ids of a wave's inputs are written before its units are given; forgotten ones are left out.

    Args:
        listed: The inputs.
        before: What is committed.
        wanted: The configuration that the rows should have, and the run that makes them.
        output: The output folder.
        unit_bytes: Encoded bytes per unit.
        most: About how many inputs a wave has.

    Raises:
        MachineError: A store does not answer.
        StoreError: The ids cannot be written.
    """
    run_id, left = wanted.run_id, listed.count
    again = GroupsOnDisk[tuple[str, int, Task]]()
    PROGRESS.plan(inputs=left)
    delete_ids(output, run_id)  # of an attempt that the runner repeats
    write_left_out(output, run_id, listed.left_out.summary)
    write_ahead(output, run_id, left)
    for number, inputs in enumerate(listed.waves(most)):
        kept = _without_forgotten(output, run_id, f"{number:06}", inputs)
        left -= len(inputs)
        write_ahead(output, run_id, left)
        committed = before.at({item.place_id for item in kept})
        wave = plan(kept, committed, wanted, unit_bytes)
        PROGRESS.plan(inputs=wave.inputs - len(inputs))
        again.add((each[0], each) for each in wave.again)
        yield wave.new
    for groups in batches(again.groups(), most):
        yield [
            unit_again(group[0][0], [(version, task) for _, version, task in group])
            for group in groups
        ]


def _without_forgotten(output: str, run_id: str, part: str, inputs: Sequence[Input]) -> list[Input]:
    """Inputs that are not where a forgotten recording was; the ids of all are written."""
    known = read_forgotten(output)
    kept = [item for item in inputs if not known.has_address(item)]
    gone = [item for item in inputs if known.has_address(item)]
    ids = [item.source_id for item in kept] + [known.listed_name(item) for item in gone]
    write_ids(output, run_id, part, ids)
    return kept
