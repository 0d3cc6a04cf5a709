"""Cuts of Lhotse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.data_sets import write_lines

from beam_audio import store
from beam_audio.inputs.formats.cuts import is_cut, read_cuts
from beam_audio.inputs.manifest import ManifestEntry, parse_line
from beam_audio.types import Failure

if TYPE_CHECKING:
    from pathlib import Path


def recording(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    sources = [{"type": "file", "channels": [0, 1], "source": "/d/a.flac"}]
    return {"id": "r", "sources": sources, "duration": 9.0, "channel_ids": [0, 1]} | fields


def a_cut(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {
        "id": "c",
        "start": 0.0,
        "duration": 9.0,
        "channel": [0, 1],
        "type": "MultiCut",
        "supervisions": [],
        "recording": recording(),
    } | fields


def read(folder: Path, *cuts: dict[str, Any]) -> list[ManifestEntry | Failure]:
    manifest = write_lines(folder / "cuts.jsonl.gz", cuts)
    found = read_cuts(store.stat(str(manifest)))
    return [each if isinstance(each, Failure) else parse_line(each[2]) for each in found]


def test_a_cut_of_the_whole_recording_is_the_file(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, a_cut())
    assert isinstance(entry, ManifestEntry)
    assert (entry.path, entry.offset_seconds, entry.duration_seconds) == ("/d/a.flac", None, None)
    assert (entry.manifest_seconds, entry.channel) == (9.0, None)


def test_a_part_and_a_channel_are_cut_out(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, a_cut(start=1.5, duration=2.0, channel=1, type="MonoCut"))
    assert isinstance(entry, ManifestEntry)
    assert (entry.offset_seconds, entry.duration_seconds, entry.channel) == (1.5, 2.0, 1)


def test_supervisions_give_text_language_and_speaker(tmp_path: Path) -> None:
    said = [
        {"start": 4.0, "text": "two ", "speaker": "s", "language": "English"},
        {"start": 1.0, "text": "one", "speaker": "s", "language": "English", "custom": {"x": 1}},
    ]
    (entry,) = read(tmp_path, a_cut(supervisions=said, custom={"snr": 5, "array": {"big": 1}}))
    assert isinstance(entry, ManifestEntry)
    assert (entry.reference_text, entry.language) == ("one two", "en")
    assert dict(entry.metadata) == {"id": "c", "speaker": "s", "snr": "5", "x": "1"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"type": "MixedCut"}, "several recordings"),
        ({"recording": None}, "no recording"),
        ({"recording": recording(transforms=[{"name": "Speed"}])}, "transformed"),
        (
            {"recording": recording(sources=[{"type": "command", "source": "touch ran"}])},
            "commands are not run",
        ),
        ({"recording": recording(sources=[{"type": "memory", "source": "x"}])}, "one file"),
        ({"recording": recording(sources=[])}, "one file"),
        ({"start": "x"}, "start is 'x'"),
        ({"channel": [0, None]}, "channel"),
        (
            {"recording": recording(channel_ids=[0, 1, 2]), "channel": [0, 2]},
            "some of",
        ),
    ],
)
def test_what_is_no_stretch_of_one_file_is_a_failure(
    fields: dict[str, Any], message: str, tmp_path: Path
) -> None:
    bad, good = read(tmp_path, a_cut(**fields), a_cut())
    assert isinstance(bad, Failure)
    assert message in bad.message
    assert isinstance(good, ManifestEntry)


def test_only_lines_of_cuts_are_cuts() -> None:
    assert is_cut(b'{"id": "c", "start": 0, "duration": 1, "supervisions": []}')
    assert not is_cut(b'{"audio_filepath": "a.wav", "duration": 1}')
    assert not is_cut(b"wav")
