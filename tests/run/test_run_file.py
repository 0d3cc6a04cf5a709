"""The result of a run and what is written of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.run_outputs import all_rows, only, run, run_files, write_speech

from beam_audio.output.ledger import Ledger
from beam_audio.run.run_file import RunResult

if TYPE_CHECKING:
    from pathlib import Path


def result(
    *, missing: tuple[str, ...] = (), new: int = 2, undecoded: int = 0, decoded_seconds: float = 9.0
) -> RunResult:
    ledger = Ledger(2, missing, 2, (), {}, {}, {}, 0, 0, frozenset())
    return RunResult(
        run_id="r",
        ledger=ledger,
        listed=2,
        new_inputs=new,
        new_undecoded=undecoded,
        done_again=0,
        failed_again=0,
        decoded_seconds=decoded_seconds,
        wall_seconds=3.0,
        providers=(),
    )


@pytest.mark.parametrize(
    ("ended", "status"),
    [
        (result(), 0),
        (result(undecoded=1), 0),
        (result(new=0), 0),
        (result(undecoded=2), 3),
        (result(missing=("s",), undecoded=2), 1),
    ],
)
def test_the_exit_status_says_how_it_ended(ended: RunResult, status: int) -> None:
    assert ended.exit_status == status


def test_speed_is_of_what_was_decoded() -> None:
    assert result().times_real_time == 3.0
    assert result(decoded_seconds=0.0).times_real_time is None


def test_the_run_file_holds_what_the_result_says(tmp_path: Path) -> None:
    audio = write_speech(tmp_path / "in" / "a.wav")
    ended = run(input=audio.parent, output=tmp_path / "out", rules="strict")
    written = json.loads(only(run_files(tmp_path / "out")).read_text("utf-8"))
    assert written["run_id"] == ended.run_id
    assert written["configuration"]["rules"] == "strict"
    assert written["ledger"]["inputs"] == written["ledger"]["new_inputs"] == 1
    assert written["throughput"]["decoded_seconds"] == ended.decoded_seconds
    assert written["stages"] == json.loads(json.dumps(ended.stages.content()))
    assert written["stages"]["batches"]["batches"] == 1
    assert written["stages"]["busy_share"] == 1.0
    assert written["versions"]["apache-beam"].startswith("2.")


def test_the_run_file_holds_no_secret_of_an_address(tmp_path: Path) -> None:
    audio = write_speech(tmp_path / "in" / "a.wav?sig=5ec2e7")
    output = tmp_path / "out"
    run(input=audio, output=output, prompt="https://me:5ec2e7@host/")
    written = only(run_files(output)).read_text("utf-8")
    assert "5ec2e7" not in written
    assert json.loads(written)["configuration"]["input"] == str(audio).partition("?")[0]
    assert "5ec2e7" not in repr(all_rows(output)) + "".join(map(str, output.rglob("*")))
