"""What rules decide where a person decided otherwise: it stands beside the person's verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from beam_audio.unit.scoring import CORRECTED

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_verdicts(segments: pa.Table, decided: pa.Table) -> pa.Table:
    """Decisions of rules, with the verdicts that segments have from a person in their place.

    Args:
        segments: Rows with ``segment_id``, ``decision`` and ``rules_decision``, which is null where
            nobody overruled the rules.
        decided: ``segment_id``, ``decision`` and ``reasons`` by rules, of some of the segments.

    Returns:
        The same rows, with ``rules_decision`` and ``rules_reasons`` beside.
    """
    place = pc.index_in(
        decided["segment_id"].combine_chunks(), value_set=segments["segment_id"].combine_chunks()
    )
    is_overruled = segments["rules_decision"].combine_chunks().take(place).is_valid()
    verdicts = segments["decision"].combine_chunks().take(place)
    decisions, reasons = (decided[name].combine_chunks() for name in ("decision", "reasons"))
    corrected = pa.array([[CORRECTED]] * len(decided), reasons.type)
    columns = {
        "decision": pc.if_else(is_overruled, verdicts, decisions),
        "reasons": pc.if_else(is_overruled, corrected, reasons),
        "rules_decision": _where(is_overruled, decisions),
        "rules_reasons": _where(is_overruled, reasons),
    }
    return _with(decided, columns)


def by_rules(segments: pa.Table) -> pa.Table:
    """Segments with the decisions of the rules alone."""
    return _with(
        segments,
        {
            name: pc.coalesce(segments[f"rules_{name}"], segments[name])
            for name in ("decision", "reasons")
        },
    )


def _where(mask: pa.Array, values: pa.Array) -> pa.Array:
    return pc.if_else(mask, values, pa.nulls(len(values), values.type))


def _with(table: pa.Table, columns: Mapping[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, values)
        else:
            table = table.append_column(name, values)
    return table
