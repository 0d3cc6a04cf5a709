"""An output whose measures are of an earlier version is measured again; nothing else is redone."""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING

from support.unit_runs import (
    DEMO,
    LAYERS,
    PLACEHOLDER,
    RIVER,
    WINDOWS,
    Scripted,
    fail_when_loud,
    read_all,
    ref,
    settings,
    tones,
    transcribe,
    update,
    write,
)

from beam_audio.quality.signal import measure
from beam_audio.run.config import RunConfig
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.unit import layers, measured

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from beam_audio.asr import Request
    from beam_audio.types import Row, Transcript
    from beam_audio.unit.unit_settings import UnitSettings

OVERLAPPING = SegmentSettings(segmenter="fixed", window_seconds=2.0, overlap_seconds=0.5)


def test_a_raised_version_of_measures_measures_again_and_recognises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts stay, also those that failed; the measures are those of a fresh run."""
    loud = write(tmp_path / "loud.wav", tones([0.1, 0.95, 0.2]))
    inputs = [ref(DEMO / "river.wav", reference_text=RIVER), ref(DEMO / "lake.mp3"), ref(loud)]
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    config = RunConfig(input="in", output="out", model="placeholder")

    def using() -> UnitSettings:
        given = config.layers(PLACEHOLDER.facts)
        return settings(segments=OVERLAPPING, layers=given, isolate_decoding=False)

    transcribe(out, *inputs, using=using(), recognizer=Scripted(fail_when_loud))
    before = read_all(out)
    monkeypatch.setattr(layers, "LAYER_VERSIONS", {**layers.LAYER_VERSIONS, "measures": 99})
    monkeypatch.setattr(measured, "measure", lambda *given: replace(measure(*given), snr_db=12.5))
    (report,) = update(out, *inputs, using=using(), recognizer=Scripted(must_not_hear))
    transcribe(fresh, *inputs, using=using(), recognizer=Scripted(fail_when_loud))

    after = read_all(out)
    assert after == read_all(fresh)
    assert {row["snr_db"] for row in after["segments"]} == {12.5}
    for name in ("segment_id", "recording_id", "text", "words"):
        assert [row[name] for row in by_id(after)] == [row[name] for row in by_id(before)]
    assert after["failures"]
    assert report.commit.decoded_seconds > 10.0


def must_not_hear(_: Request) -> Transcript:
    raise AssertionError("nothing is recognised")


def by_id(tables: dict[str, list[Row]]) -> list[Row]:
    return sorted(tables["segments"], key=itemgetter("segment_id"))


def test_audio_that_is_cut_otherwise_now_is_recognised_again(tmp_path: Path) -> None:
    """Another version of the detector may cut otherwise; no text is lost then."""
    source, out = ref(write(tmp_path / "a.wav", tones([0.1, 0.2, 0.3, 0.4]))), tmp_path / "out"
    transcribe(out, source, using=settings(segments=WINDOWS))
    using = settings(segments=OVERLAPPING, layers=LAYERS | {"measures": "another"})
    update(out, source, using=using)
    transcribe(tmp_path / "fresh", source, using=using)
    assert read_all(out) == read_all(tmp_path / "fresh")
