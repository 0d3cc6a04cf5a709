"""Flags of the segments of a unit: ``test_curate_unit.py`` compares them all with a run."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from beam_audio import schema
from beam_audio.curate.evidence import Evidence

SEGMENT = {"recording_id": "r", "text": "one", "heard_language": "en", "normalizer_id": "basic-1"}
RECORDING = {"recording_id": "r", "sample_rate_hz": 16_000, "language": "en", "reasons": []}


def flag(name: str, *, segment: dict[str, Any], recording: dict[str, Any]) -> bool:
    """A flag of the first of two segments; the other one has its values, too."""
    tables = []
    for table, row in (("segments", SEGMENT | segment), ("recordings", RECORDING | recording)):
        columns = schema.file_schema(table)
        rows = [row] * (2 if table == "segments" else 1)
        fields = [pa.field(each.name, each.type) for each in columns]
        tables.append(pa.Table.from_pylist(rows, schema=pa.schema(fields)))
    found = Evidence(*tables).flags(name).tolist()
    assert found[0] == found[1]
    return bool(found[0])


@pytest.mark.parametrize(
    ("name", "segment", "recording", "wanted"),
    [
        ("language_mismatch", {"heard_language": "de"}, {}, True),
        ("language_mismatch", {"heard_language": "en-GB"}, {}, False),
        ("language_mismatch", {"heard_language": "de", "text": ""}, {}, False),
        ("language_mismatch", {"language_probability": 0.9}, {"stated_language": "fr"}, True),
        ("language_mismatch", {"language_probability": 0.5}, {"stated_language": "fr"}, False),
        ("language_unexpected", {"language_probability": 0.5}, {"stated_language": "fr"}, True),
        ("language_unexpected", {}, {"stated_language": "fr"}, False),
        ("word_spaces", {"heard_language": "ja"}, {}, False),
        ("word_spaces", {"heard_language": "ja"}, {"stated_language": "en"}, True),
        ("has_reference", {"normalizer_id": None}, {}, False),
        ("empty_reference", {"cer": None}, {}, True),
        ("empty_reference", {"cer": 0.0}, {}, False),
        ("scripts_differ", {"text": "天氣"}, {"language": "zh", "reference_text": "天气"}, True),
        ("scripts_differ", {"text": "天气"}, {"language": "zh", "reference_text": "天气"}, False),
    ],
)
def test_a_flag_follows_from_the_row_and_its_recording(
    name: str,
    segment: dict[str, Any],
    recording: dict[str, Any],
    wanted: bool,  # noqa: FBT001
) -> None:
    assert flag(name, segment=segment, recording=recording) is wanted
