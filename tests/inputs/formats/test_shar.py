"""Lhotse Shar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.data_sets import inputs_in, write_lines, write_tar

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.shar import has_shard, read_shar, shard_of
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path


def test_cuts_find_their_audio_by_their_ids(tmp_path: Path) -> None:
    cuts = [
        {"id": name, "start": 0, "duration": 1.0, "channel": 1, "supervisions": [{"text": name}]}
        for name in ("a", "d/b.5", "none")
    ]
    manifest = write_lines(tmp_path / "cuts.000003.jsonl.gz", [*cuts, {"start": 0}])
    members = [("a.flac", b"1"), ("a.json", b"{}"), ("d/b.5.flac", b"2"), ("none.nodata", b"")]
    shard = write_tar(tmp_path / "recording.000003.tar", members)
    items = inputs_in(read_shar(store.stat(str(manifest))))
    texts = {each.uri: each.reference_text for each in items if isinstance(each, AudioRef)}
    assert texts == {f"{shard}#a.flac": "a", f"{shard}#d/b.5.flac": "d/b.5"}
    assert {each.channel for each in items if isinstance(each, AudioRef)} == {None}
    messages = sorted(each.message for each in items if isinstance(each, Failure))
    assert ["line 3" in messages[0], "line 4: the cut has no id" in messages[1]] == [True, True]


def test_names_tell_the_shard(tmp_path: Path) -> None:
    assert shard_of("gs://b/d/cuts.000000.jsonl.gz") == "gs://b/d/recording.000000.tar"
    assert shard_of("/d/cuts.jsonl") == "/d/recording.tar"
    assert not has_shard(str(tmp_path / "cuts.000000.jsonl.gz"))
    with pytest.raises(InputError, match=r"not called cuts\.N"):
        shard_of("/d/other.jsonl")
