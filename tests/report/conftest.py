"""One output of a few recordings, with texts that a page must not take for its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.hostile_report import write_hostile_output

from beam_audio.report.content import Report, report_of
from beam_audio.report.tables import opened_tables

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beam_audio.report.tables import Tables


@pytest.fixture(scope="session")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hostile_output(tmp_path_factory.mktemp("report"))


@pytest.fixture
def tables(output: Path) -> Iterator[Tables]:
    with opened_tables(str(output)) as opened:
        yield opened


@pytest.fixture
def report(tables: Tables) -> Report:
    return report_of(tables)
