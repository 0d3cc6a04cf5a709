"""An entry of a test set is compared by its sound and its text, whichever there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.unit_runs import RIVER, ref, speech, write

from beam_audio.curate.duplicates.manifest_entries import items_of_entry
from beam_audio.quality.fingerprint import fingerprint

if TYPE_CHECKING:
    from pathlib import Path


def test_its_whole_sound_and_its_text_are_compared(tmp_path: Path) -> None:
    items = items_of_entry(ref(write(tmp_path / "a.wav", speech()), reference_text=RIVER))
    (sound,), (words,) = items["sound"], items["text"]
    assert len(sound.print) == len(fingerprint(speech()) or b"")
    assert words.print == b"when the rain stopped we walked home along the river"
    assert sound.place.is_test
    assert sound.place.source.uri == str(tmp_path / "a.wav")


def test_audio_that_cannot_be_decoded_leaves_the_text(tmp_path: Path) -> None:
    damaged = tmp_path / "a.wav"
    damaged.write_bytes(b"x")
    items = items_of_entry(ref(damaged, reference_text=RIVER))
    assert items["sound"] == []
    assert len(items["text"]) == 1
