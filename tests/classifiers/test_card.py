"""Cards of classifiers name their files, and what a person does to have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.project import ROOT

from beam_audio.classifiers.card import classifier_cards
from beam_audio.errors import ChecksumError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_card_has_its_file_and_a_public_source() -> None:
    cards = classifier_cards()
    assert {f"{name}.json" for name in cards} == {
        path.name for path in (ROOT / "models" / "classifiers").iterdir()
    }
    for card in cards.values():
        assert card.source.startswith("https://github.com/")
        assert all(len(sha256) == 64 for sha256 in card.files.values())


@pytest.mark.usefixtures("cache")
def test_missing_files_are_named_with_their_place() -> None:
    card = classifier_cards()["yamnet"]
    assert card.missing == ("yamnet_521.onnx", "yamnet_521_labels.txt")
    assert f"into {card.folder} " in card.cure


@pytest.mark.usefixtures("cache")
def test_another_file_is_refused() -> None:
    card = classifier_cards()["fireredvad-aed"]
    card.folder.mkdir(parents=True)
    for name in card.files:
        (card.folder / name).write_bytes(b"another")
    assert not card.missing
    with pytest.raises(ChecksumError, match=r"fireredvad_aed\.onnx has sha256"):
        card.require_whole()


@pytest.mark.shared
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", ["yamnet", "fireredvad-aed"])
def test_the_given_files_are_those_of_the_cards(given_models: Path, name: str) -> None:
    card = classifier_cards()[name]
    card.folder.parent.mkdir(parents=True)
    card.folder.symlink_to(given_models)
    card.require_whole()
