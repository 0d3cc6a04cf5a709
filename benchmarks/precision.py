"""Accuracy of each number type and padding, alone and in batches, in one table.

English clips of at most 30 s: how many texts are those of float32 with full padding, the corpus
word error rate over the clips with a reference, and how many clips give the same tokens alone, in
batches of 4 and of 8, and in shuffled batches of 8.

    python benchmarks/precision.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import TYPE_CHECKING

from exactness import is_english_clip
from reference import Clip, markdown_table, read_clips, word_errors

from beam_audio.asr import PADDINGS, ModelOptions, Request, load_model
from beam_audio.models.whisper.transformer import PRECISIONS

if TYPE_CHECKING:
    from beam_audio.asr import Recognizer
    from beam_audio.types import Transcript

MODELS = ("whisper-tiny.en", "whisper-base")
BATCH = 8
SHUFFLE_SEED = 3


def transcribe(recognizer: Recognizer, clips: list[Clip], batch: int) -> list[Transcript]:
    """Transcripts of the clips in batches."""
    found = []
    for start in range(0, len(clips), batch):
        part = clips[start : start + batch]
        found += recognizer.transcribe([Request(clip.samples, "en") for clip in part])
    return found


def unchanged_by_batches(recognizer: Recognizer, clips: list[Clip], alone: list[Transcript]) -> int:
    """Clips whose tokens are the same in every batch."""
    order = list(range(len(clips)))
    random.Random(SHUFFLE_SEED).shuffle(order)
    shuffled = transcribe(recognizer, [clips[place] for place in order], BATCH)
    back = [shuffled[order.index(place)] for place in range(len(clips))]
    others = [transcribe(recognizer, clips, 4), transcribe(recognizer, clips, BATCH), back]
    return sum(
        all(other[place].token_ids == alone[place].token_ids for other in others)
        for place in range(len(clips))
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="take every Nth clip only")
    parser.add_argument("--no-batches", action="store_true", help="leave out the last column")
    arguments = parser.parse_args()
    clips = read_clips(arguments.data, is_english_clip)[:: arguments.every]
    spoken = [place for place, clip in enumerate(clips) if clip.text]
    rows: list[tuple[object, ...]] = []
    for model in arguments.models.split(","):
        first: tuple[list[Transcript], float] | None = None
        for precision in arguments.precisions.split(","):
            for padding in PADDINGS:
                options = ModelOptions(
                    precision=precision,
                    padding=padding,
                    provider="cpu",
                    threads=arguments.threads,
                )
                recognizer = load_model(model, options)
                found = transcribe(recognizer, clips, 1)
                errors, words = word_errors(
                    [clips[place] for place in spoken], [found[place].text for place in spoken]
                )
                rate = 100 * errors / words
                first = first or (found, rate)
                same = sum(a.text == b.text for a, b in zip(found, first[0], strict=True))
                steady = (
                    "" if arguments.no_batches else unchanged_by_batches(recognizer, clips, found)
                )
                figures = (f"{rate:.2f} %", f"{rate - first[1]:+.2f}", steady)
                rows.append((model, precision, padding, len(clips), same, *figures))
                print(*rows[-1], flush=True)
    header = ("model", "precision", "padding", "clips", "same text", "WER", "points", "in batches")
    print(markdown_table(header, rows))


if __name__ == "__main__":
    main()
