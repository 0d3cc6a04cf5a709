"""NeMo's manifests, plain and of tar shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.data_sets import inputs_in, write_lines, write_tar

from beam_audio import store
from beam_audio.inputs.formats.nemo import is_tarred, read_nemo
from beam_audio.types import AudioRef, Failure

if TYPE_CHECKING:
    from pathlib import Path


def read(manifest: Path) -> list[AudioRef | Failure]:
    return inputs_in(read_nemo(store.stat(str(manifest))))


def line(name: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    return {"audio_filepath": name, "duration": 1.5, "text": name} | fields


def test_lines_of_shards_name_members_and_cut_them(tmp_path: Path) -> None:
    for shard in (0, 11):
        write_tar(tmp_path / f"audio_{shard}.tar", [("a_b.flac", b"1"), ("c.wav", b"2")])
    lines = [
        line("a_b.flac", shard_id=11, offset=0.0),
        line("a_b-sub1.flac", shard_id=11, offset=1.5),
        line("x/c.wav", shard_id=0),
    ]
    refs = read(write_lines(tmp_path / "tarred_audio_manifest.json", lines))
    found = {
        (each.uri.rpartition("/")[2], each.reference_text, each.offset_seconds)
        for each in refs
        if isinstance(each, AudioRef)
    }
    assert found == {
        ("audio_0.tar#a_b.flac", None, None),
        ("audio_0.tar#c.wav", "x/c.wav", None),
        ("audio_11.tar#a_b.flac", "a_b.flac", 0.0),
        ("audio_11.tar#a_b.flac", "a_b-sub1.flac", 1.5),
        ("audio_11.tar#c.wav", None, None),
    }
    assert len({each.source_id for each in refs}) == 5


def test_manifests_by_shard_find_theirs_above(tmp_path: Path) -> None:
    write_tar(tmp_path / "audio_3.tar", [("a.wav", b"1")])
    manifest = tmp_path / "sharded_manifests" / "manifest_3.json"
    (ref,) = read(write_lines(manifest, [line("a.wav")]))
    assert ref.uri == f"{tmp_path}/audio_3.tar#a.wav"


def test_a_plain_manifest_names_files(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"1")
    manifest = write_lines(tmp_path / "manifest.json", [line("a.wav"), line("none.wav")])
    ref, failure = read(manifest)
    assert (ref.uri, type(failure)) == (f"{tmp_path}/a.wav", Failure)
    assert not is_tarred(manifest.read_bytes().splitlines()[0])
    assert is_tarred(b'{"audio_filepath": "a.wav", "shard_id": 0}')
