"""Names of normalisers, and functions of one's own."""

# ruff: noqa: RUF001 (letters of other scripts, on purpose)

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import ConfigError
from beam_audio.quality.normalizers import Normalizer, normalizer_for, resolved_choice

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("language", "normalizer_id"),
    [
        ("en", "whisper-en-2"),
        ("en-GB", "whisper-en-2"),
        ("eng", "whisper-en-2"),
        ("English", "whisper-en-2"),
        ("de", "basic-2"),
        ("cmn", "basic-2"),
        ("enx", "basic-2"),
        (None, "basic-2"),
    ],
)
def test_language_chooses_the_normalizer(language: str | None, normalizer_id: str) -> None:
    assert normalizer_for(language).normalizer_id == normalizer_id


def test_the_first_versions_stay() -> None:
    assert normalizer_for("en", "whisper-en-1")("$20.50, twenty-one") == "$20.5021"
    assert normalizer_for("es", "basic-1")("1, 2, İ") == "1 2 i̇"
    assert normalizer_for("en", "none")(" As  IS ") == " As  IS "


def test_a_wrong_name_is_named() -> None:
    with pytest.raises(ConfigError, match=r"'basic2' .*; did you mean 'basic-2'"):
        normalizer_for("en", "basic2")
    with pytest.raises(ConfigError, match="known are auto, whisper-en-2, basic-2, whisper-en-1"):
        normalizer_for("en", "?")


def test_the_language_decides_the_casing() -> None:
    assert normalizer_for("tr", "basic-2")("IĞDIR") == "ığdır"
    assert Normalizer("basic-2")("IĞDIR") == "iğdir"


def test_a_choice_is_resolved_to_versions() -> None:
    assert resolved_choice("auto") == "whisper-en-2,basic-2"
    assert resolved_choice("basic-1") == "basic-1"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / f"{tmp_path.name.replace('-', '_')}_texts.py"
    module.write_text(
        "def upper(text):\n    return text.upper()\n\n\ndef length(text):\n"
        "    return len(text)\n\n\ndef broken(text):\n    return text[99]\n"
    )
    return module


def test_a_function_of_ones_own(own: Path) -> None:
    choice = f"{own.stem}:upper"
    normalizer = normalizer_for("en", choice)
    assert normalizer("yes") == "YES"
    assert normalizer.normalizer_id == resolved_choice(choice)
    name, _, sha256 = normalizer.normalizer_id.partition("@")
    assert name == choice
    assert len(sha256) == 12
    assert normalizer_for("en", normalizer.normalizer_id) == normalizer


def test_other_source_on_a_worker_is_refused(own: Path) -> None:
    with pytest.raises(ConfigError, match="give every worker the same module"):
        normalizer_for("en", f"{own.stem}:upper@{'0' * 12}")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("no_such_module_here:f", "cannot be imported .* on PYTHONPATH, on every worker"),
        ("{own}:missing", "has no function 'missing'"),
        ("{own}:length", "returns int for .* it must take one text and return a text"),
        ("{own}:broken", "fails on .*IndexError"),
        ("math:sqrt", "fails on|no Python source"),
        ("a b:c", "is not of the form module:function"),
    ],
)
def test_what_cannot_normalise_is_refused(own: Path, choice: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        normalizer_for("en", choice.format(own=own.stem))
