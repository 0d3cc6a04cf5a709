"""The layout of an output without rows: one of several runs decides it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import ConfigError
from beam_audio.output.layout import agree, require_same
from beam_audio.output.processes import own

if TYPE_CHECKING:
    from pathlib import Path

DATE = {"partition_by": "date", "store_audio": "none"}
LANGUAGE = DATE | {"partition_by": "language"}


def refusal(root: Path, wanted: dict[str, str], process: str = "") -> str:
    try:
        agree(str(root), wanted, process)
    except ConfigError as error:
        return str(error)
    return ""


def is_refused(root: Path, wanted: dict[str, str], process: str = "") -> bool:
    return bool(refusal(root, wanted, process))


@pytest.mark.parametrize("process", ["", own()], ids=["job", "process"])
def test_the_first_run_decides(tmp_path: Path, process: str) -> None:
    assert not is_refused(tmp_path, DATE, process)
    said = refusal(tmp_path, LANGUAGE, own())
    assert "another --partition_by; name another --output" in said
    assert f"delete {tmp_path}/_units/.layout" in said
    assert not is_refused(tmp_path, DATE, own())


def test_what_a_dead_run_decided_does_not_count(tmp_path: Path) -> None:
    assert not is_refused(tmp_path, DATE, " ".join([*own().split()[:-1], "1"]))
    assert not is_refused(tmp_path, LANGUAGE, own())
    assert is_refused(tmp_path, DATE, own())


def test_a_damaged_file_decides_nothing_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "_units").mkdir()
    (tmp_path / "_units" / ".layout").write_text("[")
    with pytest.raises(ConfigError, match=r"delete .*\.layout"):
        agree(str(tmp_path), DATE, own())


def test_of_runs_at_once_those_with_one_layout_begin(tmp_path: Path) -> None:
    for number in range(20):
        root, together = tmp_path / str(number), Barrier(4)

        def begin(wanted: dict[str, str], root: Path = root, together: Barrier = together) -> bool:
            together.wait()
            return is_refused(root, wanted, own())

        with ThreadPoolExecutor(4) as pool:
            refused = list(pool.map(begin, [DATE, LANGUAGE, DATE, LANGUAGE]))
        assert refused in ([False, True, False, True], [True, False, True, False])


def test_committed_rows_decide_for_good() -> None:
    require_same(DATE, DATE | {"more": "x"})
    with pytest.raises(ConfigError, match="another --partition_by; name another --output"):
        require_same(DATE, LANGUAGE)
