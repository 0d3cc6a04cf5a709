"""DropForgotten: leaves out inputs where a forgotten recording was, and counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.inputs.forgotten import Forgotten
from beam_audio.inputs.tombstones import read_forgotten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.unit.tasks import Input

KEPT: Final = "kept"
FORGOTTEN: Final = "forgotten"


class DropForgotten(beam.PTransform):
    """Leaves out inputs where a forgotten recording was; none of them is opened.

    Returns a tuple of PCollections: ``kept``, the other inputs, and ``forgotten``, for each that is
    left out what stands for its id, see :meth:`Forgotten.listed_name`. A forgotten recording
    under another name is found when its unit is done.

    Args:
        output: The output folder.
    """

    def __init__(self, output: str) -> None:
        super().__init__()
        self._output = output

    def expand(self, inputs: beam.PCollection[Input]) -> beam.pvalue.DoOutputsTuple:
        """Wire the one DoFn."""
        return inputs | "Drop" >> beam.ParDo(_Drop(self._output)).with_outputs(FORGOTTEN, main=KEPT)


class _Drop(beam.DoFn):
    def __init__(self, output: str) -> None:
        super().__init__()
        self._output = output
        self._known = Forgotten()

    def start_bundle(self) -> None:
        self._known = read_forgotten(self._output)

    def process(self, element: Input) -> Iterator[Input | beam.pvalue.TaggedOutput]:
        if self._known.has_address(element):
            yield beam.pvalue.TaggedOutput(FORGOTTEN, self._known.listed_name(element))
        else:
            yield element
