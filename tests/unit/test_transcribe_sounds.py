"""What a classifier hears is added to an output, and stays with runs that do not ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.small_classifiers import write_yamnet
from support.unit_runs import (
    LAYERS,
    Scripted,
    read_all,
    ref,
    settings,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.classifiers.load import classifier_id
from beam_audio.unit.batching import BatchCounts

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.types import AudioRef, Row, Transcript
    from beam_audio.unit.unit_settings import UnitSettings

SOUNDS = ("audio_events", "speech_score", "music_score")
FOLLOWS = (*SOUNDS, "decision", "reasons", "config_id")
"""What changes with a classifier: the presets judge by it, too."""


def must_not_hear(_: Request) -> Transcript:
    raise AssertionError("nothing is recognised")


@pytest.fixture
def source(tmp_path: Path) -> AudioRef:
    return ref(write(tmp_path / "a.wav", tones([0.06, 0.2])))


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """Settings of a run that asks a classifier."""
    wanted = classifier_id(str(write_yamnet(tmp_path / "model")))
    return {"layers": LAYERS | {"events": wanted.sha256}, "classifier": wanted}


def without_sounds(rows: list[Row]) -> list[Row]:
    ordered = sorted(rows, key=lambda row: row["start_seconds"])
    return [{name: row[name] for name in row if name not in FOLLOWS} for row in ordered]


@pytest.mark.parametrize("isolated", [True, False])
def test_sounds_are_added_and_texts_stay(
    tmp_path: Path, source: AudioRef, asked: dict[str, Any], *, isolated: bool
) -> None:
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    using = settings(**asked, isolate_decoding=isolated)
    transcribe(out, source)
    before = read_all(out)
    assert {row[name] for row in before["segments"] for name in SOUNDS} == {None}
    (report,) = update(out, source, recognizer=Scripted(must_not_hear), using=using)
    assert report.batches == BatchCounts()
    transcribe(fresh, source, using=using)
    after = read_all(out)
    assert after == read_all(fresh)
    assert without_sounds(after["segments"]) == without_sounds(before["segments"])
    quiet, loud = sorted(after["segments"], key=lambda row: row["start_seconds"])
    # Of a tone, the mean magnitude is 2/π of the peak.
    assert quiet["speech_score"] == pytest.approx(0.06 * 2 / 3.1416 * 5, abs=0.002)
    assert loud["speech_score"] == pytest.approx(0.2 * 2 / 3.1416 * 5, abs=0.002)
    (event,) = loud["audio_events"]
    assert (event["label"], event["start_seconds"], event["end_seconds"]) == ("Music", 1.0, 1.975)
    assert not update(out, source, using=using)


def test_a_run_that_does_not_ask_leaves_them(
    tmp_path: Path, source: AudioRef, asked: dict[str, Any]
) -> None:
    """Another model and other rules keep them; the next run that asks finds them there."""
    out = tmp_path / "out"
    transcribe(out, source, using=settings(**asked))
    before = read_all(out)["segments"]
    assert not update(out, source, recognizer=Scripted(must_not_hear))

    def changed(**more: Any) -> UnitSettings:  # noqa: ANN401 - those of settings
        return settings(layers=LAYERS | {"model": "other"}, **more)

    assert update(out, source, using=changed())
    assert update(out, source, using=changed(rules="strict"), recognizer=Scripted(must_not_hear))
    after = read_all(out)["segments"]
    for name in SOUNDS:
        assert [row[name] for row in after] == [row[name] for row in before]


@pytest.mark.parametrize(("rules", "decision"), [("strict", "drop"), ("balanced", "review")])
def test_music_is_no_speech_to_the_presets(
    tmp_path: Path, source: AudioRef, asked: dict[str, Any], rules: str, decision: str
) -> None:
    out = tmp_path / "out"
    transcribe(out, source, using=settings(**asked, rules=rules))
    quiet, loud = sorted(read_all(out)["segments"], key=lambda row: row["start_seconds"])
    assert "music" in quiet["reasons"]
    assert quiet["decision"] in {decision, "drop"}
    assert "music" not in loud["reasons"]
