"""Cards of networks name their files, and what a person does to have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from support.project import ROOT

from beam_audio.errors import ChecksumError, ModelError
from beam_audio.models.network_card import (
    Use,
    WebFile,
    all_network_cards,
    network_cards,
    network_folder,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_every_card_is_called_as_its_file() -> None:
    for use in get_args(Use):
        names = {f"{name}.json" for name in network_cards(use)}
        assert names == {path.name for path in (ROOT / "models" / use).iterdir()}
    all_names = [card.name for card in all_network_cards()]
    assert len(all_names) == len(set(all_names))


def test_every_file_has_a_public_source_or_is_explained() -> None:
    for card in all_network_cards():
        assert card.homepage.startswith(("https://github.com/", "https://pypi.org/"))
        assert card.how or all(file.source for file in card.files.values())
        for file in card.files.values():
            assert len(file.sha256) == 64
            assert not isinstance(file.source, WebFile) or file.source.url.startswith("https://")


@pytest.mark.usefixtures("cache")
def test_missing_files_are_named_with_what_gets_them() -> None:
    card = network_cards("classifiers")["yamnet"]
    assert card.missing == ("yamnet_521.onnx", "yamnet_521_labels.txt")
    assert f"into {card.folder} " in card.cure
    lines = str(network_cards("speakers")["campplus"]).splitlines()
    assert [line.strip() for line in lines[1:]] == [
        "--speaker_model: campplus_192.onnx, pyannote_segmentation_3.0.onnx not here",
        "beam-audio models get campplus",
    ]


@pytest.mark.usefixtures("cache")
def test_another_file_is_refused() -> None:
    card = network_cards("classifiers")["fireredvad-aed"]
    card.folder.mkdir(parents=True)
    for name in card.files:
        (card.folder / name).write_bytes(b"another")
    assert not card.missing
    with pytest.raises(ChecksumError, match=r"fireredvad_aed\.onnx has sha256"):
        card.require_whole()


@pytest.mark.usefixtures("cache")
def test_a_name_counts_before_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert network_folder("speakers", str(tmp_path)) == tmp_path
    monkeypatch.chdir(tmp_path)
    (tmp_path / "campplus").mkdir()
    with pytest.raises(ModelError, match=r"campplus lacks .*: beam-audio models get campplus"):
        network_folder("speakers", "campplus")
    with pytest.raises(ModelError, match=r"no speaker model; did you mean 'campplus'\?: name a"):
        network_folder("speakers", "camplus")


@pytest.mark.shared
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("name", ["yamnet", "fireredvad-aed"])
def test_the_given_files_are_those_of_the_cards(shared_models: Path, name: str) -> None:
    card = network_cards("classifiers")[name]
    card.folder.parent.mkdir(parents=True)
    card.folder.symlink_to(shared_models)
    card.require_whole()
