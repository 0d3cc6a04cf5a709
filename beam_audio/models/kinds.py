"""The known kinds of model directories, each recognised by the names of its files."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Family = Literal[
    "whisper-built",
    "whisper-ctranslate2",
    "whisper-huggingface",
    "whisper-optimum",
    "nemo-tdt",
    "nemo-rnnt",
    "nemo-ctc",
    "gigaam-e2e-rnnt",
    "gigaam-rnnt",
    "gigaam-e2e-ctc",
    "gigaam-ctc",
    "gigaam-multilingual-ctc",
    "kaldi-transducer",
    "t-one-ctc",
    "wav2vec2-ctc",
]

CONFIG_FILE: Final = "config.json"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of directory is recognised.

    Attributes:
        family: The model family; ``nemo-tdt`` may turn out to be ``nemo-rnnt`` later.
        title: Its name in messages.
        files: Role -> file name patterns; the first that matches counts. ``{}`` is replaced with
            the suffix of the precision.
        fits: Whether ``config.json`` allows this kind; several kinds share file names.
    """

    family: Family
    title: str
    files: dict[str, tuple[str, ...]]
    fits: Callable[[dict[str, Any]], bool] = lambda _: True

    @property
    def by_suffix(self) -> bool:
        """Whether the file names state the precision."""
        return any("{}" in pattern for pattern in chain.from_iterable(self.files.values()))


def _is_whisper(config: dict[str, Any]) -> bool:
    return config.get("model_type") == "whisper"


def _is_t_one(config: dict[str, Any]) -> bool:
    decoder, encoder = config.get("decoder_params"), config.get("encoder_params")
    return isinstance(encoder, dict) and isinstance(decoder, dict) and "vocabulary" in decoder


def _is_not_whisper(config: dict[str, Any]) -> bool:
    return not _is_whisper(config) and not _is_t_one(config)


TOKENIZER_ROLES: Final = {"config": (CONFIG_FILE,), "tokenizer": ("tokenizer.json",)}


def _gigaam_rnnt(version: str) -> dict[str, tuple[str, ...]]:
    parts = {part: (f"{version}_rnnt_{part}{{}}.onnx",) for part in ("encoder", "decoder", "joint")}
    vocabularies = {"v3_e2e": "v3_e2e_rnnt_vocab.txt"}
    return {**parts, "vocabulary": (vocabularies.get(version, "v?_vocab.txt"),)}


KINDS: Final = (
    Kind(
        "whisper-ctranslate2",
        "CTranslate2 Whisper",
        {"weights": ("model.bin",), **TOKENIZER_ROLES},
    ),
    Kind(
        "whisper-huggingface",
        "Hugging Face Whisper",
        {"weights": ("model.safetensors.index.json", "model.safetensors"), **TOKENIZER_ROLES},
        _is_whisper,
    ),
    Kind(
        "whisper-optimum",
        "Whisper exported by optimum",
        {
            "encoder": ("encoder_model.onnx", "onnx/encoder_model.onnx"),
            "decoder": (
                *("decoder_model.onnx", "onnx/decoder_model.onnx"),
                *("decoder_model_merged.onnx", "onnx/decoder_model_merged.onnx"),
            ),
            **TOKENIZER_ROLES,
        },
        _is_whisper,
    ),
    Kind(
        "nemo-tdt",
        "NeMo transducer",
        {
            "encoder": ("encoder-model{}.onnx",),
            "decoder_joint": ("decoder_joint-model{}.onnx",),
            "vocabulary": ("vocab.txt",),
        },
    ),
    Kind("nemo-ctc", "NeMo CTC", {"model": ("model{}.onnx",), "vocabulary": ("vocab.txt",)}),
    Kind("gigaam-e2e-rnnt", "GigaAM end-to-end RNN-T", _gigaam_rnnt("v3_e2e")),
    Kind("gigaam-rnnt", "GigaAM RNN-T", _gigaam_rnnt("v?")),
    Kind(
        "gigaam-e2e-ctc",
        "GigaAM end-to-end CTC",
        {"model": ("v3_e2e_ctc{}.onnx",), "vocabulary": ("v3_e2e_ctc_vocab.txt",)},
    ),
    Kind(
        "gigaam-ctc",
        "GigaAM CTC",
        {"model": ("v?_ctc{}.onnx",), "vocabulary": ("v?_vocab.txt",)},
    ),
    Kind(
        "gigaam-multilingual-ctc",
        "GigaAM multilingual CTC",
        {"model": ("multilingual*_ctc{}.onnx",), "vocabulary": ("multilingual_vocab.txt",)},
    ),
    Kind(
        "kaldi-transducer",
        "Kaldi (Vosk) transducer",
        {
            **{part: (f"*/{part}{{}}.onnx",) for part in ("encoder", "decoder", "joiner")},
            "vocabulary": ("*/tokens.txt",),
        },
    ),
    Kind("t-one-ctc", "T-one", {"model": ("model{}.onnx",), "config": (CONFIG_FILE,)}, _is_t_one),
    Kind(
        "wav2vec2-ctc",
        "CTC of the wav2vec2 kind",
        {"model": ("model{}.onnx", "onnx/model{}.onnx"), "vocabulary": ("vocab.json",)},
        _is_not_whisper,
    ),
)
