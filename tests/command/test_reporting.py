"""What report and explain print and write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import soundfile
from support.corrected_outputs import correct, correction, keep
from support.run_outputs import Command, listing, only, read_rows, run_words

from beam_audio.quality.rules import load_rules

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def output(command: Command, audio: Path, tmp_path: Path) -> Path:
    assert command(*run_words(audio, tmp_path / "out"))[0] == 0
    return tmp_path / "out"


def test_report_writes_one_page_into_the_output_and_changes_no_row(
    command: Command, output: Path
) -> None:
    before = listing(output)
    status, out, err = command("report", output)
    assert (status, err) == (0, "")
    assert out.strip() == f"written to  {output}/report.html"
    after = listing(output)
    assert after.keys() - before.keys() == {"report.html"}
    assert all(after[name] == before[name] for name in before if not name.endswith(".run"))
    assert (output / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")


def test_report_prints_its_figures_and_writes_nothing(command: Command, output: Path) -> None:
    before = listing(output)
    status, out, _ = command("report", output, "--json")
    figures = json.loads(out)
    assert status == 0
    assert figures["total"]["segments"] == len(read_rows(output, "segments"))
    assert listing(output) == before


def test_report_says_what_moved_and_writes_where_it_is_told(
    command: Command, output: Path, audio: Path, tmp_path: Path
) -> None:
    other, page = tmp_path / "other", tmp_path / "page.html"
    command(*run_words(audio, other, "--rules=strict"))
    status, out, _ = command("report", output, f"--against={other}", f"--page={page}")
    assert (status, out.strip()) == (0, f"written to  {page}")
    assert "only_before" in page.read_text("utf-8")
    assert command("report", output, f"--page={tmp_path}/none/page.html")[0] == 2
    assert command("report", tmp_path / "audio")[0] == 2


def test_explain_prints_rules_audio_model_and_writes_the_clip(
    command: Command, output: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    row = read_rows(output, "segments")[0]
    status, out, _ = command("explain", output, row["segment_id"][:8], "--play")
    assert status == 0
    assert f"segment     {row['segment_id']}" in out
    assert f"decision    {row['decision']}" in out
    assert "duration_seconds above 30" in out
    assert row["uri"] in out
    assert "model       placeholder/none" in out
    clip = only(list(tmp_path.glob("*.flac")))
    assert f"written to  {clip.name}" in out
    assert soundfile.info(clip).duration == pytest.approx(row["duration_seconds"])
    status, out, _ = command("explain", output, row["segment_id"], "--json")
    assert json.loads(out)["segment_id"] == row["segment_id"]


def test_explain_says_who_corrected_what_and_what_the_rules_decided(
    command: Command, output: Path
) -> None:
    row = read_rows(output, "segments")[0]
    keep(output, [correction(row, text="a river", verdict="review")])
    correct(output, load_rules("balanced"))
    status, out, _ = command("explain", output, row["segment_id"])
    assert status == 0
    assert "review (corrected), by anna on 2026-11-27T09:00:00+00:00; the rules balanced-" in out
    assert "decided drop (wer_high" in out
    assert "reference   a river\n            from anna on 2026-11-27" in out
    found = json.loads(command("report", output, "--json")[1])["segments"]
    (shown,) = (each for each in found if each["segment_id"] == row["segment_id"])
    assert (shown["reference_origin"], shown["rules_decision"]) == ("correction", "drop")


def test_explain_refuses_what_is_no_segment(command: Command, output: Path) -> None:
    status, _, err = command("explain", output, "0123456789")
    assert status == 2
    assert "no segment has the id" in err


def test_without_duckdb_it_says_how_to_get_it(
    command: Command, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    status, _, err = command("report", output)
    assert status == 2
    assert "beam_audio[report]" in err
