"""Keys that can name folders and columns, and those that cannot."""

from __future__ import annotations

import re

import pytest

from beam_audio.errors import ConfigError
from beam_audio.run.keys import check_keys, keys_in


def test_keys_are_separated_by_commas() -> None:
    assert keys_in(" language, speaker,") == ("language", "speaker")
    assert keys_in("") == ()


def test_a_key_can_name_a_folder_and_a_column() -> None:
    check_keys(("date", "language", "speaker"), ("speaker", "source-2", "Ort_ä"))


@pytest.mark.parametrize("key", ["text", "Text", "decision", "reasons", "wer", "event_date"])
def test_a_column_names_no_folder(key: str) -> None:
    with pytest.raises(ConfigError, match=f"--partition_by={key}: the tables have a column"):
        check_keys((key,), ())


@pytest.mark.parametrize("key", ["date", "language", "audio", "codec", "Snr_dB"])
def test_a_column_names_no_other_column(key: str) -> None:
    with pytest.raises(ConfigError, match=f"--metadata_columns={key}: the tables have a column"):
        check_keys((), (key,))


@pytest.mark.parametrize("key", ["a/b", "a=b", "a b", "-"])
def test_a_key_has_only_characters_that_folders_and_columns_can_have(key: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"--partition_by={key}: letters")):
        check_keys((key,), ())


@pytest.mark.parametrize("keys", [("room", "room"), ("room", "Room")])
def test_a_key_is_named_once(keys: tuple[str, str]) -> None:
    with pytest.raises(ConfigError, match="twice"):
        check_keys((), keys)
