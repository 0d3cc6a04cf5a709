"""Tokens of our float32 graphs against those of ctranslate2 in float32, in one table.

Both hear the same log-mel features of every English clip of at most 30 s, with the same prompt,
the same suppressed tokens and the same length limit, and decode greedily; ours without safeguards.
Below the table: how far features computed by the graph for devices are from those of the CPU.

    python benchmarks/exactness.py --data ../shared/data
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ctranslate2
import numpy as np
import onnxruntime
from reference import Clip, ctranslate2_directory, markdown_table, read_clips

from beam_audio.asr import ModelOptions, Request, load_model
from beam_audio.asr.whisper.log_mel import FRAMES, log_mel, padded_samples
from beam_audio.models.resolve import ensure_built

if TYPE_CHECKING:
    from beam_audio.models.whisper.config import WhisperConfig

MODELS = ("whisper-tiny.en", "whisper-base")
LONGEST_SECONDS = 30.0
MEL_BANDS = 80


def is_english_clip(entry: dict[str, Any]) -> bool:
    """Speech in English that decodes and fits one window."""
    return bool(
        entry["kind"] == "speech"
        and entry.get("lang") == "en"
        and entry["decode_ok"]
        and entry["duration"] <= LONGEST_SECONDS
    )


def start_tokens(config: WhisperConfig) -> list[int]:
    """Prompt for English without timestamps."""
    tokens = config.tokens
    task = [tokens.languages["en"], tokens.transcribe] if config.multilingual else []
    return [tokens.start, *task, tokens.no_timestamps]


def reference_tokens(model: str, clips: list[Clip], threads: int) -> list[tuple[int, ...]]:
    """Tokens ctranslate2 gives, without the end token."""
    config = ensure_built(model).whisper
    with ctranslate2_directory(model) as directory:
        whisper = ctranslate2.models.Whisper(
            str(directory), device="cpu", compute_type="float32", intra_threads=threads
        )
    tokens = []
    for clip in clips:
        features = ctranslate2.StorageView.from_array(log_mel(clip.samples, MEL_BANDS)[np.newaxis])
        result = whisper.generate(
            features,
            [start_tokens(config)],
            beam_size=1,
            max_length=config.dimensions.text_positions,
            suppress_blank=True,
            suppress_tokens=[-1],
        )[0]
        found = result.sequences_ids[0]
        tokens.append(tuple(token for token in found if token != config.tokens.end))
    return tokens


def our_tokens(
    model: str, clips: list[Clip], batch: int, threads: int
) -> list[tuple[tuple[int, ...], str]]:
    """Tokens and text we give, the clips taken in batches."""
    options = ModelOptions(
        precision="float32",
        padding="full",
        provider="cpu",
        safeguards=False,
        threads=threads,
    )
    recognizer = load_model(model, options)
    found = []
    for start in range(0, len(clips), batch):
        part = clips[start : start + batch]
        transcripts = recognizer.transcribe([Request(clip.samples, "en") for clip in part])
        found += [(transcript.token_ids, transcript.text) for transcript in transcripts]
    return found


def feature_difference(model: str, clips: list[Clip]) -> float:
    """The largest difference of any feature between the graph for devices and the CPU's code."""
    session = onnxruntime.InferenceSession(
        ensure_built(model).directory / "log_mel.onnx", providers=["CPUExecutionProvider"]
    )
    largest = 0.0
    for clip in clips:
        (found,) = session.run(None, {"samples": padded_samples([clip.samples], FRAMES)})
        difference = np.abs(found[0] - log_mel(clip.samples, MEL_BANDS)).max()
        largest = max(largest, float(difference))
    return largest


def main() -> None:
    """Print the table, and the clips that differ below it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--batch", type=int, default=8, help="clips in one of our batches")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    clips = read_clips(arguments.data, is_english_clip)
    rows: list[tuple[object, ...]] = []
    differing = []
    for model in MODELS:
        expected = reference_tokens(model, clips, arguments.threads)
        ours = our_tokens(model, clips, arguments.batch, arguments.threads)
        different = [
            (model, clip.name, text)
            for clip, reference, (tokens, text) in zip(clips, expected, ours, strict=True)
            if tokens != reference
        ]
        same = len(clips) - len(different)
        rows.append((model, len(clips), same, f"{100 * same / len(clips):.1f} %"))
        differing += different
    print(markdown_table(("model", "clips", "identical", "share"), rows))
    for model, name, text in differing:
        print(f"\n- {model} differs on {name}; ours: {text}")
    print(f"\nfeatures differ by at most {feature_difference(MODELS[0], clips):.1e}")


if __name__ == "__main__":
    main()
