from __future__ import annotations

import re

import pytest
from support.installed_models import BASE, TINY_EN, needs_base, needs_tiny_en

from beam_audio.errors import ModelError
from beam_audio.models.card import HubSource, PackageSource, has_card, list_cards, load_card
from beam_audio.models.resolve import ensure_built

WHISPER_CARDS = [card.name for card in list_cards() if card.family == "whisper"]


def test_there_are_cards_for_the_models_we_name() -> None:
    names = {card.name for card in list_cards()}
    assert {"placeholder", "whisper-tiny.en", "whisper-base", "whisper-small"} <= names
    assert has_card("whisper-base")
    assert not has_card("whisper-huge")


@pytest.mark.parametrize("name", WHISPER_CARDS)
def test_every_file_of_a_card_has_its_hash_and_a_pinned_source(name: str) -> None:
    card = load_card(name)
    assert set(card.files) == {"model.bin", "config.json", "tokenizer.json"}
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
