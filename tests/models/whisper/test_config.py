from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from support.installed_models import TINY_EN, needs_tiny_en
from support.random_whisper import (
    END,
    LANGUAGES,
    NO_TIMESTAMPS,
    START,
    SUPPRESSED,
    SUPPRESSED_FIRST,
    Shape,
    random_weights,
    write_huggingface,
    write_tokenizer,
)

from beam_audio.errors import ModelError
from beam_audio.models.resolve import ensure_built
from beam_audio.models.whisper.checkpoint import read_huggingface_whisper
from beam_audio.models.whisper.config import WhisperConfig, read_json, read_tokens

if TYPE_CHECKING:
    from pathlib import Path


def test_special_tokens_come_from_the_tokenizer(tmp_path: Path) -> None:
    write_tokenizer(tmp_path / "tokenizer.json")
    tokens = read_tokens(tmp_path / "tokenizer.json", SUPPRESSED, SUPPRESSED_FIRST)
    assert (tokens.start, tokens.end, tokens.no_timestamps) == (START, END, NO_TIMESTAMPS)
    assert tuple(tokens.languages) == LANGUAGES
    assert tokens.languages["en"] == START + 1
    assert tokens.suppress == SUPPRESSED


def test_a_tokenizer_that_is_not_whispers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"added_tokens": [{"id": 1, "content": "[CLS]"}]}))
    with pytest.raises(ModelError, match=r"has no token <\|startoftranscript\|>"):
        read_tokens(path, (), ())


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"a":' * 100_000])
def test_a_malformed_file_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        read_json(tmp_path / "config.json")
    with pytest.raises(ModelError, match=r"absent\.json"):
        read_json(tmp_path / "absent.json")


def test_configuration_survives_json(tmp_path: Path) -> None:
    shape = Shape(width=8, encoder_layers=1, decoder_layers=1)
    write_huggingface(tmp_path, random_weights(shape), shape)
    config = read_huggingface_whisper({path.name: path for path in tmp_path.iterdir()}).config
    assert WhisperConfig.from_json(json.loads(json.dumps(asdict(config)))) == config
    assert config.languages == LANGUAGES


@needs_tiny_en
def test_an_english_only_checkpoint_has_one_language() -> None:
    config = ensure_built(TINY_EN).whisper
    assert not config.multilingual
    assert config.languages == ("en",)
