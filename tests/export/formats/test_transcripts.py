"""Subtitles, TextGrid and CTM of recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.export_items import WORDS, item

from beam_audio.export.formats import transcripts
from beam_audio.export.shard_files import ShardFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from beam_audio.export.item import ExportItem

OTHER = "00000000000000000000000000000000"


def written(
    root: Path,
    write: Callable[[Sequence[ExportItem], ShardFiles], None],
    items: Sequence[ExportItem],
) -> list[str]:
    """The contents of the files, by name."""
    with ShardFiles(str(root), "data") as files:
        write(items, files)
        return [(root / name).read_text("utf-8") for name in files.finish()]


def test_subtitles_are_numbered_by_recording(tmp_path: Path) -> None:
    items = [item("one <b>"), item("two", start=3661.5, seconds=0.5), item(recording_id=OTHER)]
    first, second = sorted(written(tmp_path, transcripts.write_srt, items), key=len)[::-1]
    assert first == (
        "1\n00:00:01,000 --> 00:00:02,000\none <b>\n\n2\n01:01:01,500 --> 01:01:02,000\ntwo\n\n"
    )
    assert second.startswith("1\n")
    vtt = written(tmp_path / "vtt", transcripts.write_vtt, items[:1])
    assert vtt == ["WEBVTT\n\n00:00:01.000 --> 00:00:02.000\none &lt;b&gt;\n\n"]
    assert written(tmp_path / "txt", transcripts.write_txt, items[:2]) == ["one <b>\ntwo\n"]


def test_cues_that_overlap_meet_in_the_middle() -> None:
    items = [item(start=0.0, seconds=2.0), item(start=1.5, seconds=2.0), item(start=4.0)]
    assert transcripts.cue_seconds(items) == [(0.0, 1.75), (1.75, 3.5), (4.0, 5.0)]


@pytest.mark.parametrize(
    ("uri", "stem"),
    [
        ("gs://calls/a b.wav", "a_b"),
        ("/x/größe.tar.flac", "größe.tar"),
        (f"/x/{'y' * 300}.wav", "y" * 80),
        ("s3://b/..", "recording"),
    ],
)
def test_files_are_named_after_the_audio(uri: str, stem: str) -> None:
    assert transcripts.transcript_stem(item(uri=uri)).removesuffix("-5f0c6a1d0a3c") == stem


def test_ctm_has_a_line_for_each_word(tmp_path: Path) -> None:
    items = [item(words=WORDS, channel=1), item("no times", start=3.0)]
    (found,) = written(tmp_path, transcripts.write_ctm, items)
    name = items[0].recording_id
    assert found == f"{name} 2 1.000 0.250 so 0.5000\n{name} 2 1.500 0.250 it\n"


def test_rttm_has_a_line_for_each_turn(tmp_path: Path) -> None:
    turns = (
        {"speaker": "S1", "start_seconds": 1.0, "end_seconds": 1.75},
        {"speaker": None, "start_seconds": 1.5, "end_seconds": 2.0},
    )
    items = [item(turns=turns, channel=1), item("nobody listened", start=3.0)]
    (found,) = written(tmp_path, transcripts.write_rttm, items)
    name = items[0].recording_id
    assert found == (
        f"SPEAKER {name} 2 1.000 0.750 <NA> <NA> S1 <NA> <NA>\n"
        f"SPEAKER {name} 2 1.500 0.500 <NA> <NA> <NA> <NA> <NA>\n"
    )


def test_tiers_of_a_textgrid_fill_the_recording(tmp_path: Path) -> None:
    items = [item('say "so"', words=WORDS), item("then", start=1.75, seconds=1.0, words=())]
    (found,) = written(tmp_path, transcripts.write_textgrid, items)
    for tier, count in (("segments", 4), ("words", 5)):
        (own,) = [each for each in found.split("item [") if f'name = "{tier}"' in each]
        assert f"intervals: size = {count}\n" in own
        bounds = [line.split("= ")[1] for line in own.splitlines() if "xm" in line][2:]
        starts, ends = bounds[::2], bounds[1::2]
        assert starts == ["0.0", *ends[:-1]]
        assert ends[-1] == "10.0"
    assert 'text = "say ""so"""' in found
