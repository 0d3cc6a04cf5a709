from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.random_whisper import Shape, random_weights, write_huggingface

from beam_audio.errors import ChecksumError, ModelError
from beam_audio.models.build import (
    BuiltModel,
    build_whisper,
    cache_directory,
    check_built,
    is_built,
    model_sha256,
    read_built,
    scratch_directory,
    was_built,
)
from beam_audio.models.weight_files import WeightFiles, file_sha256

SHAPE = Shape(width=8, encoder_layers=1, decoder_layers=1)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("source")
    write_huggingface(directory, random_weights(SHAPE), SHAPE)
    return {path.name: path for path in directory.iterdir()}


def build(
    source: dict[str, Path], target: Path, sources: dict[str, str] | None = None
) -> BuiltModel:
    sources = sources or {name: file_sha256(path) for name, path in source.items()}
    build_whisper(
        "random",
        WeightFiles("huggingface", source, sources),
        precision="float32",
        padding="full",
        target=target,
    )
    return read_built(target)


def test_two_builds_give_the_same_bytes(source: dict[str, Path], tmp_path: Path) -> None:
    first, second = build(source, tmp_path / "a"), build(source, tmp_path / "b")
    for path in first.directory.iterdir():
        assert path.read_bytes() == (second.directory / path.name).read_bytes(), path.name
    assert {path.name for path in first.directory.iterdir()} == {"config.json", *first.files}


def test_a_build_replaces_what_is_broken_and_leaves_nothing_else(
    source: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "config.json").write_text("{")
    check_built(build(source, target))
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_weights_that_change_under_a_build_leave_nothing_under_their_name(
    source: dict[str, Path], tmp_path: Path
) -> None:
    before = {name: file_sha256(path) for name, path in source.items()}
    with pytest.raises(ChecksumError, match=r"model\.safetensors.*written to while it was read"):
        build(source, tmp_path / "model", before | {"model.safetensors": "0" * 64})
    assert list(tmp_path.iterdir()) == []


def test_identity_is_of_weights_numerics_and_precision() -> None:
    sources = {"a": "1" * 64, "b": "2" * 64}
    identity = model_sha256(sources, "float32")
    assert len(identity) == 64
    assert identity == model_sha256(dict(reversed(sources.items())), "float32")
    assert identity != model_sha256(sources | {"b": "3" * 64}, "float32")
    assert identity != model_sha256(sources, "int8")
    # Rows name it: an output in float32 that was written before is not recognised again.
    assert identity.startswith("7dbcc6a1828e3a5e")


@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx", "tokenizer.json"])
def test_a_flipped_byte_in_a_built_file_is_refused(
    source: dict[str, Path], tmp_path: Path, name: str
) -> None:
    built = build(source, tmp_path / "model")
    check_built(built)
    content = bytearray((built.directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (built.directory / name).write_bytes(content)
    with pytest.raises(ChecksumError, match=f"{name} has sha256 [0-9a-f]{{64}}, expected"):
        check_built(built)


def test_a_missing_file_is_named(source: dict[str, Path], tmp_path: Path) -> None:
    built = build(source, tmp_path / "model")
    (built.directory / "decoder.onnx").unlink()
    with pytest.raises(ModelError, match=r"decoder\.onnx is missing: delete"):
        check_built(built)


def test_what_another_version_built_is_built_again(source: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "model"
    config = build(source, target).directory / "config.json"
    content = json.loads(config.read_text())
    config.write_text(json.dumps(content | {"format": "beam_audio/2"}))
    assert was_built(target)
    assert not is_built(target)
    with pytest.raises(ModelError, match="by another version of it: build it again"):
        read_built(target)
    assert build(source, target).model_sha256 == content["model_sha256"]


def test_a_directory_of_something_else_is_not_built(tmp_path: Path) -> None:
    assert not is_built(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "whisper"}))
    assert not is_built(tmp_path)
    assert not was_built(tmp_path)
    with pytest.raises(ModelError, match="was not built by beam-audio"):
        read_built(tmp_path)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "sub/encoder.onnx", "a\\b", "", ".."])
def test_a_description_that_names_files_elsewhere_is_refused(
    source: dict[str, Path], tmp_path: Path, name: str
) -> None:
    built = build(source, tmp_path / "model")
    content = json.loads((built.directory / "config.json").read_text())
    content["files"][name] = "0" * 64
    (built.directory / "config.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="it names the file"):
        read_built(built.directory)


def test_a_damaged_description_says_what_to_do(source: dict[str, Path], tmp_path: Path) -> None:
    built = build(source, tmp_path / "model")
    content = json.loads((built.directory / "config.json").read_text())
    del content["whisper"]["tokens"]
    (built.directory / "config.json").write_text(json.dumps(content))
    with pytest.raises(ModelError, match="build it again"):
        read_built(built.directory)


def test_the_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEAM_AUDIO_CACHE", str(tmp_path))
    directory = cache_directory("../odd name", "float32", "0123456789abcdef")
    assert directory.parent == tmp_path / "models"
    assert directory.name == "_odd_name-float32-0123456789ab"
    monkeypatch.delenv("BEAM_AUDIO_CACHE")
    assert cache_directory("x", "float32", "0" * 64).is_relative_to(Path.home() / ".cache")


def test_a_cache_below_a_file_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ModelError, match="BEAM_AUDIO_CACHE"),
        scratch_directory(tmp_path / "file" / "models"),
    ):
        pass


def test_a_killed_build_leaves_no_half_made_model(source: dict[str, Path], tmp_path: Path) -> None:
    """The process is killed when the graphs are on disk, but not yet their ``config.json``."""
    program = (
        "import sys, json, time; from pathlib import Path; from beam_audio.models import build\n"
        "from beam_audio.models.weight_files import WeightFiles\n"
        "files = {p.name: p for p in Path(sys.argv[1]).iterdir()}\n"
        "build.file_sha256 = lambda path: time.sleep(60)\n"
        "build.build_whisper('x', WeightFiles('huggingface', files, {}),\n"
        "                    precision='float32', padding='full', target=Path(sys.argv[2]))\n"
    )
    target = tmp_path / "model"
    directory = str(next(iter(source.values())).parent)
    process = subprocess.Popen([sys.executable, "-c", program, directory, str(target)])
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".building-*/tokenizer.json")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert not target.exists()
    check_built(build(source, target))
