"""``curate --corrections``: from an export and back, through the command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from support.run_outputs import Command, read_rows, run_words, write_manifest, write_speech
from support.unit_runs import files, read_all

if TYPE_CHECKING:
    from pathlib import Path

TRUTH = "When the rain stopped, we walked home along the river."


def annotated(task: dict[str, Any], text: str, verdict: str, minute: int) -> dict[str, Any]:
    """A task as Label Studio exports it once a person corrected what was predicted."""
    result = [
        {**each, "id": str(n), "origin": "prediction-changed"}
        for n, each in enumerate(json.loads(json.dumps(task["predictions"][0]["result"])))
    ]
    result[0]["value"]["text"] = [text]
    result[1]["value"]["choices"] = [verdict]
    at = f"2026-11-27T09:{minute:02}:00.123456Z"
    person = {"id": 1, "email": "anna@example.com", "first_name": "", "last_name": ""}
    annotation = {
        "id": 5,
        "completed_by": person,
        "result": result,
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": at,
        "updated_at": at,
        "lead_time": 9.5,
    }
    return {"id": minute, "annotations": [annotation], "data": task["data"], "predictions": []}


def test_what_a_person_corrected_comes_back_and_can_be_taken_back(
    command: Command, tmp_path: Path
) -> None:
    out, review = tmp_path / "out", tmp_path / "review"
    write_speech(tmp_path / "in" / "a.wav", seconds=4.0)
    line = {"audio_filepath": str(tmp_path / "in" / "a.wav"), "text": TRUTH, "lang": "en"}
    manifest = write_manifest(tmp_path / "m.jsonl", [line])
    words = [each for each in run_words("", out, f"--manifest={manifest}") if each != "--input="]
    assert command(*words)[0] == 0
    before = read_all(out)
    to = ("--format=label-studio", f"--to={review}", "--decision=drop")
    assert command("export", out, *to)[0] == 0
    tasks = json.loads((review / "tasks.json").read_text("utf-8"))
    exported = tmp_path / "annotated.json"
    done = [
        annotated(task, task["predictions"][0]["result"][0]["value"]["text"][0], "keep", n)
        for n, task in enumerate(tasks)
    ]
    exported.write_text(json.dumps([*done, {"id": 99, "annotations": [], "data": {}}, 3]))
    status, printed, _ = command("curate", out, f"--corrections={exported}")
    assert status == 0
    assert f"taken       {len(tasks)} corrections; 1 recordings have new ones" in printed
    assert "left out    1: not annotated" in printed
    assert f"refused     task number {len(tasks) + 2}: is no JSON object" in printed
    assert f"in force    {len(tasks)} texts and {len(tasks)} verdicts" in printed
    rows = read_rows(out, "segments")
    assert {(row["decision"], row["wer"]) for row in rows} == {("keep", 0.0)}
    (recording,) = read_rows(out, "recordings")
    assert (recording["wer"], recording["drop_samples"]) == (0.0, 0)
    stood = files(out)
    assert command("curate", out, f"--corrections={exported}")[0] == 0
    assert files(out) == stood
    own = ("recording_id", "start_seconds", "end_seconds")
    back = [
        {name: row[name] for name in own}
        | {"withdrawn": True, "corrected_at": "2026-11-28T00:00:00Z"}
        for row in rows
    ]
    exported.write_text("\n".join(map(json.dumps, back)))
    assert command("curate", out, f"--corrections={exported}")[0] == 0
    assert read_all(out) == before


def test_a_file_of_another_output_changes_nothing(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    out, file = tmp_path / "out", tmp_path / "other.jsonl"
    command(*run_words(audio, out))
    stood = files(out)
    line = {"segment_id": "0" * 32, "text": "x\x1b[31m", "corrected_at": "2026-11-28T00:00:00Z"}
    file.write_text("\n".join([json.dumps(line)] * 300))
    status, printed, complaint = command("curate", out, f"--corrections={file}")
    assert status == 2
    assert "nothing in it could be taken" in complaint
    assert "refused     and 200 more" in printed
    assert "\x1b" not in printed
    assert files(out) == stood


def test_rules_can_judge_in_the_same_command(command: Command, audio: Path, tmp_path: Path) -> None:
    out, file = tmp_path / "out", tmp_path / "own.jsonl"
    command(*run_words(audio, out))
    row = read_rows(out, "segments")[0]
    line = {"segment_id": row["segment_id"], "verdict": "keep", "corrected_at": "2026-11-28"}
    file.write_text(json.dumps(line))
    status, printed, _ = command("curate", out, f"--corrections={file}", "--rules=strict")
    assert status == 0
    assert "judged by strict" in printed
    (found,) = (
        each for each in read_rows(out, "segments") if each["segment_id"] == row["segment_id"]
    )
    assert (found["decision"], found["reasons"]) == ("keep", ["corrected"])
    assert found["rules_id"].startswith("strict-")
    both = (f"--corrections={file}", "--redact=pii")
    assert command("curate", out, *both)[0] == 2
