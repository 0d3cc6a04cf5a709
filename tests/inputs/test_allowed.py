"""--allow_inputs: what manifests and messages name is inside, or nothing is asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_audio.errors import ConfigError, InputError
from beam_audio.inputs.allowed import AllowedPlaces


def is_allowed(uri: str, flag: str) -> bool:
    try:
        AllowedPlaces.stated(flag).require(uri)
    except InputError:
        return False
    return True


@pytest.mark.parametrize(
    ("uri", "flag", "allowed"),
    [
        ("/data/calls/a.wav", "/data/calls", True),
        ("/data/calls/a.wav", "/data/calls/", True),
        ("/data/calls/a.wav", "file:///data/calls", True),
        ("/data/calls/a.wav", "/data/x/../calls", True),
        ("/data/calls/a.wav", "/data/calls/a.wav", True),
        ("/data/calls/a.wav", "/", True),
        ("/data/calls/a.wav", "/other, /data ,gs://b", True),
        ("/data/callsign/a.wav", "/data/calls", False),
        ("/data/calls/../a.wav", "/data/calls", False),
        ("/data/a.wav", "gs://b", False),
        ("gs://b/calls/a.wav", "gs://b", True),
        ("gs://b/calls/a.wav", "gs://b/calls/", True),
        ("gs://b/calls/a.wav", "s3://b", False),
        ("gs://b2/a.wav", "gs://b", False),
        ("gs://b/callsign", "gs://b/calls", False),
        ("gs://b/calls/../secret.wav", "gs://b/calls", False),
        ("https://b/calls/a.wav", "/", False),
        ("nosuch:///data/calls/a.wav", "/data", False),
        ("/data/calls/\0/a.wav", "/data", False),
    ],
)
def test_only_what_is_below_a_place_is_allowed(uri: str, flag: str, allowed: bool) -> None:  # noqa: FBT001 - a table
    assert is_allowed(uri, flag) is allowed


def test_a_refusal_names_the_flag() -> None:
    with pytest.raises(InputError, match="'/b/c' is not below --allow_inputs=/a,gs://b"):
        AllowedPlaces.stated("/a,gs://b").require("/b/c")


def test_a_relative_place_and_the_home_folder_are_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = AllowedPlaces.stated("calls,~/calls")
    assert places.prefixes == (f"{tmp_path}/calls", str(Path.home() / "calls"))


def test_a_link_counts_as_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    (tmp_path / "secret.wav").touch()
    (tmp_path / "calls" / "out.wav").symlink_to("../secret.wav")
    (tmp_path / "calls" / "up").symlink_to("..")
    (tmp_path / "link").symlink_to("calls")
    assert is_allowed(f"{tmp_path}/calls/a.wav", f"{tmp_path}/link")
    assert is_allowed(f"{tmp_path}/link/a.wav", f"{tmp_path}/calls")
    assert not is_allowed(f"{tmp_path}/calls/out.wav", f"{tmp_path}/calls")
    assert not is_allowed(f"{tmp_path}/link/out.wav", f"{tmp_path}/link")
    assert not is_allowed(f"{tmp_path}/calls/up/secret.wav", f"{tmp_path}/calls")


@pytest.mark.parametrize("flag", ["", " , ", "file://server/share"])
def test_a_flag_without_a_place_is_refused(flag: str) -> None:
    with pytest.raises(ConfigError, match="--allow_inputs="):
        AllowedPlaces.stated(flag)


@given(parts=st.lists(st.sampled_from(["..", ".", "", "a", "calls", "x\0", "~"]), max_size=6))
def test_no_spelling_leads_out_of_a_place(parts: list[str]) -> None:
    uri = "/".join(["/data/calls", *parts])
    inside = "\0" not in uri and Path(uri).resolve().is_relative_to("/data/calls")
    assert is_allowed(uri, "/data/calls") is inside
