"""The table of formats."""

from __future__ import annotations

from typing import get_args

import pytest

from beam_audio.errors import ConfigError
from beam_audio.export.formats.table import FORMATS, settled
from beam_audio.export.options import ExportOptions, FormatName


def test_every_name_is_a_format() -> None:
    assert set(FORMATS) == set(get_args(FormatName))


def test_a_format_has_its_own_codec() -> None:
    assert settled(ExportOptions("nemo")).codec == "flac"
    assert settled(ExportOptions("nemo", codec="opus")).codec == "opus"
    assert settled(ExportOptions("kaldi")).codec == "wav"
    with pytest.raises(ConfigError, match="does not take --codec=flac; give wav"):
        settled(ExportOptions("kaldi", codec="flac"))


def test_texts_take_no_flags_of_audio() -> None:
    assert settled(ExportOptions("srt")).codec is None
    with pytest.raises(ConfigError, match="has no audio"):
        settled(ExportOptions("srt", pack_seconds=(1.0, 2.0)))
