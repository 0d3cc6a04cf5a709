"""What the status of an output says after a run, after a killed one, and beside a running one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import listing, run, run_files

from beam_audio.errors import ConfigError
from beam_audio.output.claims import Claim, write_claim
from beam_audio.output.folder import in_use
from beam_audio.output.holder import Holder, held, take
from beam_audio.output.input_ids import write_ahead
from beam_audio.output.status import read_status

if TYPE_CHECKING:
    from pathlib import Path

HERE = Holder.here("20270101T000000-aaaa", ends_with_process=True)
DEAD = replace(HERE, process="boot pid:[1] 7 1234", host="far-host", began_seconds=1.0)


@pytest.fixture
def output(audio: Path, tmp_path: Path) -> Path:
    (audio / "noise.wav").write_bytes(b"no audio at all")
    run(input=audio, output=tmp_path / "out")
    return tmp_path / "out"


def test_a_finished_run_is_complete_and_its_last_failure_is_named(output: Path) -> None:
    before = listing(output)
    found = read_status(str(output))
    assert found.is_complete
    assert not found.is_alive
    assert found.inputs == {"failed": 1, "recorded": 2}
    assert (found.left, found.open_units, found.unpublished, found.failures) == (0, 0, 0, 1)
    assert found.last_failure is not None
    assert found.last_failure.uri.endswith("noise.wav")
    assert found.last_end is not None
    assert found.last_end.name == run_files(output)[0].name
    assert listing(output) == before


def test_a_living_batch_is_named_with_its_host_and_its_age(output: Path) -> None:
    with held(str(output), HERE):
        found = read_status(str(output))
    assert found.writer is not None
    assert (found.writer.run_id, found.writer.host) == (HERE.run_id, HERE.host)
    assert found.writer.is_alive
    assert found.writer.began_seconds_ago < 60
    assert found.is_alive
    assert not found.is_complete
    assert found.left is None  # it has listed nothing yet


def test_what_a_dead_batch_has_left_is_counted(output: Path) -> None:
    take(str(output), DEAD)
    write_claim(str(output), Claim("u", 1, DEAD.run_id, {"s": "p"}))
    listed = output / "_tmp" / f"run-{DEAD.run_id}-inputs" / "True"
    listed.parent.mkdir(parents=True)
    listed.write_text("aa\nbb\nbb\n", "ascii")
    found = read_status(str(output))
    assert (found.left, found.open_units) == (2, 1)
    write_ahead(str(output), DEAD.run_id, 7)
    assert read_status(str(output)).left == 9
    assert not found.is_complete


def test_a_run_of_this_machine_without_a_hold_is_seen(output: Path) -> None:
    with in_use(str(output), lambda: None):
        assert read_status(str(output)).is_written_here
    assert not read_status(str(output)).is_written_here


def test_an_unbalanced_ledger_is_not_complete(output: Path) -> None:
    (file,) = run_files(output)
    content = json.loads(file.read_text("utf-8"))
    content["ledger"]["balances"] = False
    file.write_text(json.dumps(content), "utf-8")
    assert not read_status(str(output)).is_complete


def test_a_folder_without_an_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--output of a run"):
        read_status(str(tmp_path))
