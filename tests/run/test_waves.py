"""A batch that takes its list in waves: where they end makes no difference."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.run_outputs import (
    all_rows,
    commit_files,
    only,
    read_rows,
    run,
    settings,
    write_manifest,
    write_speech,
)

from beam_audio.errors import StoreError
from beam_audio.output.input_ids import write_ids
from beam_audio.output.status import read_status
from beam_audio.run import batch, waves
from beam_audio.unit import listed_units

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

NAMES = "abcdefgh"


@pytest.fixture(autouse=True)
def short_waves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waves, "WAVE_INPUTS", 3)


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audio")
    for index, name in enumerate(NAMES):
        write_speech(folder / f"{name}.wav", start_seconds=0.4 * index, seconds=1.0)
    return folder


@pytest.fixture
def manifest(audio: Path, tmp_path: Path) -> Path:
    """Every file, some twice and far apart, contradictions, and lines that are none."""
    lines: list[dict[str, Any] | str] = [
        {"audio_filepath": str(audio / f"{name}.wav")} for name in NAMES
    ]
    more = [
        lines[0],
        {"audio_filepath": str(audio / "b.wav"), "text": "one"},
        {"audio_filepath": str(audio / "c.wav"), "offset": 0.25, "duration": 0.5},
        {"audio_filepath": str(audio / "none.wav")},
        "{broken",
        "{broken",
    ]
    return write_manifest(tmp_path / "m.jsonl", [*lines, *more])


def test_rows_and_figures_are_those_of_one_wave(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = run(manifest=manifest, output=tmp_path / "short")
    monkeypatch.setattr(waves, "WAVE_INPUTS", 1000)
    whole = run(manifest=manifest, output=tmp_path / "whole")
    assert all_rows(tmp_path / "short") == all_rows(tmp_path / "whole")
    assert len(commit_files(tmp_path / "short")) > len(commit_files(tmp_path / "whole")) == 1
    assert (short.ledger, short.listed, short.new_inputs) == (whole.ledger, 14, 11)
    assert short.ledger.inputs == 11
    failures = read_rows(tmp_path / "short", "failures")
    contradicted = only([row for row in failures if row["uri"].endswith("b.wav")])
    assert contradicted["error_type"] == "ContradictionError"


@pytest.mark.integration
def test_prism_does_the_waves_of_the_local_runner(manifest: Path, tmp_path: Path) -> None:
    local, prism = tmp_path / "local", tmp_path / "prism"
    expected = run(manifest=manifest, output=local)
    result = batch.run(settings(manifest=manifest, output=prism), ["--runner=PrismRunner"])
    assert all_rows(prism) == all_rows(local)
    assert (result.ledger, result.new_inputs) == (expected.ledger, 11)
    units = [{path.name for path in commit_files(output)} for output in (local, prism)]
    assert units[0] == units[1]
    assert len(units[0]) > 1


def test_a_run_that_fails_between_two_waves_keeps_the_first_and_goes_on_later(
    audio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    assert run(input=audio, output=tmp_path / "whole").exit_status == 0

    def full(root: str, run_id: str, part: str, ids: Iterable[str]) -> None:
        if part != "000000":
            raise StoreError("the disk is full")
        write_ids(root, run_id, part, ids)

    with monkeypatch.context() as patched:
        patched.setattr(listed_units, "write_ids", full)
        with pytest.raises(StoreError, match="full"):
            run(input=audio, output=output)
    assert len(read_rows(output, "recordings")) == 3
    assert read_status(str(output)).left == 5
    resumed = run(input=audio, output=output)
    assert (resumed.exit_status, resumed.new_inputs, resumed.listed) == (0, 5, 8)
    assert all_rows(output) == all_rows(tmp_path / "whole")


def test_a_unit_is_done_again_once_in_whatever_waves_its_inputs_are(
    audio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waves, "WAVE_INPUTS", 1000)
    run(input=audio, output=tmp_path / "out")
    run(input=audio, output=tmp_path / "fresh", rules="strict")
    monkeypatch.setattr(waves, "WAVE_INPUTS", 3)
    again = run(input=audio, output=tmp_path / "out", rules="strict")
    assert (again.exit_status, again.done_again) == (0, len(NAMES))
    record = json.loads(only(commit_files(tmp_path / "out")).read_text("utf-8"))
    assert record["version"] == 2
    assert all_rows(tmp_path / "out") == all_rows(tmp_path / "fresh")


def test_a_list_that_grows_does_its_new_lines_alone(audio: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    lines = [{"audio_filepath": str(audio / f"{name}.wav")} for name in NAMES]
    first = write_manifest(tmp_path / "first.jsonl", lines[1::2])
    assert run(manifest=first, output=output).new_inputs == 4
    before = {path: path.read_bytes() for path in commit_files(output)}
    grown = run(manifest=write_manifest(tmp_path / "all.jsonl", lines), output=output)
    assert (grown.exit_status, grown.new_inputs, grown.listed) == (0, 4, 8)
    assert all(path.read_bytes() == content for path, content in before.items())
