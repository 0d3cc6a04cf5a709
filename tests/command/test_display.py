"""The closing table."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from beam_audio.command.display import closing_table
from beam_audio.output.causes import Causes, FailedInput
from beam_audio.output.ledger import Ledger
from beam_audio.run.run_file import RunResult
from beam_audio.run.stage_table import StageTable


@dataclass(frozen=True)
class Case:
    """What differs between the results of these tests."""

    listed: int = 5
    new_inputs: int = 4
    new_undecoded: int = 0
    done_again: int = 0
    failed_again: int = 0
    undecoded: tuple[str, ...] = ()
    causes: Causes = Causes()  # noqa: RUF009 - frozen
    left_out: str = ""
    decoded_seconds: float = 7200.0
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    missing: tuple[str, ...] = ()
    corpus_wer_words: int = 200
    reasons: dict[str, int] = field(default_factory=dict)
    stages: StageTable = StageTable()  # noqa: RUF009 - frozen


def text(case: Case) -> str:
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
        undecoded=frozenset(case.undecoded),
        reasons=case.reasons,
    )
    result = RunResult(
        run_id="r",
        ledger=ledger,
        listed=case.listed,
        new_inputs=case.new_inputs,
        new_undecoded=case.new_undecoded,
        done_again=case.done_again,
        failed_again=case.failed_again,
        decoded_seconds=case.decoded_seconds,
        wall_seconds=100.0,
        providers=case.providers,
        causes=case.causes,
        left_out=case.left_out,
        stages=case.stages,
    )
    return closing_table(result)


def table(case: Case) -> dict[str, str]:
    """The lines of a closing table by their first word."""
    return {line.split()[0]: line for line in text(case).splitlines()}


STAGES = StageTable(
    seconds={
        "open": 0.5,
        "decode": 8.0,
        "segment": 3.0,
        "measure": 1.0,
        "write": 0.5,
        "recognise": 30.0,
        "wait_for_audio": 2.25,
        "wait_for_recogniser": 9.0,
        "device_busy": 28.5,
        "device_idle": 1.5,
    },
    batches={
        "batches": 4,
        "passages": 60,
        "passage_seconds": 300.0,
        "padded_seconds": 400.0,
        "budget_seconds": 480.0,
    },
)


def test_the_table_says_who_waited_for_whom() -> None:
    lines = table(Case(stages=STAGES))
    assert lines["host"].split(maxsplit=3)[1:] == [
        *("13.0", "s"),
        "open 0.5, decode 8.0, segment 3.0, measure 1.0, write 0.5",
    ]
    assert "95% busy  1.5 s idle between batches" in lines["recogniser"]
    assert lines["recogniser"].endswith("waited 2.2 s for audio, 9.0 s for the recogniser")
    assert lines["batches"].split(maxsplit=2)[1:] == ["4", "83% full, 25% padding"]


def test_a_run_that_did_no_unit_waited_for_nothing() -> None:
    assert not {"host", "recogniser", "batches"} & table(Case()).keys()


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


@pytest.mark.parametrize(
    ("case", "remark"),
    [
        (Case(decoded_seconds=0.0, new_undecoded=4), "nothing could be decoded"),
        (
            Case(decoded_seconds=0.0, new_inputs=0, done_again=2, failed_again=2),
            "nothing could be decoded",
        ),
        (Case(decoded_seconds=0.0, new_inputs=0, done_again=2), "no audio had to be decoded"),
        (Case(decoded_seconds=0.0, new_inputs=0), "nothing new to do"),
    ],
)
def test_the_table_says_why_nothing_was_decoded(case: Case, remark: str) -> None:
    assert table(case)["speed"].split(maxsplit=2)[1:] == ["-", remark]


def test_the_main_reasons_follow_the_decisions_most_frequent_first() -> None:
    reasons = {"drop": {"a": 1, "wer_high": 9, "too_short": 3, "b": 1}, "review": {}}
    lines = table(Case(causes=Causes(reasons=reasons)))
    assert lines["drop"].endswith("1800.0 s in segments: wer_high 9, too_short 3, a 1, …")
    assert lines["review"].endswith("0.0 s in segments")


def test_failed_inputs_are_named_with_the_first_line_of_their_message() -> None:
    failed = (
        FailedInput("a.wav", "no audio\nat all", "DecodeError"),
        FailedInput("b.wav", "x" * 500, "DecodeError"),
    )
    case = Case(undecoded=("1", "2", "3"), missing=("3",), causes=Causes(failed))
    lines = text(case).splitlines()
    assert "  failed: a.wav: no audio" in lines
    assert f"  failed: b.wav: {'x' * 160}…" in lines
    assert not any("more in failures/" in line for line in lines)


def test_of_many_failed_inputs_the_others_are_counted() -> None:
    failed = tuple(FailedInput(f"{n}.wav", "no audio", "DecodeError") for n in range(10))
    case = Case(undecoded=tuple(map(str, range(13))), causes=Causes(failed))
    assert "  … and 3 more in failures/" in text(case).splitlines()


def test_what_was_left_out_of_a_folder_is_named() -> None:
    assert table(Case(left_out="3 hidden"))["left"].split() == ["left", "out", "3", "hidden"]
    assert "left" not in table(Case())


def test_a_ledger_that_does_not_balance_names_what_is_missing() -> None:
    lines = table(Case(missing=("abc",)))
    assert "DOES NOT BALANCE" in lines["ledger"]
    assert lines["missing:"].split() == ["missing:", "abc"]


def test_without_references_there_is_no_corpus_wer() -> None:
    assert "corpus" not in table(Case(corpus_wer_words=0))


def test_names_cannot_change_the_terminal() -> None:
    failed = FailedInput("/in/\x1b[31m\n.wav", "cannot read '/in/\x1b[31m'", "InputError")
    shown = text(Case(causes=Causes(failed=(failed,)), undecoded=("s",)))
    assert r"failed: /in/\x1b[31m\n.wav: cannot read '/in/\x1b[31m'" in shown
