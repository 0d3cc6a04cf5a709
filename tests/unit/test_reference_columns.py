"""Where the reference of a row is from; a run that finds corrections writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.corrected_outputs import correction, keep
from support.unit_runs import (
    Scripted,
    levels,
    only_recording,
    ref,
    segments_in_order,
    settings,
    texts_by_loudness,
    tones,
    transcribe,
    update,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

HEARD = Scripted(texts_by_loudness("the old", "river rain"))
OTHER = {"decode": "d", "segment": "s", "measures": "q", "model": "m", "metrics": "other"}


@pytest.mark.parametrize("reference", ["the old river ran", None])
def test_origins_are_those_of_each_reference(tmp_path: Path, reference: str | None) -> None:
    out = tmp_path / "out"
    source = ref(write(tmp_path / "a.wav", tones(levels(2))), reference_text=reference)
    transcribe(out, source, recognizer=HEARD, using=settings())
    of_manifest = "manifest" if reference else None
    first, second = segments_in_order(out)
    assert first["reference_origin"] == second["reference_origin"] == of_manifest
    assert only_recording(out)["reference_origin"] == of_manifest
    keep(out, [correction(first, verdict="drop"), correction(second, text="river ran")])
    update(out, source, recognizer=HEARD, using=settings(layers=OTHER))
    first, second = segments_in_order(out)
    assert (first["reference_origin"], second["reference_origin"]) == (of_manifest, "correction")
    assert (first["corrected_by"], first["rules_decision"]) == ("anna", "keep")
    assert second["rules_decision"] is None
    recording = only_recording(out)
    assert recording["reference_origin"] == ("correction" if reference else None)
    assert recording["stated_reference_text"] == reference


def test_labels_are_the_words_of_the_reference_with_the_marks_that_were_heard(
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    heard = Scripted(texts_by_loudness("The old.", "Rivers ran!"))
    source = ref(write(tmp_path / "a.wav", tones(levels(2))), reference_text="the old river ran")
    transcribe(out, source, recognizer=heard, using=settings())
    first, second = segments_in_order(out)
    assert (first["label_text"], second["label_text"]) == ("The old.", "River ran!")
    keep(out, [correction(second, text="rivers ran on")])
    update(out, source, recognizer=heard, using=settings(layers=OTHER))
    first, second = segments_in_order(out)
    assert (first["label_text"], second["label_text"]) == ("The old.", "Rivers ran! On")


def test_without_a_reference_there_is_no_label(tmp_path: Path) -> None:
    out = tmp_path / "out"
    source = ref(write(tmp_path / "a.wav", tones(levels(2))))
    transcribe(out, source, recognizer=HEARD, using=settings())
    assert [each["label_text"] for each in segments_in_order(out)] == [None, None]
