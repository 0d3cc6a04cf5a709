"""What rules may look at, made from rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support import judged_outputs
from support.judged_outputs import FLAGS_HERE
from support.unit_runs import read_all

from beam_audio.curate.curate_unit import read_evidence
from beam_audio.output.commits import read_commits
from beam_audio.quality.measures import RULE_MEASURES, RULE_TEXTS
from beam_audio.quality.rules import load_rules

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.curate.evidence import Evidence


@pytest.fixture
def out(tmp_path: Path) -> Path:
    inputs = judged_outputs.inputs(tmp_path / "in")
    return judged_outputs.output(
        tmp_path / "out", inputs, judged_outputs.using(load_rules("strict"))
    )


def evidence(root: Path, *columns: str) -> list[Evidence]:
    wanted = frozenset({*columns, "text"})
    return [read_evidence(str(root), each, wanted) for each in read_commits(str(root))]


def test_every_name_that_rules_accept_is_known(out: Path) -> None:
    for each in evidence(out, *RULE_MEASURES, *FLAGS_HERE, *RULE_TEXTS, "metadata.speaker"):
        rows = np.arange(len(each))
        assert all(each.numbers(name).shape == rows.shape for name in RULE_MEASURES)
        assert all(each.flags(name).shape == rows.shape for name in FLAGS_HERE)
        assert all(len(each.texts(name, rows)) == len(rows) for name in RULE_TEXTS)


def test_texts_and_metadata_are_those_of_the_rows(out: Path) -> None:
    found = [
        pair
        for each in evidence(out, "metadata.speaker")
        for rows in [np.arange(len(each))]
        for pair in zip(each.texts("text", rows), each.texts("metadata.speaker", rows), strict=True)
    ]
    rows = read_all(out)["segments"]
    expected = [(row["text"], f"s{int(row['uri'][-5]) % 3}") for row in rows]
    assert sorted(found) == sorted(expected)


def test_only_the_columns_that_are_asked_for_are_read(out: Path) -> None:
    (first, _) = evidence(out, "snr_db")
    assert set(first.segments.column_names) == {"recording_id", "snr_db", "source_id", "text"}
