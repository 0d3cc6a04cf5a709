from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from onnx import TensorProto, helper
from support.model_folders import RNNT, TDT, WHISPER, write_directory

from beam_audio.errors import ModelError
from beam_audio.models.layout import recognise_layout

if TYPE_CHECKING:
    from pathlib import Path

TRANSDUCER = "encoder-model{0}.onnx decoder_joint-model{0}.onnx vocab.txt"


def write_joint(path: Path, outputs: int | str) -> None:
    """A graph that declares its last dimension and does nothing else."""
    shape = ["B", "T", "U", outputs]
    value = helper.make_tensor_value_info("outputs", TensorProto.FLOAT, shape)
    given = helper.make_tensor_value_info("encoder_outputs", TensorProto.FLOAT, shape)
    node = helper.make_node("Identity", ["encoder_outputs"], ["outputs"])
    graph = helper.make_graph([node], "joint", [given], [value])
    path.write_bytes(helper.make_model(graph).SerializeToString())


@pytest.mark.parametrize(("outputs", "family"), [(4, "nemo-rnnt"), (9, "nemo-tdt")])
def test_durations_after_the_tokens_make_a_tdt(tmp_path: Path, outputs: int, family: str) -> None:
    write_directory(tmp_path, TRANSDUCER.format(""))
    (tmp_path / "vocab.txt").write_text("a 0\nb 1\n\N{LOWER ONE EIGHTH BLOCK}c 2\n<blk> 3\n")
    write_joint(tmp_path / "decoder_joint-model.onnx", outputs)
    assert recognise_layout(tmp_path).family == family


def test_what_the_configuration_says_goes_first(tmp_path: Path) -> None:
    write_directory(tmp_path, TRANSDUCER.format(""), RNNT)
    (tmp_path / "vocab.txt").write_text("a 0\n<blk> 1\n")
    write_joint(tmp_path / "decoder_joint-model.onnx", 7)
    assert recognise_layout(tmp_path).family == "nemo-rnnt"


def test_a_transducer_of_unknown_kind_says_what_to_add(tmp_path: Path) -> None:
    write_directory(tmp_path, TRANSDUCER.format(""))
    (tmp_path / "vocab.txt").write_text("a 0\n<blk> 1\n")
    write_joint(tmp_path / "decoder_joint-model.onnx", "free")
    with pytest.raises(ModelError, match=r"model_type.*nemo-conformer-tdt"):
        recognise_layout(tmp_path)
    (tmp_path / "decoder_joint-model.onnx").write_bytes(b"\xff no graph")
    with pytest.raises(ModelError, match=r"decoder_joint-model\.onnx is not an ONNX file"):
        recognise_layout(tmp_path)


def test_precision_shows_in_file_names(tmp_path: Path) -> None:
    write_directory(tmp_path, TRANSDUCER.format(".int8"), TDT)
    layout = recognise_layout(tmp_path)
    assert (layout.precision, layout.suffix) == ("int8", "int8")
    write_directory(tmp_path, TRANSDUCER.format(""))
    layout = recognise_layout(tmp_path)
    assert (layout.precision, layout.suffix) == ("float32", "")
    assert layout.files["encoder"] == tmp_path / "encoder-model.onnx"
    layout = recognise_layout(tmp_path, "int8")
    assert layout.files["encoder"] == tmp_path / "encoder-model.int8.onnx"
    write_directory(tmp_path, TRANSDUCER.format("_fp16"))
    layout = recognise_layout(tmp_path, "float16")
    assert (layout.precision, layout.suffix) == ("float16", "fp16")


def test_a_missing_precision_is_refused(tmp_path: Path) -> None:
    write_directory(tmp_path, TRANSDUCER.format(""), TDT)
    with pytest.raises(ModelError, match=r"in int4: .*lacks encoder-model\.int4\.onnx"):
        recognise_layout(tmp_path, "int4")


@pytest.mark.parametrize(
    ("names", "lacking"),
    [
        ("encoder-model.onnx vocab.txt", r"NeMo transducer lacks decoder_joint-model\.onnx"),
        ("model.onnx", r"NeMo CTC lacks vocab\.txt.*wav2vec2 kind lacks vocab\.json"),
        ("model.bin tokenizer.json", r"CTranslate2 Whisper lacks config\.json"),
        ("am/encoder.onnx am/decoder.onnx lang/tokens.txt", r"transducer lacks \*/joiner\.onnx"),
        ("v2_ctc.onnx", r"GigaAM CTC lacks v\?_vocab\.txt"),
        ("nothing.txt", r"holds nothing\.txt, which is not a known model: known models are: "),
        ("", "holds nothing, which"),
    ],
)
def test_near_misses_say_what_is_missing(tmp_path: Path, names: str, lacking: str) -> None:
    with pytest.raises(ModelError, match=lacking):
        recognise_layout(write_directory(tmp_path, names))


def test_the_configuration_of_another_model_is_named(tmp_path: Path) -> None:
    write_directory(tmp_path, "model.safetensors tokenizer.json", {"model_type": "moonshine"})
    with pytest.raises(ModelError, match=r"'moonshine'.*Face Whisper does not fit its config"):
        recognise_layout(tmp_path)


def test_two_files_for_one_part_are_refused(tmp_path: Path) -> None:
    write_directory(tmp_path, "v2_ctc.onnx v3_ctc.onnx v2_vocab.txt")
    with pytest.raises(
        ModelError, match=r"v2_ctc\.onnx, v3_ctc\.onnx, but a model has one such file"
    ):
        recognise_layout(tmp_path)


def test_gigaam_files_and_configuration_must_agree(tmp_path: Path) -> None:
    write_directory(tmp_path, "v3_ctc.onnx v3_vocab.txt")
    with pytest.raises(ModelError, match=r'has version v3.*"version": "v3"'):
        recognise_layout(tmp_path)


def test_a_damaged_configuration_is_named(tmp_path: Path) -> None:
    write_directory(tmp_path, "model.onnx vocab.txt")
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json is not valid JSON"):
        recognise_layout(tmp_path)


def test_a_built_directory_is_recognised_by_its_format(tmp_path: Path) -> None:
    write_directory(tmp_path, "encoder.onnx decoder.onnx tokenizer.json")
    (tmp_path / "config.json").write_text(json.dumps({"format": "beam_audio/1"} | WHISPER))
    assert recognise_layout(tmp_path).family == "whisper-built"
