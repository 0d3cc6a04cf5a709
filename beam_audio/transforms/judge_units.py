"""JudgeUnits: what new rules alone change is decided from the committed rows, as by ``curate``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import apache_beam as beam

from beam_audio.curate.curate_unit import ByRules, curate_unit
from beam_audio.curate.evidence import columns_for
from beam_audio.curate.unit_rows import has_columns
from beam_audio.output.commits import read_commit
from beam_audio.unit.progress import PROGRESS
from beam_audio.unit.transcribe import UnitReport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.quality.ruleset import Rules
    from beam_audio.unit.transcribe import Unit

_UNITS: Final = "units"
_REPORTS: Final = "reports"


class JudgeUnits(beam.PTransform):
    """Judges inputs of units again for which nothing but the rules changed.

    No audio is opened, no model is used, and earlier decisions are kept beside the new ones. The
    result are the units with what is left to do, and a :class:`UnitReport` for each of which
    nothing is left.

    Args:
        output: The output folder.
        rules: The rules.
        run_id: Name of the run.
    """

    def __init__(self, output: str, rules: Rules, run_id: str) -> None:
        super().__init__()
        self._judge = _Judge(output, rules, run_id)

    def expand(
        self, units: beam.PCollection[Unit]
    ) -> tuple[beam.PCollection[Unit], beam.PCollection[UnitReport]]:
        """Wire the one DoFn."""
        found = units | "Judge" >> beam.ParDo(self._judge).with_outputs(_REPORTS, main=_UNITS)
        return found[_UNITS], found[_REPORTS]


class _Judge(beam.DoFn):
    def __init__(self, output: str, rules: Rules, run_id: str) -> None:
        super().__init__()
        self._output = output
        self._rules = rules
        self._run_id = run_id

    def process(self, element: Unit) -> Iterator[Unit | beam.pvalue.TaggedOutput]:
        judged = {task.source_id for task in element.tasks if task.only_judges}
        present = read_commit(self._output, element.unit_id) if judged else None
        # Rows of an older schema lack columns, which are made with the rest of the row.
        columns = columns_for(self._rules.columns)
        if present is None or not has_columns(self._output, present, columns):
            yield element
            return
        wanted = ByRules(self._rules)
        done = curate_unit(
            self._output, present, wanted, run_id=self._run_id, source_ids=judged
        ).rewritten
        PROGRESS.add(inputs=len(judged))
        left = tuple(task for task in element.tasks if task.source_id not in judged)
        if not left:
            was_committed = done.outcome == "lost"
            report = UnitReport(done.commit, was_committed=was_committed)
            yield beam.pvalue.TaggedOutput(_REPORTS, report)
        elif done.commit.run_id == self._run_id:
            # A repeated bundle finds what it wrote before.
            yield replace(element, tasks=left, version=element.version + 1)
        else:
            yield replace(element, tasks=left)
