"""What the Whisper runtime needs of a checkpoint besides its weights: sizes and tokens."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beam_audio.errors import ModelError, raise_machine_error

if TYPE_CHECKING:
    from pathlib import Path

_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")
_FIRST_MULTILINGUAL_VOCABULARY = 51865  # English-only checkpoints have one token less


@dataclass(frozen=True, slots=True)
class WhisperDimensions:
    """Sizes of the network.

    Attributes:
        mel_bands: Rows of the log-mel input: 80, or 128 from large-v3 on.
        width: Size of the hidden state.
        audio_positions: Encoder frames of a 30 s window, 1500.
        text_positions: Longest sequence of prompt and text tokens, 448.
        encoder_layers: Number of encoder layers.
        encoder_heads: Attention heads of each of them.
        decoder_layers: Number of decoder layers.
        decoder_heads: Attention heads of each of them.
        vocabulary: Number of tokens.
    """

    mel_bands: int
    width: int
    audio_positions: int
    text_positions: int
    encoder_layers: int
    encoder_heads: int
    decoder_layers: int
    decoder_heads: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class WhisperTokens:
    """Ids of the special tokens.

    Attributes:
        start: Start of transcript.
        end: End of text.
        transcribe: Mode token of a transcript.
        translate: Mode token of a translation.
        previous: Start of the previous context, where a prompt goes.
        no_speech: Its probability right after ``start`` is the probability of silence.
        no_timestamps: Requests plain text.
        languages: Language code -> token.
        suppress: Never produced.
        suppress_first: Not produced as the first token.
    """

    start: int
    end: int
    transcribe: int
    translate: int
    previous: int
    no_speech: int
    no_timestamps: int
    languages: dict[str, int]
    suppress: tuple[int, ...]
    suppress_first: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WhisperConfig:
    """Sizes and tokens of one checkpoint.

    Attributes:
        dimensions: Sizes of the network.
        tokens: Ids of the special tokens.
        alignment_heads: (decoder layer, head) of each head whose attention follows time.
    """

    dimensions: WhisperDimensions
    tokens: WhisperTokens
    alignment_heads: tuple[tuple[int, int], ...]

    @property
    def multilingual(self) -> bool:
        """Whether the model takes language and mode tokens."""
        return self.dimensions.vocabulary >= _FIRST_MULTILINGUAL_VOCABULARY

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes of the languages the model transcribes."""
        return tuple(self.tokens.languages) if self.multilingual else ("en",)

    @staticmethod
    def from_json(content: dict[str, Any]) -> WhisperConfig:
        """Inverse of ``dataclasses.asdict``, from parsed JSON."""
        tokens = dict(content["tokens"])
        for name in ("suppress", "suppress_first"):
            tokens[name] = tuple(tokens[name])
        return WhisperConfig(
            dimensions=WhisperDimensions(**content["dimensions"]),
            tokens=WhisperTokens(**tokens),
            alignment_heads=tuple((layer, head) for layer, head in content["alignment_heads"]),
        )


def read_json(path: Path) -> dict[str, Any]:
    """Content of a JSON file that holds an object.

    Raises:
        ModelError: The file is missing or malformed.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise_machine_error(error, f"cannot read {path}")
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} does not hold a JSON object")
    return content


def read_tokens(
    tokenizer: Path, suppress: tuple[int, ...], suppress_first: tuple[int, ...]
) -> WhisperTokens:
    """Look the special tokens up in a ``tokenizer.json``.

    Raises:
        ModelError: A token Whisper needs is missing.
    """
    content = read_json(tokenizer)
    try:
        ids = {entry["content"]: int(entry["id"]) for entry in content["added_tokens"]}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{tokenizer} has no list of added tokens") from error

    def token(*names: str) -> int:
        for name in names:
            if name in ids:
                return ids[name]
        raise ModelError(f"{tokenizer} has no token {names[0]}: it is not Whisper's")

    start, translate = token("<|startoftranscript|>"), token("<|translate|>")
    between = sorted((at, name) for name, at in ids.items() if start < at < translate)
    languages = {match[1]: at for at, name in between if (match := _LANGUAGE.fullmatch(name))}
    return WhisperTokens(
        start=start,
        end=token("<|endoftext|>"),
        transcribe=token("<|transcribe|>"),
        translate=translate,
        previous=token("<|startofprev|>"),
        no_speech=token("<|nospeech|>", "<|nocaptions|>"),
        no_timestamps=token("<|notimestamps|>"),
        languages=languages,
        suppress=suppress,
        suppress_first=suppress_first,
    )
