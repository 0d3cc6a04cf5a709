from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.installed_models import BASE, TINY_EN, needs_base, needs_tiny_en
from support.project import ROOT

from beam_audio.errors import ModelError
from beam_audio.models.card import (
    HubSource,
    PackageSource,
    has_card,
    list_cards,
    load_card,
    read_card,
)
from beam_audio.models.resolve import ensure_built

if TYPE_CHECKING:
    from pathlib import Path

WHISPER_CARDS = [card.name for card in list_cards() if card.family == "whisper"]


def test_there_are_cards_for_the_models_we_name() -> None:
    names = {card.name for card in list_cards()}
    assert {"placeholder", "whisper-tiny.en", "whisper-base", "whisper-small"} <= names
    assert has_card("whisper-base")
    assert not has_card("whisper-huge")


@pytest.mark.parametrize("name", WHISPER_CARDS)
def test_every_file_of_a_card_has_its_hash_and_a_pinned_source(name: str) -> None:
    card = load_card(name)
    assert {"config.json", "tokenizer.json"} < set(card.files)
    assert all(re.fullmatch(r"[0-9a-f]{64}", sha256) for sha256 in card.files.values())
    assert card.licence
    assert card.sources
    for source in card.sources:
        if isinstance(source, PackageSource):
            assert source.files.keys() == card.files.keys()
            assert all("==" in line for line in source.distributions)
        else:
            assert re.fullmatch(r"[0-9a-f]{40}", source.revision)


def test_base_comes_in_parts_and_small_from_the_hub() -> None:
    source = load_card("whisper-base").sources[0]
    assert isinstance(source, PackageSource)
    assert len(source.files["model.bin"]) == 2
    assert isinstance(load_card("whisper-small").sources[0], HubSource)


def test_an_unknown_name_gets_the_nearest_ones() -> None:
    with pytest.raises(ModelError, match=r"did you mean whisper-tiny\.en"):
        load_card("whisper-tiny")
    with pytest.raises(ModelError, match="known models are placeholder, whisper-base"):
        load_card("xyz")


@pytest.mark.parametrize(
    "name", [pytest.param(TINY_EN, marks=needs_tiny_en), pytest.param(BASE, marks=needs_base)]
)
def test_a_card_says_what_its_weights_say(name: str) -> None:
    card, built = load_card(name), ensure_built(name)
    assert card.languages == built.whisper.languages
    assert card.sample_rate_hz == built.sample_rate_hz
    assert card.max_seconds == built.max_seconds


def test_the_card_in_the_readme_is_all_a_new_model_needs(tmp_path: Path) -> None:
    """A checkout with one more file in ``models/`` lists the model and says how to get it."""
    readme = (ROOT / "models" / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^ *```json\n(.*?)^ *```$", readme, re.MULTILINE | re.DOTALL)
    name = json.loads(text)["name"]
    ignored = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(ROOT / "beam_audio", tmp_path / "beam_audio", ignore=ignored)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / f"{name}.json").write_text(text, encoding="utf-8")
    program = "from beam_audio.asr import list_models; print(*list_models(), sep='\\n')"
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(
        command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert ran.stdout.startswith(f"{name} ")
    assert "weights not installed" in ran.stdout
    assert f"beam-audio models build {name}" in ran.stdout


def test_a_card_is_named_by_its_file() -> None:
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in ROOT.glob("models/*.json")}
    assert all(card["name"] == stem for stem, card in files.items())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"name": "a", "name": "b"}', "'name' is given twice"),
        ('{"files": {"a": "1", "a": "2"}}', "'a' is given twice"),
        ('{"a":' * 100_000, "recursion"),
        ("{", "Expecting property name"),
        ("[]", "is not a model card"),
        ('{"name": "a"}', "layout"),
    ],
)
def test_a_file_that_is_no_card_is_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.json").write_text(text)
    with pytest.raises(ModelError, match=r"mine\.json is not a model card") as raised:
        read_card(tmp_path / "mine.json")
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"licence": None}, "None stands where a text is needed"),
        ({"languages": 1}, "'int' object is not iterable"),
        ({"layout": "zip"}, "layout is 'zip'"),
        ({"colour": "red"}, "'colour' is no field of a card"),
        ({"sources": [{"hub": "a/b"}]}, "KeyError('revision')"),
        ({"files": {"../model.bin": "0" * 64}}, "has no plain name"),
        ({"sample_rate_hz": float("inf")}, "infinity"),
    ],
)
def test_a_field_of_another_kind_is_named(
    tmp_path: Path, change: dict[str, object], wrong: str
) -> None:
    card = json.loads((ROOT / "models" / "whisper-base.json").read_bytes())
    (tmp_path / "mine.json").write_text(json.dumps(card | change))
    with pytest.raises(ModelError, match=re.escape(wrong)):
        read_card(tmp_path / "mine.json")
