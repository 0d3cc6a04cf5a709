"""Small classifiers of ``transformers`` with random weights as ONNX, and what its pipelines give.

A program for an environment with torch and transformers: ``python transformers_exports.py FOLDER``.
FOLDER holds ``clips.npz`` with ``short`` and ``long`` (16 kHz) and ``wide`` (48 kHz), and gets a
folder for each architecture and ``expected.json``: the pipelines' labels and scores, by
architecture and clip.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers.pipelines import pipeline

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
WAVE: dict[str, Any] = {
    **SIZES,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "classifier_proj_size": 8,
}
LABELS = {place: f"sound {place}" for place in range(7)}
CANDIDATES = ["a dog", "rain on a roof", "Music"]
TEMPLATE = "One hears {}."


class Part(torch.nn.Module):  # type: ignore[misc] # torch is not here
    """A network that gives one tensor, as exports do."""

    def __init__(self, model: Any, output: str) -> None:
        super().__init__()
        self.model, self.output = model, output

    def forward(self, *inputs: Any) -> Any:
        names = [name for name, _ in self.model.given]
        return getattr(self.model(**dict(zip(names, inputs, strict=True))), self.output)


def main() -> None:
    folder = Path(sys.argv[1])
    clips = dict(np.load(folder / "clips.npz"))
    torch.manual_seed(1)
    expected = {
        "wav2vec2": trained(
            folder / "wav2vec2",
            transformers.Wav2Vec2ForSequenceClassification(
                transformers.Wav2Vec2Config(**WAVE, id2label=LABELS)
            ),
            transformers.Wav2Vec2FeatureExtractor(do_normalize=True),
            clips,
        ),
        "hubert": trained(
            folder / "hubert",
            transformers.HubertForSequenceClassification(
                transformers.HubertConfig(**WAVE, id2label=LABELS)
            ),
            transformers.Wav2Vec2FeatureExtractor(do_normalize=False),
            clips,
        ),
        "ast": trained(
            folder / "ast",
            transformers.ASTForAudioClassification(
                transformers.ASTConfig(
                    **SIZES,
                    id2label=LABELS,
                    max_length=256,
                    problem_type="multi_label_classification",
                )
            ),
            transformers.ASTFeatureExtractor(max_length=256),
            clips,
        ),
        "clap": zero_shot(folder / "clap", "rand_trunc", clips),
        "clap-fusion": zero_shot(folder / "clap-fusion", "fusion", clips),
    }
    (folder / "expected.json").write_text(json.dumps(expected))


def trained(folder: Path, model: Any, extractor: Any, clips: dict[str, Any]) -> dict[str, Any]:
    """Export a model with labels; what its pipeline gives."""
    model.eval()
    scale_up(model)
    model.config.save_pretrained(folder)
    extractor.save_pretrained(folder)
    given = extractor(clips["short"], sampling_rate=16_000, return_tensors="pt")
    export(folder / "model.onnx", model, {"input_values": given["input_values"]}, "logits")
    classify = pipeline("audio-classification", model=model, feature_extractor=extractor)
    return {name: classify(clips[name].copy()) for name in ("short", "long")}


def zero_shot(folder: Path, truncation: str, clips: dict[str, Any]) -> dict[str, Any]:
    """Export the two halves of a CLAP; what its pipeline gives."""
    has_fusion = truncation == "fusion"
    config = transformers.ClapConfig(
        text_config={**SIZES, "vocab_size": 300, "max_position_embeddings": 40},
        audio_config={
            "spec_size": 256,
            "hidden_size": 64,
            "patch_embeds_hidden_size": 8,
            "depths": [1, 1, 1, 1],
            "num_attention_heads": [1, 1, 1, 1],
            "enable_fusion": has_fusion,
            "fusion_type": "aff_2d" if has_fusion else None,
            "enable_patch_layer_norm": True,
        },
        projection_dim=16,
    )
    model = transformers.ClapModel(config).eval()
    scale_up(model)
    extractor = transformers.ClapFeatureExtractor(truncation=truncation)
    tokenizer = byte_tokenizer()
    for each in (model.config, extractor, tokenizer):
        each.save_pretrained(folder)
    texts = dict(tokenizer(["a", "a b"], padding=True, return_tensors="pt"))
    text = transformers.ClapTextModelWithProjection(config.text_config).eval()
    text.load_state_dict(model.state_dict(), strict=False)
    export(folder / "text_model.onnx", text, texts, "text_embeds")
    audio = transformers.ClapAudioModelWithProjection(config.audio_config).eval()
    audio.load_state_dict(model.state_dict(), strict=False)
    sounds = dict(extractor(clips["wide"], sampling_rate=48_000, return_tensors="pt"))
    export(folder / "audio_model.onnx", audio, sounds, "audio_embeds")
    classify = pipeline(
        "zero-shot-audio-classification",
        model=model,
        feature_extractor=extractor,
        tokenizer=tokenizer,
    )
    return {
        "wide": classify(
            clips["wide"].copy(), candidate_labels=CANDIDATES, hypothesis_template=TEMPLATE
        )
    }


def byte_tokenizer() -> Any:
    """A tokenizer of RoBERTa's kind that knows bytes alone."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    words = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    vocabulary = {word: place for place, word in enumerate(words)}
    fast = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    fast.decoder = decoders.ByteLevel()
    fast.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=fast, bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )


def scale_up(model: Any) -> None:
    """Make weights so large that different clips have different scores."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1 and "conv" not in name:
                weight.mul_(8.0)


def export(file: Path, model: Any, given: dict[str, Any], output: str) -> None:
    """Write a model as ONNX that takes inputs of any length."""
    model.given = [*given.items()]
    lengths = {
        name: {axis: f"{name}_{axis}" for axis in range(value.dim()) if axis < 2}
        for name, value in given.items()
        if name not in {"input_features", "is_longer"}
    }
    torch.onnx.export(
        Part(model, output).eval(),
        tuple(given.values()),
        str(file),
        input_names=[*given],
        output_names=[output],
        dynamic_axes=lengths,
        dynamo=False,
        opset_version=17,
    )


if __name__ == "__main__":
    main()
