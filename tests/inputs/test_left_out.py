"""What a folder holds beside inputs, recognised by names."""

from __future__ import annotations

import pytest

from beam_audio.inputs.left_out import KINDS, LeftOut, inputs_below, is_hidden_inside
from beam_audio.store.output_names import COMMITS, RUN_LOCK, run_file
from beam_audio.types import StoredFile

RUN_FILE = run_file("20260105T090000-0123abcd")


def sorted_out(*names: str, exclude: str | None = None) -> tuple[list[str], LeftOut]:
    """Names of the inputs below ``/in``, and what is left out."""
    found = [StoredFile(f"/in/{name}", 1, 0.0, "") for name in names]
    inputs, left_out = inputs_below("/in/", found, exclude)
    return [each.path.removeprefix("/in/") for each in inputs], left_out


@pytest.mark.parametrize(
    "name", ["a.wav", "a.WAV", "a", "a.xyz", "a.tar.gz", "a.zip", "txt", "2024.01.05", "a.b/c"]
)
def test_a_file_of_unknown_kind_is_an_input(name: str) -> None:
    assert sorted_out(name) == ([name], LeftOut())


@pytest.mark.parametrize("name", [".a.wav", "sub/.a.wav", ".git/a.wav", "sub/.cache/x/a.wav"])
def test_hidden_names_and_what_is_in_hidden_folders_are_left_out(name: str) -> None:
    assert sorted_out(name, "b.wav") == (["b.wav"], LeftOut(hidden=1))


@pytest.mark.parametrize("name", ["m.jsonl", "a.Txt", "sub/a.TextGrid", "a.wav.json", "a.parquet"])
def test_known_suffixes_of_other_kinds_are_left_out_in_any_case(name: str) -> None:
    suffix = "." + name.rpartition(".")[2].lower()
    assert sorted_out(name, "b.wav") == (["b.wav"], LeftOut(suffixes={suffix: 1}))


@pytest.mark.parametrize(
    "suffix", [".wav", ".mp3", ".flac", ".ogg", ".m4a", ".mp4", ".raw", ".sph"]
)
def test_no_audio_is_of_another_kind(suffix: str) -> None:
    assert suffix not in KINDS


@pytest.mark.parametrize("mark", [f"{COMMITS}/u.json", RUN_LOCK, RUN_FILE])
@pytest.mark.parametrize("place", ["old/", "deep/below/old/"])
def test_an_output_is_left_out_with_everything_below_it(place: str, mark: str) -> None:
    names = [f"{place}{mark}", f"{place}segments/a.wav", f"{place}.hidden", "older/a.wav"]
    assert sorted_out(*names) == (
        ["older/a.wav"],
        LeftOut(outputs=(f"/in/{place.rstrip('/')}",)),
    )


def test_a_folder_that_is_an_output_itself_holds_no_input() -> None:
    assert sorted_out(f"{COMMITS}/u.json", "a.wav") == ([], LeftOut(outputs=("/in",)))


def test_an_output_inside_another_is_named_once() -> None:
    found = sorted_out(f"a/{COMMITS}/u.json", f"a/b/{COMMITS}/u.json", "a/b/c.wav")
    assert found == ([], LeftOut(outputs=("/in/a",)))


def test_the_output_of_the_run_is_left_out_if_there_is_anything_in_it() -> None:
    assert sorted_out("a.wav", "out/b.wav", exclude="/in/out") == (
        ["a.wav"],
        LeftOut(outputs=("/in/out",)),
    )
    assert sorted_out("a.wav", "output/b.wav", exclude="/in/out")[1] == LeftOut()


@pytest.mark.parametrize("name", ["run-1.json", "run-20260105.json", "units/a.wav", "_units.wav"])
def test_names_like_those_of_an_output_make_none(name: str) -> None:
    assert sorted_out(name, "a.wav")[1].outputs == ()


def test_the_summary_counts_files_by_kind() -> None:
    left_out = LeftOut(3, ("/in/a",), {".csv": 1, ".tsv": 2, ".txt": 1, ".png": 1})
    assert left_out.summary == (
        "3 hidden, 3 tables (.csv .tsv), 1 text file (.txt), 1 image (.png), 1 output of beam-audio"
    )
    assert LeftOut().summary == ""


def test_a_name_is_hidden_by_any_part_that_begins_with_a_dot() -> None:
    hidden = ("._a.wav", ".git/x.wav", "d/.x/c.wav", "__MACOSX/d/._a.wav", "./.a", "...")
    assert all(map(is_hidden_inside, hidden))
    assert not any(map(is_hidden_inside, ("a.wav", "./a.wav", "../b.wav", "a/b.c", "__MACOSX/a")))


def test_what_is_left_out_of_several_places_adds_up() -> None:
    both = LeftOut(1, ("/a",), {".csv": 1}) + LeftOut(2, ("/b",), {".csv": 2, ".txt": 1})
    assert both == LeftOut(3, ("/a", "/b"), {".csv": 3, ".txt": 1})
