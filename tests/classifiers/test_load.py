"""From a name or a folder to a classifier, the same for a whole run."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.small_classifiers import write_huggingface, write_yamnet

from beam_audio.classifiers.load import classifier_id, load_classifier, load_same
from beam_audio.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_classifier_is_known_by_its_files_and_not_by_its_place(tmp_path: Path) -> None:
    first = classifier_id(str(write_yamnet(tmp_path / "one")))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    second = classifier_id(str(tmp_path / "two"))
    assert first.sha256 == second.sha256
    (tmp_path / "two" / "yamnet_small_labels.txt").write_text("Speech\nSinging\n")
    assert classifier_id(str(tmp_path / "two")).sha256 != first.sha256


def test_a_worker_with_other_files_is_refused(tmp_path: Path) -> None:
    wanted = classifier_id(str(write_yamnet(tmp_path)))
    assert load_same(wanted).sample_rate_hz == 16_000
    with pytest.raises(ModelError, match="not those that the run began with"):
        load_same(replace(wanted, sha256="0"))


def test_networks_of_hugging_face_may_be_in_a_folder_of_their_own(tmp_path: Path) -> None:
    write_huggingface(tmp_path)
    (tmp_path / "onnx").mkdir()
    (tmp_path / "model.onnx").rename(tmp_path / "onnx" / "model.onnx")
    assert load_classifier(tmp_path).sample_rate_hz == 8_000


@pytest.mark.shared
def test_two_models_in_a_folder_hear_together(given_models: Path) -> None:
    model = load_classifier(given_models)
    assert [len(network.labels) for network in model.networks] == [521, 3]


def test_a_folder_without_a_classifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no classifier"):
        load_classifier(tmp_path)


def test_a_model_with_labels_of_its_own_takes_no_others(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"takes no labels: it needs audio_model\.onnx"):
        load_classifier(write_yamnet(tmp_path), ["a dog"])


def test_a_template_needs_a_place_for_the_label(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"needs one \{\}"):
        load_classifier(tmp_path, ["a dog"], "This is a sound.")


def test_a_wrong_name_is_told_from_the_near_one() -> None:
    with pytest.raises(ModelError, match=r"did you mean.*yamnet"):
        load_classifier("yamnett")


@pytest.mark.usefixtures("cache")
def test_a_name_without_its_files_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"lacks yamnet_521\.onnx.* put .* into"):
        load_classifier("yamnet")


def test_labels_of_another_model_are_refused(tmp_path: Path) -> None:
    write_yamnet(tmp_path)
    (tmp_path / "yamnet_small_labels.txt").write_text("Speech\nMusic\nRain\n")
    with pytest.raises(ModelError, match="gives 2 scores and names 3 labels"):
        load_classifier(tmp_path)


def test_a_network_of_another_kind_is_told_when_it_is_loaded(tmp_path: Path) -> None:
    write_yamnet(tmp_path / "other")
    write_huggingface(tmp_path)
    shutil.copy(tmp_path / "other" / "yamnet_small.onnx", tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="fails on a second of silence"):
        load_classifier(tmp_path)
