from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import run_outputs

from beam_audio.errors import ConfigError
from beam_audio.output.folder import in_use
from beam_audio.run.rewriting import options_for, rewriting

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    run_outputs.write_speech(tmp_path / "in" / "0.wav", 0, seconds=1.0)
    run_outputs.run(input=tmp_path / "in", output=tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("is_shared", [False, True])
def test_files_of_a_unit_that_another_run_writes_stay(
    out: Path,
    is_shared: bool,  # noqa: FBT001 - a parameter
) -> None:
    unfinished = next((out / "segments").rglob("part-*.parquet")).with_name(
        f"part-{'0' * 32}-1-00000000.parquet"
    )
    unfinished.write_bytes(b"")
    if is_shared:
        with in_use(str(out), lambda: None), rewriting(str(out), "second"):
            pass
    else:
        with rewriting(str(out), "first"):
            pass
    assert unfinished.exists() == is_shared


def test_an_output_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no committed part files"):
        options_for(str(tmp_path), [])
