"""Every format: what it lists is what the plain files are, through a whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.data_sets import WRITERS, Clip, inputs_in, write_clips, write_tar
from support.run_outputs import (
    all_rows,
    listing,
    read_rows,
    run,
    write_manifest,
)

from beam_audio.errors import ConfigError
from beam_audio.inputs.formats import choice
from beam_audio.inputs.formats.choice import read_format, recognised
from beam_audio.types import Failure

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    return write_clips(tmp_path_factory.mktemp("clips"))


def contents(output: Path) -> list[tuple[str, str]]:
    """What each recording sounds like, with its reference."""
    found = read_rows(output, "recordings")
    return sorted((row["audio_sha256"], row["reference_text"]) for row in found)


@pytest.fixture(scope="module")
def plain(clips: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """The same of a run over the plain files."""
    folder = tmp_path_factory.mktemp("plain")
    lines = [{"audio_filepath": str(clip.path), "text": clip.text} for clip in clips]
    manifest = write_manifest(folder / "m.jsonl", list(lines))
    run(manifest=manifest, output=folder / "out")
    return contents(folder / "out")


@pytest.mark.parametrize("name", WRITERS)
def test_a_data_set_gives_the_samples_and_texts_of_its_files(
    name: str, clips: list[Clip], plain: list[tuple[str, str]], tmp_path: Path
) -> None:
    input_format, write = WRITERS[name]
    place = write(tmp_path / "in", clips)
    flags = {"input": place, "input_format": input_format, "output": tmp_path / "out"}
    result = run(**flags)
    assert result.ledger.balances
    assert contents(tmp_path / "out") == plain
    assert not read_rows(tmp_path / "out", "failures")
    before = listing(tmp_path / "out")
    run(**flags)
    assert listing(tmp_path / "out") == before


def test_names_and_first_lines_tell_the_format(clips: list[Clip], tmp_path: Path) -> None:
    told = {
        name: WRITERS[name][1](tmp_path / name, clips)
        for name in ("nemo", "parquet", "common_voice", "cuts")
    }
    for name, place in told.items():
        assert recognised(None, str(place)) == name
    kaldi = WRITERS["kaldi"][1](tmp_path / "kaldi", clips)
    assert recognised(None, str(kaldi / "wav.scp")) == "kaldi"
    shar = WRITERS["shar"][1](tmp_path / "shar", clips)
    assert recognised(None, str(shar / "cuts.000001.jsonl.gz")) == "shar"
    assert recognised(f"{tmp_path}/*.tar", None) == "webdataset"
    lines = [{"audio_filepath": str(clip.path)} for clip in clips]
    plain = write_manifest(tmp_path / "m.jsonl", list(lines))
    assert recognised(None, str(plain)) is None
    assert recognised(str(tmp_path), None) is None


def test_the_same_audio_and_time_is_the_same_member_wherever_it_is_listed(
    clips: list[Clip], tmp_path: Path
) -> None:
    _, write = WRITERS["webdataset"]
    place = write(tmp_path / "in", clips)
    run(input=place, input_format="webdataset", output=tmp_path / "folder")
    run(input=f"{place}/*.tar", output=tmp_path / "glob")
    assert all_rows(tmp_path / "folder") == all_rows(tmp_path / "glob")


def test_a_file_that_is_not_of_the_format_is_a_failure_and_the_others_are_read(
    clips: list[Clip], tmp_path: Path
) -> None:
    _, write = WRITERS["huggingface"]
    place = write(tmp_path / "in", clips)
    (place / "bad.parquet").write_bytes(b"PAR1 and no table")
    found = inputs_in(read_format("huggingface", str(place)))
    failures = [each for each in found if isinstance(each, Failure)]
    assert [each.uri for each in failures] == [str(place / "bad.parquet")]
    assert len(found) == len(clips) + 1


def test_what_is_hidden_in_shards_and_beside_them_is_counted_once(
    clips: list[Clip], tmp_path: Path
) -> None:
    clip = clips[0].encoded
    members = [("._a.wav", b"no audio"), ("a.wav", clip), ("__MACOSX/._a.wav", b"no audio")]
    for name in ("a.tar", "sub/b.tar", ".c.tar"):
        write_tar(tmp_path / "in" / name, members)
    flags = {"input": tmp_path / "in", "input_format": "webdataset", "output": tmp_path / "out"}
    for _ in range(2):
        result = run(**flags)
        assert (result.ledger.recordings, result.left_out) == (2, "5 hidden")
    assert not read_rows(tmp_path / "out", "failures")


def test_a_place_without_a_file_of_the_format_is_refused(tmp_path: Path) -> None:
    write_tar(tmp_path / "in" / "a.tar", [])
    with pytest.raises(ConfigError, match="matches no file"):
        run(input=tmp_path / "in", input_format="kaldi", output=tmp_path / "out")
    assert choice.has_format("webdataset", str(tmp_path / "in"))
