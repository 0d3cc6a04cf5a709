"""The progress line and the closing table."""

from __future__ import annotations

import io
import os
import pty
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TextIO

import pytest

from beam_audio.command.display import ProgressLine, closing_table, run_text
from beam_audio.output.ledger import Ledger
from beam_audio.run.run_file import RunResult
from beam_audio.unit.work import Progress


@dataclass(frozen=True)
class Case:
    """What differs between the results of these tests."""

    listed: int = 5
    new_inputs: int = 4
    decoded_seconds: float = 7200.0
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    missing: tuple[str, ...] = ()
    corpus_wer_words: int = 200
    reasons: dict[str, int] = field(default_factory=dict)


def table(case: Case) -> dict[str, str]:
    """The lines of a closing table by their first word."""
    ledger = Ledger(
        inputs=4,
        missing=case.missing,
        recordings=3,
        unbalanced=(),
        seconds={"keep": 3600.0, "review": 0, "drop": 1800, "failed": 0, "skipped": 1800.5},
        segments={"keep": 2, "review": 0, "drop": 1},
        failures={("recording", "decode", "DecodeError"): 1, ("segment", "recognise", "E"): 2},
        wer_errors=13,
        wer_words=case.corpus_wer_words,
        undecoded=frozenset(),
        reasons=case.reasons,
    )
    result = RunResult(
        run_id="r",
        ledger=ledger,
        listed=case.listed,
        new_inputs=case.new_inputs,
        new_undecoded=0,
        done_again=0,
        decoded_seconds=case.decoded_seconds,
        wall_seconds=100.0,
        providers=case.providers,
    )
    return {line.split()[0]: line for line in closing_table(result).splitlines()}


def test_the_table_holds_the_figures_of_a_run() -> None:
    lines = table(Case())
    assert "1 listed twice" in lines["inputs"]
    assert "2.00 h decoded" in lines["recordings"]
    assert "1.00 h in segments" in lines["keep"]
    assert "1800.0 s in segments" in lines["drop"]
    assert "1800.5 s without speech" in lines["skipped"]
    assert lines["failures"].split()[1] == "3"
    assert "DecodeError while in decode" in lines["recording"]
    assert "6.5%" in lines["corpus"]
    assert "200 reference words" in lines["corpus"]
    assert "72.0" in lines["speed"]
    assert "CPUExecutionProvider" in lines["speed"]
    assert lines["ledger"].split() == ["ledger", "balances"]


def test_calls_that_were_mixed_name_the_flag_that_keeps_channels_apart() -> None:
    lines = table(Case(reasons={"channels_differ": 2}))
    assert lines["mixed"].split()[:2] == ["mixed", "2"]
    assert "--channels=split" in lines["mixed"]
    assert "mixed" not in table(Case())


def test_a_rerun_says_that_nothing_was_to_do() -> None:
    lines = table(Case(new_inputs=0, decoded_seconds=0.0, providers=()))
    assert "5 done before" not in lines["inputs"]
    assert "4 done before" in lines["inputs"]
    assert "nothing new to do" in lines["speed"]


def test_input_that_could_not_be_decoded_is_not_called_nothing_new() -> None:
    lines = table(Case(decoded_seconds=0.0))
    assert "nothing could be decoded" in lines["speed"]


def test_a_ledger_that_does_not_balance_names_what_is_missing() -> None:
    lines = table(Case(missing=("abc",)))
    assert "DOES NOT BALANCE" in lines["ledger"]
    assert lines["missing:"].split() == ["missing:", "abc"]


def test_without_references_there_is_no_corpus_wer() -> None:
    assert "corpus" not in table(Case(corpus_wer_words=0))


def test_progress_is_silent_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with ProgressLine(partial(run_text, Progress()), stream):
        time.sleep(0.7)
    assert stream.getvalue() == ""


def test_progress_shows_on_a_terminal_and_is_wiped_at_the_end() -> None:
    progress = Progress()
    progress.add(recordings=3, decoded_seconds=5400.0, failures=1)
    controller, terminal = pty.openpty()
    with os.fdopen(terminal, "w") as stream:
        with ProgressLine(partial(run_text, progress), stream):
            shown = os.read(controller, 4096).decode()
            time.sleep(0.1)
        wiped = os.read(controller, 4096).decode()
    os.close(controller)
    assert "3 recordings · 1.50 h · " in shown
    assert "× real time · 1 failures" in shown
    assert wiped.endswith("\r\x1b[K")


def test_progress_is_wiped_when_the_run_fails() -> None:
    controller, terminal = pty.openpty()

    def fail(stream: TextIO) -> None:
        with ProgressLine(partial(run_text, Progress()), stream):
            os.read(controller, 4096)
            raise RuntimeError("stopped")

    with os.fdopen(terminal, "w") as stream:
        with pytest.raises(RuntimeError, match="stopped"):
            fail(stream)
        assert os.read(controller, 4096).decode().endswith("\r\x1b[K")
    os.close(controller)
