"""What became of an input, as its commit record keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.unit_runs import ref, tones, write

from beam_audio.errors import MachineError
from beam_audio.types import Failure
from beam_audio.unit.input_result import InputResult, require_access

if TYPE_CHECKING:
    from pathlib import Path


def test_an_input_is_recorded_known_or_failed(tmp_path: Path) -> None:
    item = ref(write(tmp_path / "a.wav", tones([0.1])), language="de")
    found = InputResult(recording_ids={"b", "a"}, failed_segments=2, failed_opinions=1)
    recorded = found.state(item, {"model": "m"})
    assert (recorded.outcome, recorded.recording_ids) == ("recorded", ("a", "b"))
    assert (recorded.place_id, recorded.stated_id) == (item.place_id, item.stated_id)
    assert (recorded.stated_language, recorded.layers) == ("de", {"model": "m"})
    assert (recorded.failed_segments, recorded.failed_opinions) == (2, 1)
    assert recorded.attempt == 1
    known = InputResult(known=("a",)).state(item, {})
    assert (known.outcome, known.recording_ids) == ("known", ("a",))
    line = Failure("input", "read", "line", "m.jsonl", "InputError", "line 3: no", attempt=3)
    failed = InputResult().state(line, {})
    assert (failed.outcome, failed.place_id, failed.stated_id) == ("failed", "line", "")
    assert (failed.stated_language, failed.attempt) == (None, 3)


@pytest.mark.parametrize(
    ("kinds", "is_refused"),
    [
        (["AccessError", "AccessError"], True),
        (["AccessError", "AccessError", "InputError"], True),
        (["AccessError", "InputError"], False),
        (["AccessError", "AccessError", None], False),
        (["AccessError", "AccessError", "DecodeError"], False),
        (["AccessError"], False),
        (["InputError", "InputError"], False),
        ([], False),
    ],
)
def test_a_machine_that_may_read_nothing_is_told_from_forbidden_inputs(
    kinds: list[str | None],
    is_refused: bool,  # noqa: FBT001 - a parameter
) -> None:
    found = [InputResult() for _ in kinds]
    for each, kind in zip(found, kinds, strict=True):
        if kind is not None:
            each.fail(Failure("input", "open", "s", "a.wav", kind, "cannot read: 403"))
    if is_refused:
        with pytest.raises(MachineError, match=r"403.*the right to read"):
            require_access(found)
    else:
        require_access(found)
