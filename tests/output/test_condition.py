"""Conditions of SQL over segments."""

from __future__ import annotations

import pyarrow as pa
import pytest

from beam_audio.errors import ConfigError
from beam_audio.output.condition import ids_where

ROWS = pa.table({"segment_id": ["a", "b"], "wer": [0.1, None]})


def test_columns_and_keys_of_the_folder_are_known() -> None:
    assert ids_where(ROWS, {"speaker": "anna"}, "wer < 0.2 AND speaker = 'anna'") == {"a"}
    assert ids_where(ROWS, {"speaker": None}, "wer IS NULL AND speaker IS NULL") == {"b"}


@pytest.mark.parametrize("where", ["wer <", "nothing = 1", "1=1); DROP TABLE segments; --"])
def test_what_is_no_condition_is_refused(where: str) -> None:
    with pytest.raises(ConfigError, match="is not understood"):
        ids_where(ROWS, {}, where)


def test_no_file_of_the_machine_is_read() -> None:
    with pytest.raises(ConfigError, match="is not understood"):
        ids_where(ROWS, {}, "segment_id IN (SELECT content FROM read_text('/etc/hostname'))")
