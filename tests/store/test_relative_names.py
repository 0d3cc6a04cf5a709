"""Names that are joined to a folder stay in it, whatever they are."""

from __future__ import annotations

import os
from pathlib import PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beam_audio import store
from beam_audio.errors import StoreError
from beam_audio.store.relative_names import inside, outside

HOSTILE_PARTS = st.sampled_from(
    ["..", ".", "", "a", "C:", "c:x", "\\", "..\\x", "x\0", "a\nb", "~", "a" * 256, "\ud800", "é"]
)
HOSTILE_NAMES = st.lists(st.one_of(HOSTILE_PARTS, st.text(max_size=8)), max_size=5).map("/".join)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x", "has the part '..'"),
        ("a/../../x", "has the part '..'"),
        ("a/./b", "has the part '.'"),
        ("/etc/passwd", "begins with '/'"),
        ("a//b", "has an empty part"),
        ("a/", "has an empty part"),
        ("", "has an empty part"),
        ("C:x", "begins with a drive"),
        ("..\\x", "has a backslash"),
        ("a\0b", "has a control character"),
        ("a\nb", "has a control character"),
        ("a\u2028b", "has a control character"),
        ("\udc80", "is not valid Unicode"),
        ("é" * 128, "is too long"),
        ("a/" * 2100 + "a", "is too long"),
    ],
)
def test_a_name_that_is_no_file_below_a_folder_is_refused(name: str, why: str) -> None:
    assert outside(name) == why


@pytest.mark.parametrize("name", ["a", "a/b c/ü.json", "...", ".hidden", "date=2026/x~%2F", "ab:c"])
def test_other_names_are_taken(name: str) -> None:
    assert outside(name) is None
    assert inside("gs://b/out/", name) == f"gs://b/out/{name}"


@given(name=HOSTILE_NAMES)
@example("a/..\x00/x")
def test_a_name_that_is_taken_stays_in_its_folder(name: str) -> None:
    if outside(name) is None:
        assert os.path.normpath(f"/root/{name}") == f"/root/{name}"
        windows = PureWindowsPath("C:\\root") / name
        assert windows.is_relative_to("C:\\root")
        assert ".." not in windows.parts
        assert "\n" not in name
    else:
        with pytest.raises(StoreError, match="is not written below '/root'"):
            inside("/root", name)


@given(name=HOSTILE_NAMES)
def test_no_file_is_written_outside_an_output(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    above = tmp_path_factory.mktemp("above")
    root = above / "deep" / "root"
    root.mkdir(parents=True)
    try:
        store.write_whole(str(root), name, b"x")
    except StoreError:
        assert outside(name) is not None
    outsiders = [each for each in above.rglob("*") if not each.is_relative_to(root)]
    assert outsiders == [above / "deep"]
