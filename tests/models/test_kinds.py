from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.model_folders import RNNT, TDT, WHISPER, write_directory

from beam_audio.models.kinds import KINDS
from beam_audio.models.layout import recognise_layout

if TYPE_CHECKING:
    from pathlib import Path

GIGAAM_RNNT = "{0}_rnnt_encoder.onnx {0}_rnnt_decoder.onnx {0}_rnnt_joint.onnx"
T_ONE = {"encoder_params": {}, "decoder_params": {"vocabulary": ["a"]}}

# The names under which these models are published, and what each directory is.
PUBLISHED: list[tuple[str, str, dict[str, Any] | None]] = [
    ("whisper-ctranslate2", "model.bin tokenizer.json vocabulary.txt", {}),
    ("whisper-huggingface", "model.safetensors tokenizer.json vocab.json", WHISPER),
    (
        "whisper-huggingface",
        "model.safetensors.index.json model-1.safetensors tokenizer.json encoder_model.onnx",
        WHISPER,
    ),
    (
        "whisper-optimum",
        "encoder_model.onnx decoder_model.onnx decoder_with_past_model.onnx tokenizer.json",
        WHISPER,
    ),
    (
        "whisper-optimum",
        "onnx/encoder_model.onnx onnx/decoder_model_merged.onnx tokenizer.json vocab.json",
        WHISPER,
    ),
    ("nemo-tdt", "encoder-model.onnx decoder_joint-model.onnx vocab.txt", TDT),
    ("nemo-rnnt", "encoder-model.onnx decoder_joint-model.onnx vocab.txt model.onnx", RNNT),
    ("nemo-ctc", "model.onnx vocab.txt", None),
    (
        "gigaam-rnnt",
        "v2_rnnt_encoder.onnx v2_rnnt_decoder.onnx v2_rnnt_joint.onnx v2_vocab.txt",
        {},
    ),
    (
        "gigaam-e2e-rnnt",
        GIGAAM_RNNT.format("v3_e2e") + " v3_e2e_rnnt_vocab.txt v3_ctc.onnx v3_vocab.txt",
        {"version": "v3"},
    ),
    ("gigaam-ctc", "v2_ctc.onnx v2_vocab.txt", None),
    ("gigaam-e2e-ctc", "v3_e2e_ctc.onnx v3_e2e_ctc_vocab.txt", {"version": "v3"}),
    ("gigaam-multilingual-ctc", "multilingual_large_ctc.onnx multilingual_vocab.txt", None),
    (
        "kaldi-transducer",
        "am-onnx/encoder.onnx am-onnx/decoder.onnx am-onnx/joiner.onnx lang/tokens.txt",
        None,
    ),
    ("t-one-ctc", "model.onnx vocab.json", T_ONE),
    ("wav2vec2-ctc", "model.onnx vocab.json tokenizer_config.json", {"model_type": "wav2vec2"}),
    ("wav2vec2-ctc", "onnx/model.onnx vocab.json", {"model_type": "hubert"}),
]


@pytest.mark.parametrize(("family", "names", "config"), PUBLISHED)
def test_published_file_names_show_the_family(
    tmp_path: Path, family: str, names: str, config: dict[str, Any] | None
) -> None:
    layout = recognise_layout(write_directory(tmp_path, names, config))
    assert layout.family == family
    assert layout.precision == "float32"
    assert layout.is_whisper == (config == WHISPER or "model.bin" in names)
    present = {tmp_path / name for name in [*names.split(), "config.json"]}
    assert set(layout.files.values()) <= present


def test_every_kind_is_published_in_some_way() -> None:
    assert {kind.family for kind in KINDS} | {"nemo-rnnt"} == {family for family, _, _ in PUBLISHED}


@pytest.mark.parametrize("parts", [None, 3, [], "vocabulary"])
def test_settings_that_are_no_tables_are_not_those_of_t_one(parts: object) -> None:
    t_one = next(kind for kind in KINDS if kind.family == "t-one-ctc")
    assert t_one.fits({"encoder_params": {}, "decoder_params": {"vocabulary": []}})
    assert not t_one.fits({"encoder_params": {}, "decoder_params": parts})
