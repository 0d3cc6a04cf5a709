"""Long recordings: segments recognised one by one, against the passages of the pipeline.

One recording is joined from the English clips; another, for models of many languages, from clips in
English and in other languages in turn, so that neighbours never share a language. The model is not
given the language.

    python benchmarks/longform.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jiwer
import numpy as np
from corpus import PAUSE_SECONDS, WINDOW_SECONDS, Recording, english_recordings
from cuts import Cut, hear
from reference import RATE_HZ, markdown_table, read_clips, word_errors
from whisper_normalizer.basic import BasicTextNormalizer

from beam_audio import Audio, split
from beam_audio.asr import PADDINGS, ModelOptions, load_model

if TYPE_CHECKING:
    from reference import Clip

    from beam_audio.asr import Recognizer
    from beam_audio.types import Segment, Transcript

MODELS = "whisper-tiny.en,whisper-base"
CLIP_SECONDS = (2.0, 20.0)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--models", default=MODELS)
    parser.add_argument("--precision")
    parser.add_argument("--padding", choices=PADDINGS)
    parser.add_argument("--batch", type=int, default=8, help="windows of 30 s in a batch")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="take every Nth English clip only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        english = english_recordings(arguments.data, Path(name), joined_every=arguments.every)[0]
    clips = in_turn(read_clips(arguments.data, is_wanted))
    rows: list[tuple[object, ...]] = []
    mixed_rows: list[tuple[object, ...]] = []
    for model in arguments.models.split(","):
        recognizer = load_model(
            model,
            ModelOptions(
                precision=arguments.precision,
                padding=arguments.padding,
                provider="cpu",
                threads=arguments.threads,
            ),
        )
        for alone in (True, False):
            how = recognizer.facts.model_id, "alone" if alone else "in passages"
            rows.append((*how, *english_figures(recognizer, english, arguments.batch, alone=alone)))
            if len(recognizer.facts.languages) > 1:
                mixed_rows.append(
                    (*how, *mixed_figures(recognizer, clips, arguments.batch, alone=alone))
                )
    print(f"English, {english.seconds / 60:.1f} minutes\n")
    print(markdown_table(("model", "segments heard", "segments", "WER %", "× real time"), rows))
    print(f"\nLanguages in turn, {len(clips)} clips, language not given\n")
    header = ("model", "segments heard", "segments", "language right", "CER %", "× real time")
    print(markdown_table(header, mixed_rows))


def is_wanted(entry: dict[str, Any]) -> bool:
    """Speech with a reference, neither very short nor long."""
    shortest, longest = CLIP_SECONDS
    return bool(
        entry["kind"] == "speech"
        and entry.get("lang")
        and entry.get("text")
        and entry["decode_ok"]
        and shortest <= entry["duration"] <= longest
        and not entry["audio_filepath"].startswith("formats/")
    )


def in_turn(clips: list[Clip]) -> list[Clip]:
    """English clips and clips in other languages in turn, those sorted by language."""
    english = [clip for clip in clips if clip.language == "en"]
    others = [clip for clip in clips if clip.language != "en"]
    return [clip for pair in zip(english, others, strict=False) for clip in pair]


def run(
    recognizer: Recognizer, audio: Audio, batch: int, *, language: str | None, alone: bool
) -> tuple[list[tuple[Segment, Transcript]], float]:
    """Segments in order with what was heard in them, and × real time, splitting included."""
    start = time.perf_counter()
    cuts = [Cut(one, one.samples) for one in split(audio)]
    budget_seconds = batch * WINDOW_SECONDS
    found = list(
        hear(recognizer, cuts, budget_seconds=budget_seconds, language=language, alone=alone)
    )
    found.sort(key=lambda pair: pair[0].segment_index)
    return found, audio.duration_seconds / (time.perf_counter() - start)


def english_figures(
    recognizer: Recognizer, recording: Recording, batch: int, *, alone: bool
) -> tuple[object, ...]:
    """Segments, WER, speed."""
    audio = Audio(recording.samples, RATE_HZ, "joined")
    found, speed = run(recognizer, audio, batch, language="en", alone=alone)
    errors, words = word_errors([recording], [" ".join(heard.text for _, heard in found)])
    return len(found), f"{100 * errors / words:.2f}", f"{speed:.1f}"


def mixed_figures(
    recognizer: Recognizer, clips: list[Clip], batch: int, *, alone: bool
) -> tuple[object, ...]:
    """Segments, share of them in the right language, CER, speed."""
    pause = np.zeros(round(PAUSE_SECONDS * RATE_HZ), np.float32)
    samples = np.concatenate([piece for clip in clips for piece in (clip.samples, pause)])
    ends = np.cumsum([len(clip.samples) + len(pause) for clip in clips])
    audio = Audio(samples, RATE_HZ, "mixed")
    found, speed = run(recognizer, audio, batch, language=None, alone=alone)
    right = 0
    texts: list[list[str]] = [[] for _ in clips]
    for segment, heard in found:
        middle = (segment.start_sample + segment.end_sample) // 2
        place = int(np.searchsorted(ends, middle, side="right"))
        right += heard.language == clips[place].language
        texts[place].append(heard.text)
    normalize = BasicTextNormalizer()
    references = [normalize(clip.text or "").replace(" ", "") for clip in clips]
    heard_texts = [normalize(" ".join(parts)).replace(" ", "") for parts in texts]
    cer = jiwer.cer(references, heard_texts)
    return len(found), f"{100 * right / len(found):.1f} %", f"{100 * cer:.2f}", f"{speed:.1f}"


if __name__ == "__main__":
    main()
