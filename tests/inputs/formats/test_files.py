"""Files that data sets begin with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.run_outputs import write_byte

from beam_audio.inputs.formats.files import files_named
from beam_audio.inputs.left_out import LeftOut

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

TARS = re.compile(r".*\.tar")


def test_a_folder_gives_names_and_a_glob_or_a_file_what_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("b.tar", "d/a.tar", "d/a.txt", ".x.tar", ".c/y.tar", "out/c.tar", "odd[1].bin"):
        write_byte(tmp_path, name)
    monkeypatch.chdir(tmp_path)

    def names(place: str) -> list[str]:
        found, _ = files_named(place, TARS, f"{tmp_path}/out")
        return [each.path.removeprefix(f"{tmp_path}/") for each in found]

    assert names(".") == names(f"{tmp_path}/") == ["b.tar", "d/a.tar"]
    assert names("d/*") == ["d/a.tar", "d/a.txt"]
    assert names("odd[1].bin") == ["odd[1].bin"]
    assert names("none") == []
    assert files_named(".", TARS)[1] == LeftOut(hidden=2)
    assert files_named("*.tar", TARS)[1] == LeftOut(hidden=1)
    assert files_named(".c", TARS)[1] == LeftOut()
