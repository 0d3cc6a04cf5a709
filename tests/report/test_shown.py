from __future__ import annotations

from typing import TYPE_CHECKING

from support.run_outputs import read_rows

from beam_audio.quality.rules import load_rules
from beam_audio.report import shown
from beam_audio.report.figures import summaries
from beam_audio.report.tables import keep_figures

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.report.content import Report
    from beam_audio.report.tables import Tables


def test_the_worst_come_by_error_rate(report: Report, output: Path) -> None:
    rates = {row["segment_id"]: row["wer"] for row in read_rows(output, "segments")}
    found = [rates[each] for each in report.content["worst"]]
    known = [rate for rate in found if rate is not None]
    assert known == sorted(known, reverse=True)
    assert found[len(known) :] == [None] * (len(found) - len(known))
    assert len(found) == len(rates)


def test_the_most_borderline_are_nearest_to_a_threshold(tables: Tables) -> None:
    rules = load_rules("balanced")
    measures = summaries(tables, keep_figures(tables, rules))
    found = shown.borderline(tables, measures, rules)
    assert [each["distance"] for each in found] == sorted(each["distance"] for each in found)
    assert {each["reason"] for each in found} <= {rule.reason for rule in rules.rules}
    assert shown.borderline(tables, measures, None) == []


def test_segments_say_all_that_is_asked_of_them(report: Report, output: Path) -> None:
    rows = {row["segment_id"]: row for row in read_rows(output, "segments")}
    for each in report.content["segments"]:
        row = rows[each["segment_id"]]
        assert (each["text"], each["reference_text"]) == (row["text"], row["reference_text"])
        applying = {verdict["reason"] for verdict in each["verdicts"] if verdict["applies"]}
        assert applying == set(row["reasons"])
        assert each["values"]["snr_db"] == row["snr_db"]
        assert each["metadata"]["source"] in {"even", "odd"}
