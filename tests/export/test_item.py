"""An item's times, and what its content is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.export_items import WORDS, clip, item


def test_words_are_timed_from_the_start_of_the_clip() -> None:
    found = item(words=WORDS).words_in_clip
    assert found is not None
    assert [(word["start_seconds"], word["end_seconds"]) for word in found] == [
        (0.0, 0.25),
        (0.5, 0.75),
    ]
    assert item().words_in_clip is None


@pytest.mark.parametrize(
    "changed",
    [{"text": "so"}, {"speaker": "anna"}, {"words": WORDS}, {"columns": {"wer": 0.5}}],
)
def test_whatever_is_written_changes_the_content(changed: dict[str, object]) -> None:
    one = item()
    assert replace(one, **changed).content_id != one.content_id  # type: ignore[arg-type] # fields
    assert item().content_id == one.content_id


@pytest.mark.parametrize(("codec", "suffix"), [("flac", "flac"), ("opus", "ogg"), ("wav", "wav")])
def test_files_of_clips_have_the_suffix_that_readers_know(codec: str, suffix: str) -> None:
    assert clip(item(), codec).suffix == suffix  # type: ignore[arg-type] # one of three
