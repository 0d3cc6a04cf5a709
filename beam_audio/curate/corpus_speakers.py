"""People of a whole output, from the embeddings in its rows: who is heard in several recordings.

What is grouped is each speaker of each recording, by the mean of their segments' embeddings.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from beam_audio.curate.rewrite import rewrite_unit
from beam_audio.curate.unit_rows import table_of
from beam_audio.speakers.clusters import group
from beam_audio.speakers.people import directions_of
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from beam_audio.output.commits import Commit
    from beam_audio.schema import Table

THRESHOLD: Final = 0.5
"""Mean cosine from which speakers of several recordings are one person."""

Speaker = tuple[str, str]
"""A recording's id, and the label of a speaker in it."""
_COLUMN: Final = "corpus_speaker"
_READ: Final = (
    *("recording_id", "speaker_label", "speaker_embedding", "speaker_model_id"),
    "duration_seconds",
)


@dataclass(slots=True)
class Heard:
    """What was heard of speakers with one model: sums of their directions, and seconds."""

    sums: dict[Speaker, NDArray[np.float32]] = field(default_factory=dict)
    seconds: defaultdict[Speaker, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, speaker: Speaker, direction: NDArray[np.float32], seconds: float) -> None:
        """Count a segment of a speaker."""
        weighted = direction * np.float32(seconds)
        self.sums[speaker] = self.sums[speaker] + weighted if speaker in self.sums else weighted
        self.seconds[speaker] += seconds


@dataclass(frozen=True, slots=True)
class Named:
    """What became of an output.

    Attributes:
        speakers: Speakers of recordings.
        people: The people that they are.
        units: Units by what became of them, see :class:`beam_audio.curate.rewrite.Rewritten`.
    """

    speakers: int
    people: int
    units: Counter[str] = field(default_factory=Counter)


def hear_unit(root: str, commit: Commit, heard: dict[str, Heard]) -> None:
    """Add the speakers of a unit to what was heard, by the id of their model.

    Raises:
        StoreError: The rows cannot be read.
    """
    rows = table_of(root, commit, "segments", _READ, commit.sources)
    for batch in rows.filter(rows["speaker_embedding"].is_valid()).to_batches():
        found = {name: batch.column(name).to_pylist() for name in _READ}
        directions = directions_of(
            np.array(each, np.int8).tobytes() for each in found["speaker_embedding"]
        )
        for number, direction in enumerate(directions):
            speaker = found["recording_id"][number], found["speaker_label"][number]
            of_model = heard.setdefault(found["speaker_model_id"][number], Heard())
            of_model.add(speaker, direction, found["duration_seconds"][number])


def people_of(heard: Mapping[str, Heard], threshold: float) -> dict[Speaker, str]:
    """The person that each speaker is: ``P1`` is heard longest.

    Speakers heard with several models are never one: their embeddings cannot be compared.
    """
    members: list[tuple[float, list[Speaker]]] = []
    for of_model in heard.values():
        speakers = sorted(of_model.sums)
        sums = np.stack([of_model.sums[each] for each in speakers])
        directions = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        seconds = np.array([of_model.seconds[each] for each in speakers])
        numbers = group(directions, seconds.astype(np.float32), threshold)
        for number in range(int(numbers.max()) + 1):
            chosen = np.flatnonzero(numbers == number)
            members.append((float(seconds[chosen].sum()), [speakers[each] for each in chosen]))
    ordered = sorted(members, key=lambda it: (-round(it[0], 3), it[1]))
    return {name: f"P{rank}" for rank, (_, names) in enumerate(ordered, 1) for name in names}


def name_unit(root: str, commit: Commit, people: Mapping[Speaker, str], run_id: str) -> str:
    """Write who is heard into the rows of a unit; returns what became of it.

    Raises:
        StoreError: The rows cannot be read, or the record cannot be written.
        MachineError: The new rows cannot be written.
    """
    name = stable_id("speakers", sorted([*speaker, each] for speaker, each in people.items()))
    change = partial(_with_people, people=people)
    return rewrite_unit(root, commit, change, name=name, run_id=run_id).outcome


def _with_people(
    table: Table, rows: pa.RecordBatch, people: Mapping[Speaker, str]
) -> pa.RecordBatch:
    """Rows with their people: a :data:`beam_audio.curate.rewrite.Change`."""
    if table != "segments":
        return rows
    speakers = zip(*(rows.column(name).to_pylist() for name in _READ[:2]), strict=True)
    named = pa.array([people.get(each) for each in speakers], pa.string())
    return rows.set_column(rows.schema.get_field_index(_COLUMN), _COLUMN, named)
