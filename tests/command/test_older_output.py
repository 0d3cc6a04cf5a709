"""Outputs of earlier schemas: 1.3 is refused by every reader, 2.0 is added to.

``tests/data`` has one of each, with a recording of 1.2 s and the failure of a missing file.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from support.project import ROOT
from support.run_outputs import Command, listing, read_rows, run_words, settings

from beam_audio.errors import ConfigError
from beam_audio.output.ledger import read_ledger
from beam_audio.run.job import check_run
from beam_audio.stream.drift import read_profile
from beam_audio.stream.reservations import index_commits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A copy of the output."""
    return shutil.copytree(ROOT / "tests" / "data" / "output-1.3", tmp_path / "older")


@pytest.mark.parametrize("verb", ["run", "compact", "plan"])
def test_a_verb_leaves_an_older_output_alone_and_says_what_to_do(
    command: Command, audio: Path, older: Path, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beam_audio.command.speeds._LEAST_RUN_SECONDS", 0.0)
    words = {
        "run": run_words(audio, older),
        "compact": ["compact", str(older)],
        "plan": ["plan", f"--input={audio}", f"--output={older}", "--model=placeholder"],
    }[verb]
    before = listing(older)
    status, _, err = command(*words)
    assert status == 2
    assert f"{older} holds tables of schema 1.3" in err
    assert "name another output folder" in err
    assert listing(older) == before


def check_stream(output: str) -> None:
    """The checks before a stream begins."""
    config = settings(subscription="projects/p/subscriptions/s", output=output)
    check_run(config, PipelineOptions([]))


@pytest.mark.parametrize(
    "read",
    [check_stream, lambda output: read_ledger(output, []), read_profile, index_commits],
    ids=["stream", "ledger", "drift", "reservations"],
)
def test_no_reader_of_ours_takes_an_older_output(
    older: Path, read: Callable[[str], object]
) -> None:
    with pytest.raises(ConfigError, match=r"schema 1\.3"):
        read(str(older))


def test_an_output_of_schema_2_0_is_read_and_added_to(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    """Since then columns were added, which are null for the rows that are there."""
    output = shutil.copytree(ROOT / "tests" / "data" / "output-2.0", tmp_path / "before")
    (before,) = read_rows(output, "recordings")
    assert command(*run_words(audio, output))[0] == 0
    assert command("compact", str(output))[0] == 0
    rows = {row["recording_id"]: row for row in read_rows(output, "recordings")}
    after = rows[before["recording_id"]]
    assert {name: after[name] for name in before} == before
    assert len(rows) > 1
