"""Tables of Common Voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.data_sets import write_text

from beam_audio import store
from beam_audio.errors import InputError
from beam_audio.inputs.formats.common_voice import read_common_voice
from beam_audio.inputs.manifest import parse_line
from beam_audio.types import Failure

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "client_id\tpath\tsentence\tage\tlocale"


def test_rows_name_clips_and_quotes_are_text(tmp_path: Path) -> None:
    rows = ['s1\ta.mp3\t"Ja" sagte er\ttwenties\tde', 's2\tb.mp3\tein "\t\tsv-SE']
    table = write_text(tmp_path / "validated.tsv", [HEADER, *rows])
    lines = list(read_common_voice(store.stat(str(table))))
    assert not any(isinstance(each, Failure) for each in lines)
    first, second = (parse_line(each[2]) for each in lines if not isinstance(each, Failure))
    assert (first.path, first.reference_text) == ("clips/a.mp3", '"Ja" sagte er')
    assert (first.language, second.language) == ("de", "sv")
    assert first.metadata == (("age", "twenties"), ("speaker", "s1"))
    assert (second.reference_text, second.metadata) == ('ein "', (("speaker", "s2"),))


@pytest.mark.parametrize("row", ["s\ta.mp3\ttext", "s\t\ttext\t\ten", "s\ta.mp3\ta\tb\tc\td"])
def test_a_row_that_does_not_fit_costs_itself(row: str, tmp_path: Path) -> None:
    table = write_text(tmp_path / "t.tsv", [HEADER, row, "s\tb.mp3\tx\t\ten"])
    bad, good = read_common_voice(store.stat(str(table)))
    assert isinstance(bad, Failure)
    assert bad.message.startswith("line 2:")
    assert not isinstance(good, Failure)


def test_another_table_is_refused_once(tmp_path: Path) -> None:
    table = write_text(tmp_path / "reported.tsv", ["sentence\treason", "a\tb"])
    with pytest.raises(InputError, match="no table of Common Voice"):
        list(read_common_voice(store.stat(str(table))))
