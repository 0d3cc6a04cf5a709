"""Scores and verdicts of a recording; what cannot be scored or judged costs only itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from support.unit_runs import (
    Scripted,
    only_recording,
    read,
    ref,
    segments_in_order,
    settings,
    texts_by_loudness,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.errors import ConfigError, MachineError
from beam_audio.output.ledger import read_ledger
from beam_audio.quality.normalizers import resolved_choice

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.types import AudioRef
    from beam_audio.unit.unit_settings import UnitSettings

HEAR = texts_by_loudness("one two", "three")
NORMALIZER = """
def lowered(text):
    if "two" in text:
        raise {error}("this text is odd")
    return text.lower()
"""


@pytest.fixture
def inputs(tmp_path: Path) -> list[AudioRef]:
    """A recording that the normaliser below cannot take, and one that it takes."""
    odd = ref(write(tmp_path / "odd.wav", tones([0.1, 0.2])), reference_text="one two three")
    return [odd, ref(write(tmp_path / "plain.wav", tones([0.2])), reference_text="three")]


def with_own_normalizer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: str = "LookupError"
) -> UnitSettings:
    (folder / f"{name}.py").write_text(NORMALIZER.format(error=error))
    monkeypatch.syspath_prepend(str(folder))
    layers = {"decode": "d", "segment": "s", "measures": "q", "model": "m", "metrics": name}
    return settings(normalizer=resolved_choice(f"{name}:lowered"), layers=layers)


def test_a_text_that_cannot_be_normalised_costs_its_recording_its_scores(
    tmp_path: Path, inputs: list[AudioRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    using = with_own_normalizer(tmp_path, monkeypatch, "odd_once")
    transcribe(out, *inputs, recognizer=Scripted(HEAR), using=using)
    (failure,) = read(out, "failures")
    assert (failure["unit"], failure["stage"]) == ("recording", "score")
    assert (failure["error_type"], failure["uri"]) == ("ScoreError", inputs[0].uri)
    assert "this text is odd" in failure["message"]
    odd, plain = sorted(read(out, "recordings"), key=lambda row: row["uri"])
    assert (odd["text"], odd["wer"], plain["wer"]) == ("one two three", None, 0.0)
    assert "score_failed" in odd["reasons"]
    assert not {"score_failed", "no_reference"} & {*plain["reasons"]}
    for row in read(out, "segments"):
        is_odd = row["uri"] == inputs[0].uri
        assert ("score_failed" in row["reasons"]) is is_odd
        assert row["decision"] != "keep" or not is_odd
    assert read_ledger(str(out), [each.source_id for each in inputs]).balances


def test_a_mended_normaliser_scores_the_stored_texts(
    tmp_path: Path, inputs: list[AudioRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    broken = with_own_normalizer(tmp_path, monkeypatch, "odd_at_first")
    transcribe(out, *inputs, recognizer=Scripted(HEAR), using=broken)
    silent = Scripted()
    update(out, *inputs, recognizer=silent, using=settings(layers=broken_layers_mended()))
    assert not silent.batches
    assert not read(out, "failures")
    assert {row["wer"] for row in read(out, "recordings")} == {0.0}
    assert {row["decode_status"] for row in read(out, "recordings")} == {"ok"}


def broken_layers_mended() -> dict[str, str]:
    return {"decode": "d", "segment": "s", "measures": "q", "model": "m", "metrics": "mended"}


def test_a_normaliser_that_is_gone_is_no_failure_of_a_recording(
    tmp_path: Path, inputs: list[AudioRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    using = with_own_normalizer(tmp_path, monkeypatch, "soon_gone")
    (tmp_path / "soon_gone.py").write_text("")
    del sys.modules["soon_gone"]
    from beam_audio.quality import normalizers  # noqa: PLC0415 - for its cache alone

    normalizers._own.cache_clear()
    with pytest.raises(ConfigError, match="soon_gone"):
        transcribe(tmp_path / "out", *inputs, recognizer=Scripted(HEAR), using=using)


def test_memory_that_runs_out_while_scoring_is_no_failure_of_a_recording(
    tmp_path: Path, inputs: list[AudioRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    using = with_own_normalizer(tmp_path, monkeypatch, "hungry", "MemoryError")
    with pytest.raises(MachineError, match="memory"):
        transcribe(tmp_path / "out", *inputs, recognizer=Scripted(HEAR), using=using)
    assert not read(tmp_path / "out", "failures")


def test_a_segment_that_cannot_be_judged_is_a_failure_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beam_audio.quality import measures  # noqa: PLC0415 - where the fault is put

    def choke(judged: measures.Judged) -> float:
        if judged.text == "three":
            raise ZeroDivisionError("a measure has a defect")
        return 0.5

    monkeypatch.setitem(measures.MEASURES, "compression_ratio", choke)
    source = ref(write(tmp_path / "a.wav", tones([0.1, 0.2])))
    transcribe(tmp_path / "out", source, recognizer=Scripted(HEAR))
    (failure,) = read(tmp_path / "out", "failures")
    assert (failure["unit"], failure["stage"]) == ("segment", "score")
    assert (failure["start_seconds"], failure["end_seconds"]) == (1.0, 2.0)
    assert [row["text"] for row in segments_in_order(tmp_path / "out")] == ["one two"]
    assert only_recording(tmp_path / "out")["failed_samples"] == 16_000
    ledger = read_ledger(str(tmp_path / "out"), [source.source_id])
    assert ledger.balances
    assert ledger.seconds["failed"] == 1.0
    update(tmp_path / "out", source, recognizer=Scripted(HEAR), retry_failures=True)
    (again,) = read(tmp_path / "out", "failures")
    assert again["stage"] == "score"
