"""Word error rates and language detection beside faster-whisper's, in one table.

Corpus word error rate over the English LibriSpeech, LJSpeech and LibriVox clips, cut into windows
of 30 s that are transcribed on their own. Both tools run in float32 with beam 1 and no fallbacks,
each with its own features. A line below the table says how often whisper-base detects the language
of clips that are not English and at least 2 s long.

    python benchmarks/accuracy.py --data ../shared/data
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faster_whisper import WhisperModel
from reference import Clip, ctranslate2_directory, markdown_table, read_clips, word_errors

from beam_audio.asr import ModelOptions, Request, load_model

if TYPE_CHECKING:
    from beam_audio.asr import Recognizer

MODELS = ("whisper-tiny.en", "whisper-base")
FOLDERS = ("librispeech", "ljspeech", "librivox_short")
SHORTEST_LANGUAGE_SECONDS = 2.0


def is_read_english(entry: dict[str, Any]) -> bool:
    """Read English speech with a reference."""
    folder = entry["audio_filepath"].partition("/")[0]
    return bool(folder in FOLDERS and entry.get("lang") == "en" and entry.get("text"))


def is_foreign(entry: dict[str, Any]) -> bool:
    """Speech in another language, long enough to tell which."""
    return bool(
        entry["kind"] == "speech"
        and entry["decode_ok"]
        and entry.get("lang") not in {None, "en"}
        and entry["duration"] >= SHORTEST_LANGUAGE_SECONDS
    )


def our_texts(recognizer: Recognizer, clips: list[Clip], batch: int) -> list[str]:
    """Text of each clip, its windows joined."""
    windows = [(place, part) for place, clip in enumerate(clips) for part in clip.windows()]
    texts: list[list[str]] = [[] for _ in clips]
    for start in range(0, len(windows), batch):
        places, parts = zip(*windows[start : start + batch], strict=True)
        found = recognizer.transcribe([Request(part, "en") for part in parts])
        for place, transcript in zip(places, found, strict=True):
            texts[place].append(transcript.text)
    return [" ".join(parts) for parts in texts]


def reference_texts(model: str, clips: list[Clip], threads: int) -> list[str]:
    """faster-whisper's text of each clip, its windows joined."""
    with ctranslate2_directory(model) as directory:
        whisper = WhisperModel(
            str(directory), device="cpu", compute_type="float32", cpu_threads=threads
        )
    texts = []
    for clip in clips:
        parts = []
        for window in clip.windows():
            segments, _ = whisper.transcribe(
                window,
                language="en",
                beam_size=1,
                temperature=0.0,
                without_timestamps=True,
                condition_on_previous_text=False,
                vad_filter=False,
                no_speech_threshold=None,
                log_prob_threshold=None,
                compression_ratio_threshold=None,
            )
            parts += [segment.text.strip() for segment in segments]
        texts.append(" ".join(parts))
    return texts


def language_row(clips: list[Clip], batch: int, threads: int) -> tuple[tuple[object, ...], str]:
    """Share of clips whose language is detected correctly, and the other clips."""
    recognizer = load_model("whisper-base", ModelOptions(provider="cpu", threads=threads))
    wrong = []
    for start in range(0, len(clips), batch):
        part = clips[start : start + batch]
        found = recognizer.transcribe([Request(clip.windows()[0]) for clip in part])
        wrong += [
            f"{clip.name}: {clip.language} taken for {transcript.language}"
            for clip, transcript in zip(part, found, strict=True)
            if transcript.language != clip.language
        ]
    share = 100 * (1 - len(wrong) / len(clips))
    row = ("whisper-base", "language right", len(clips), f"{share:.1f} %", "", "")
    return row, "\n".join(f"- {line}" for line in wrong)


def main() -> None:
    """Print the table, and below it the clips with a wrong language."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--batch", type=int, default=8, help="windows in one of our batches")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    clips = read_clips(arguments.data, is_read_english)
    rows: list[tuple[object, ...]] = []
    for model in MODELS:
        recognizer = load_model(model, ModelOptions(provider="cpu", threads=arguments.threads))
        ours, words = word_errors(clips, our_texts(recognizer, clips, arguments.batch))
        theirs, _ = word_errors(clips, reference_texts(model, clips, arguments.threads))
        shares = (100 * ours / words, 100 * theirs / words, 100 * (ours - theirs) / words)
        figures = (f"{shares[0]:.2f} %", f"{shares[1]:.2f} %", f"{shares[2]:+.2f}")
        rows.append((model, f"WER, {words} words", len(clips), *figures))
    foreign = read_clips(arguments.data, is_foreign)
    row, wrong = language_row(foreign, arguments.batch, arguments.threads)
    header = ("model", "measure", "clips", "ours", "faster-whisper", "points above")
    print(markdown_table(header, [*rows, row]))
    print(f"\n{wrong}" if wrong else "\nNo language was named wrong.")


if __name__ == "__main__":
    main()
