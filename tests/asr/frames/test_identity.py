from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.random_ctc import random_ctc, write_ctc
from support.random_transducer import random_transducer, write_transducer

from beam_audio.asr.frames.identity import identify
from beam_audio.errors import ModelError
from beam_audio.models.layout import recognise_layout

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr.recognizer import ModelFacts


def identity(directory: Path) -> ModelFacts:
    return identify(recognise_layout(directory))


def test_the_name_holds_directory_precision_and_family(tmp_path: Path) -> None:
    write_transducer(tmp_path / "parakeet", random_transducer(), durations=False)
    found = identity(tmp_path / "parakeet")
    assert found.model_id == "parakeet/float32/nemo-rnnt"
    assert (found.sample_rate_hz, found.max_seconds) == (16_000, 30.0)
    assert found.languages == frozenset()


def test_the_hash_depends_on_the_content_not_on_its_place(tmp_path: Path) -> None:
    write_ctc(tmp_path / "a", random_ctc(), masked=True)
    write_ctc(tmp_path / "b", random_ctc(), masked=True)
    before = identity(tmp_path / "a").model_sha256
    assert identity(tmp_path / "b").model_sha256 == before
    (tmp_path / "a" / "README.md").write_text("of no effect")
    assert identity(tmp_path / "a").model_sha256 == before


@pytest.mark.parametrize(
    "name", ["model.onnx", "vocab.json", "config.json", "tokenizer_config.json"]
)
def test_every_file_of_effect_is_hashed(tmp_path: Path, name: str) -> None:
    write_ctc(tmp_path, random_ctc(), masked=True)
    (tmp_path / "tokenizer_config.json").write_text("{}")
    before = identity(tmp_path).model_sha256
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content + b" ")
    assert identity(tmp_path).model_sha256 != before


def test_a_rate_that_is_no_number_is_refused(tmp_path: Path) -> None:
    write_ctc(tmp_path, random_ctc(), masked=True)
    path = tmp_path / "preprocessor_config.json"
    path.write_text(json.dumps({"sampling_rate": 8000}))
    assert identity(tmp_path).sample_rate_hz == 8000
    path.write_text(json.dumps({"sampling_rate": "high"}))
    with pytest.raises(ModelError, match="sampling_rate 'high' is not a positive integer"):
        identity(tmp_path)
