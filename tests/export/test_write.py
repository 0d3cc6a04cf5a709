"""An export: tasks with their audio beside them, and a note of where it went."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import soundfile
from support.run_outputs import Command, read_rows, run, run_words
from support.unit_runs import Scripted, ref, settings, tones, transcribe, write

from beam_audio.curate.redact import redact_unit
from beam_audio.errors import ConfigError
from beam_audio.export.muting import UNTIMED
from beam_audio.export.note import read_exports
from beam_audio.export.write import export
from beam_audio.output.commits import read_commits
from beam_audio.types import Transcript, Word

if TYPE_CHECKING:
    from pathlib import Path


def test_tasks_play_their_stored_audio(audio: Path, tmp_path: Path) -> None:
    output, target = tmp_path / "out", tmp_path / "review"
    run(input=audio, output=output, store_audio="flac")
    rows = read_rows(output, "segments")
    decision = rows[0]["decision"]
    meant = {row["segment_id"]: row for row in rows if row["decision"] == decision}
    done = export(str(output), str(target), decision)
    tasks = json.loads((target / "tasks.json").read_text("utf-8"))
    assert done.tasks == done.clips == len(meant) == len(tasks)
    for task in tasks:
        row = meant[task["data"]["segment_id"]]
        (clip,) = parse_qs(urlsplit(task["data"]["audio"]).query)["d"]
        content = (target / clip).read_bytes()
        assert content == row["audio"]["bytes"]
        assert soundfile.info(io.BytesIO(content)).duration == pytest.approx(
            row["duration_seconds"], abs=0.01
        )
        assert task["data"]["words"] == row["words"]
    assert (target / "interface.xml").is_file()
    assert read_exports(str(output)) == [str(target)]


def test_without_stored_audio_a_task_names_the_recording(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output, target = tmp_path / "out", tmp_path / "review"
    command(*run_words(audio, output))
    (decision,) = {row["decision"] for row in read_rows(output, "segments")}
    flags = ("--format=label-studio", f"--decision={decision}")
    status, out, _ = command("export", output, *flags, f"--to={target}")
    assert status == 0
    assert "0 of them with their audio" in out
    tasks = json.loads((target / "tasks.json").read_text("utf-8"))
    assert {task["data"]["audio"] for task in tasks} == {
        str(audio / "one.wav"),
        str(audio / "two.wav"),
    }
    status, out, _ = command("forget", output, f"--uri={audio / 'one.wav'}")
    assert status == 0
    assert f"{target} is not touched" in out


def test_what_cannot_be_exported_is_told(audio: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(input=audio, output=output)
    with pytest.raises(ConfigError, match="in the output"):
        export(str(output), str(output / "review"), "keep")
    absent = {"keep", "drop", "review"} - {row["decision"] for row in read_rows(output, "segments")}
    with pytest.raises(ConfigError, match="no segment"):
        export(str(output), str(tmp_path / "x"), min(absent))  # type: ignore[arg-type] # one of three
    assert read_exports(str(output)) == []


def test_an_export_that_finds_nothing_leaves_the_note_of_an_earlier_one(
    audio: Path, tmp_path: Path
) -> None:
    output, target = tmp_path / "out", tmp_path / "review"
    run(input=audio, output=output)
    (decision,) = {row["decision"] for row in read_rows(output, "segments")}
    export(str(output), str(target), decision)
    with pytest.raises(ConfigError, match="no segment with the decision drop"):
        export(str(output), str(target), "drop")
    assert read_exports(str(output)) == [str(target)]


@pytest.mark.parametrize("has_times", [True, False])
def test_words_that_are_redacted_are_muted_or_their_clip_stays_away(
    tmp_path: Path,
    has_times: bool,  # noqa: FBT001
) -> None:
    text = "call 415-555-2671 please"
    words = tuple(
        Word(word, 0.2 * n, 0.2 * n + 0.2, 0.9) for n, word in enumerate(f" {text}".split(" ")[1:])
    )
    heard = Transcript(text, "en", words=words if has_times else None)
    output, target = tmp_path / "out", tmp_path / "review"
    source = ref(write(tmp_path / "a.wav", tones([0.5])))
    transcribe(
        output, source, recognizer=Scripted(lambda _: heard), using=settings(store_audio="flac")
    )
    for commit in list(read_commits(str(output))):
        redact_unit(str(output), commit, run_id="r")
    (row,) = read_rows(output, "segments")
    done = export(str(output), str(target), row["decision"])
    (tasks,) = [json.loads((target / "tasks.json").read_text("utf-8"))]
    if not has_times:
        assert (done.tasks, done.clips) == (0, 0)
        assert done.left_out == {UNTIMED: 1}
        assert tasks == []
        assert not (target / "audio").exists()
        return
    assert (done.tasks, done.muted) == (1, 1)
    assert tasks[0]["data"]["muted"] == [
        {"kind": "phone", "start_seconds": 0.2, "end_seconds": 0.4}
    ]
    (clip,) = (target / "audio").iterdir()
    samples, rate_hz = soundfile.read(clip)
    assert not samples[round(0.2 * rate_hz) : round(0.4 * rate_hz)].any()
    assert samples[round(0.5 * rate_hz) :].any()
    assert "2671" not in (target / "tasks.json").read_text("utf-8")
