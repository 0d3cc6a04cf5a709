"""What became of an input, as its commit record keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.unit_runs import ref, tones, write

from beam_audio.types import Failure
from beam_audio.unit.input_result import InputResult

if TYPE_CHECKING:
    from pathlib import Path


def test_an_input_is_recorded_known_or_failed(tmp_path: Path) -> None:
    item = ref(write(tmp_path / "a.wav", tones([0.1])), language="de")
    recorded = InputResult(recording_ids={"b", "a"}, failed_segments=2).state(item, {"model": "m"})
    assert (recorded.outcome, recorded.recording_ids) == ("recorded", ("a", "b"))
    assert (recorded.place_id, recorded.stated_id) == (item.place_id, item.stated_id)
    assert (recorded.stated_language, recorded.layers) == ("de", {"model": "m"})
    assert (recorded.failed_segments, recorded.attempt) == (2, 1)
    known = InputResult(known=("a",)).state(item, {})
    assert (known.outcome, known.recording_ids) == ("known", ("a",))
    line = Failure("input", "read", "line", "m.jsonl", "InputError", "line 3: no", attempt=3)
    failed = InputResult().state(line, {})
    assert (failed.outcome, failed.place_id, failed.stated_id) == ("failed", "line", "")
    assert (failed.stated_language, failed.attempt) == (None, 3)
