"""A second opinion is added to an output, and stays with runs that do not ask for one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from support.unit_runs import (
    LAYERS,
    SCRIPTED_FACTS,
    Scripted,
    fail_when_loud,
    only_recording,
    read,
    read_all,
    ref,
    segments_in_order,
    settings,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.output.ledger import read_ledger
from beam_audio.types import Transcript

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.types import Row

WITH_SECOND = LAYERS | {"second": "b"}
EVIDENCE = ("second_", "disagreement_", "voted_", "best_")


def judge(text: str = "one two") -> Scripted:
    def hear(_: Request) -> Transcript:
        return Transcript(text, "en", 0.9, -0.3, 0.1)

    return Scripted(hear, facts=replace(SCRIPTED_FACTS, model_id="judge", model_sha256="1" * 64))


def must_not_hear(_: Request) -> Transcript:
    raise AssertionError("nothing is recognised")


def without_evidence(rows: list[Row]) -> list[Row]:
    return [
        {name: row[name] for name in row if not name.startswith((*EVIDENCE, "config_id"))}
        for row in rows
    ]


def test_a_second_opinion_is_added_and_the_first_text_stays(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])), reference_text="one two three")
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    transcribe(out, source)
    before = read_all(out)
    using = settings(layers=WITH_SECOND)
    update(out, source, recognizer=Scripted(must_not_hear), using=using, second=judge())
    transcribe(fresh, source, using=using, second=judge())
    after = read_all(out)
    assert after == read_all(fresh)
    assert without_evidence(after["segments"]) == without_evidence(before["segments"])
    assert {row["second_text"] for row in after["segments"]} == {"one two"}
    assert {row["second_model_id"] for row in after["segments"]} == {"judge"}
    assert not update(out, source, using=using, second=judge())


def test_a_run_that_asks_for_no_second_opinion_leaves_it(tmp_path: Path) -> None:
    """Other rules judge the rows again, and the next run that asks for it finds it there."""
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])))
    out = tmp_path / "out"
    transcribe(out, source, using=settings(layers=WITH_SECOND), second=judge())
    assert not update(out, source, recognizer=Scripted(must_not_hear))
    stricter = settings(rules="strict")
    assert update(out, source, using=stricter, recognizer=Scripted(must_not_hear))
    assert {row["second_text"] for row in read_all(out)["segments"]} == {"one two"}
    again = settings(rules="strict", layers=WITH_SECOND)
    assert not update(out, source, using=again, second=Scripted(must_not_hear))


def test_rows_stay_if_the_audio_is_gone_and_are_completed_once_it_is_back(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones([0.1, 0.2]))
    source, out = ref(path), tmp_path / "out"
    transcribe(out, source)
    before = read_all(out)
    content = path.read_bytes()
    path.unlink()
    using = settings(layers=WITH_SECOND)
    assert update(out, source, using=using, second=judge())
    after = read_all(out)
    assert without_evidence(after["segments"]) == without_evidence(before["segments"])
    assert not after["failures"]
    path.write_bytes(content)
    assert update(out, source, using=using, second=judge())
    assert {row["second_text"] for row in read_all(out)["segments"]} == {"one two"}


def test_what_the_second_model_fails_on_is_a_failure_and_keeps_its_row(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.95])), reference_text="one two")
    out, using = tmp_path / "out", settings(layers=WITH_SECOND)
    breaking = Scripted(fail_when_loud)
    transcribe(out, source, using=using, second=breaking)
    first, second = segments_in_order(out)
    assert first["second_text"] is not None
    assert (second["second_text"], second["second_model_id"]) == (None, "scripted/none")
    (failure,) = read(out, "failures")
    assert (failure["unit"], failure["stage"]) == ("opinion", "second")
    assert (failure["segment_id"], failure["message"]) == (second["segment_id"], "this clip hurts")
    ledger = read_ledger(str(out), [source.source_id])
    assert ledger.balances
    assert ledger.failures == {("opinion", "second", "ValueError"): 1}
    assert only_recording(out)["failed_samples"] == 0


def test_a_failed_opinion_survives_new_rules_and_is_asked_for_again(tmp_path: Path) -> None:
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.95])))
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    transcribe(out, source, using=settings(layers=WITH_SECOND), second=Scripted(fail_when_loud))
    strict = settings(rules="strict", layers=WITH_SECOND)
    hears_nothing = Scripted(must_not_hear)
    assert update(out, source, using=strict, recognizer=hears_nothing, second=hears_nothing)
    assert len(read(out, "failures")) == 1
    assert not update(out, source, using=strict)
    assert update(
        out, source, using=strict, recognizer=hears_nothing, second=judge(), retry_failures=True
    )
    transcribe(fresh, source, using=strict, second=judge())
    assert read_all(out) == read_all(fresh)
    assert not read(out, "failures")


def test_a_hallucination_gives_way_to_the_second_text(tmp_path: Path) -> None:
    def hear(_: Request) -> Transcript:
        return Transcript("thanks for watching", "en", 0.9, -0.3, 0.1)

    source = ref(write(tmp_path / "a.wav", tones([0.1])))
    transcribe(
        tmp_path / "out", source, recognizer=Scripted(hear), second=judge("the bell is ringing")
    )
    (row,) = read_all(tmp_path / "out")["segments"]
    assert row["known_hallucination"]
    assert (row["best_text"], row["best_model_id"]) == ("the bell is ringing", "judge")
