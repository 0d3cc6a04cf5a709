"""What ``curate --duplicates`` and ``--against`` print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.run_outputs import Command, read_rows, run_words, write_speech

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
rules:
  - {column: duplicate_by, matches: "bytes|samples|sound", decision: drop, reason: duplicate}
"""


def test_duplicates_are_counted_and_a_rule_can_drop_them(command: Command, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_speech(tmp_path / "audio" / f"{name}.wav", seconds=3.0)
    out, rules = tmp_path / "out", tmp_path / "rules.yaml"
    rules.write_text(RULES, encoding="utf-8")
    command(*run_words(tmp_path / "audio", out))
    status, printed, _ = command("curate", str(out), "--duplicates", f"--rules={rules}")
    assert status == 0
    segments = read_rows(out, "segments")
    marked = [row for row in segments if row["duplicate_of"] is not None]
    assert len(marked) == len(segments) / 2 > 0
    assert f"{len(marked)} segments are duplicates of other rows" in printed
    assert "the same bytes" in printed
    assert all((row["decision"] == "drop") is (row in marked) for row in segments)


def test_a_test_set_that_is_nowhere_found_says_so(command: Command, tmp_path: Path) -> None:
    write_speech(tmp_path / "audio" / "a.wav")
    command(*run_words(tmp_path / "audio", tmp_path / "out"))
    manifest = tmp_path / "test.jsonl"
    manifest.write_text('{"audio_filepath": "none.wav", "text": "x"}\n', encoding="utf-8")
    status, printed, _ = command("curate", str(tmp_path / "out"), f"--against={manifest}")
    assert status == 0
    assert "0 segments are overlaps with the test set" in printed
