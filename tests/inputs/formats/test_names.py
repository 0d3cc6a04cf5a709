"""Names of formats."""

from __future__ import annotations

from support.data_sets import WRITERS

from beam_audio.inputs.formats.names import INPUT_FORMATS


def test_every_format_has_a_data_set_that_is_read_in_tests() -> None:
    assert set(INPUT_FORMATS) == {name for name, _ in WRITERS.values()}
