"""The folder of what can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beam_audio.models.cache_folder import cache_folder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_variable_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("BEAM_AUDIO_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "beam_audio"
