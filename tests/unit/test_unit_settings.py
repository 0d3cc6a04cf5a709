"""Which settings decide that saved work can be taken."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.unit_runs import settings

if TYPE_CHECKING:
    from beam_audio.unit.rows import RowSettings

USUAL = settings()
ROWS = USUAL.rows


def key_of(rows: RowSettings) -> str:
    using = replace(USUAL, rows=rows)
    return using.work_key("out", "CPUExecutionProvider").settings_id


def test_what_decides_texts_decides_what_is_taken() -> None:
    layers = ROWS.config_layers
    assert key_of(ROWS) != key_of(replace(ROWS, config_layers={**layers, "model": "another"}))
    assert key_of(ROWS) != key_of(replace(ROWS, store_audio="flac"))


def test_how_texts_are_judged_decides_nothing() -> None:
    layers = ROWS.config_layers
    assert key_of(ROWS) == key_of(replace(ROWS, config_layers={**layers, "metrics": "another"}))


@pytest.mark.parametrize(("language", "asks"), [("auto", False), ("from_manifest", True)])
def test_stated_languages_count_where_the_model_is_given_them(language: str, *, asks: bool) -> None:
    assert replace(USUAL, language=language).work_key("out", "cpu").stated_languages is asks
