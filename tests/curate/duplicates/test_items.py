"""What rows of an output are compared by; outputs of before have no fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from support.project import ROOT
from support.unit_runs import RATE_HZ, RIVER, VAD, ref, settings, speech, transcribe, write

from beam_audio.curate.duplicates.items import items_of
from beam_audio.output.commits import Commit, read_commits

if TYPE_CHECKING:
    from pathlib import Path


def only_unit(out: Path) -> Commit:
    (commit,) = read_commits(str(out))
    return commit


def test_a_recording_of_speech_is_compared_on_every_level(tmp_path: Path) -> None:
    source = ref(
        write(tmp_path / "a.wav", np.concatenate([np.zeros(RATE_HZ, np.float32), speech()])),
        reference_text=RIVER,
        metadata=(("speaker", "b"),),
    )
    transcribe(tmp_path / "out", source, using=settings(segments=VAD))
    items = items_of(str(tmp_path / "out"), only_unit(tmp_path / "out"))
    assert {level: len(found) for level, found in items.items()} == {
        **dict.fromkeys(["bytes", "samples", "sound"], 1),
        "text": len(items["sound"][0].place.source.segments),
    }
    (sound,), (words, *_) = items["sound"], items["text"]
    assert sound.place.source.has_reference
    assert sound.place.source.is_lossless
    assert words.place.speaker == "b"
    assert words.place.unit_id == only_unit(tmp_path / "out").unit_id


def test_a_test_set_has_no_unit(tmp_path: Path) -> None:
    transcribe(tmp_path / "out", ref(write(tmp_path / "a.wav", speech())))
    items = items_of(str(tmp_path / "out"), only_unit(tmp_path / "out"), is_test=True)
    assert all(item.place.is_test for found in items.values() for item in found)


def test_an_output_of_before_is_compared_by_all_but_sound() -> None:
    older = ROOT / "tests" / "data" / "output-2.0"
    items = items_of(str(older), next(read_commits(str(older))))
    assert items["bytes"]
    assert items["samples"]
    assert items["sound"] == []
