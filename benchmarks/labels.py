"""How well punctuation moves from what is heard to a bare reference, in one table.

The references of the LJSpeech clips are made bare: small letters, no punctuation. A model hears
each clip alone, and all of them joined as the reader read them. A mark is right if the reference
has the same mark after the same word: ``.``, ``?`` and ``!`` count as stops, ``,`` as commas.

    python benchmarks/labels.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.dataset
import soundfile
from reference import RATE_HZ, markdown_table, read_clips

from beam_audio.quality.normalizers import normalizer_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from reference import Clip

STOPS = frozenset(".?!")
COMMAS = frozenset(",")
_PUNCTUATION = re.compile(r"[^\w\s'-]|(?<!\w)['-]|['-](?!\w)")


def is_of_ljspeech(entry: dict[str, Any]) -> bool:
    """A clip with a reference in sentences."""
    return bool(entry["audio_filepath"].startswith("ljspeech/"))


def bare(text: str) -> str:
    """A text without punctuation, in small letters."""
    return " ".join(_PUNCTUATION.sub(" ", text).lower().split())


def marks(text: str, kind: frozenset[str]) -> list[bool]:
    """Whether each word of a text has such a mark after it."""
    return [bool(kind.intersection(word.rstrip("\"')")[-1:])) for word in text.split()]


def f1(wanted: Sequence[bool], found: Sequence[bool]) -> str:
    """F1 with its counts."""
    both = sum(one and other for one, other in zip(wanted, found, strict=True))
    rate = 2 * both / max(sum(wanted) + sum(found), 1)
    return f"{rate:.2f} ({both} of {sum(wanted)}, {sum(found)} moved)"


def labels(
    recordings: Sequence[tuple[NDArray[np.float32], str]], model: str, folder: Path
) -> list[str]:
    """The label of each recording, from its samples at 16 kHz and its bare reference."""
    lines = []
    for number, (samples, text) in enumerate(recordings):
        file = folder / f"{number:03}.flac"
        soundfile.write(file, samples, RATE_HZ)
        lines.append(json.dumps({"audio_filepath": str(file), "text": text, "lang": "en"}))
    (folder / "lines.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    flags = (f"--manifest={folder}/lines.jsonl", f"--output={folder}/out", f"--model={model}")
    subprocess.run([sys.executable, "-m", "beam_audio", "run", *flags], check=True)
    rows = pyarrow.dataset.dataset(folder / "out" / "segments").to_table().to_pylist()
    rows.sort(key=lambda row: (row["uri"], row["start_seconds"]))
    found: dict[str, list[str]] = {str(folder / f"{n:03}.flac"): [] for n in range(len(recordings))}
    for row in rows:
        found[row["uri"]] += [row["label_text"]] if row["label_text"] else []
    return [" ".join(texts) for texts in found.values()]


def line(name: str, clips: Sequence[Clip], found: str) -> tuple[object, ...]:
    """What became of the marks of all clips, and of their words."""
    wanted = " ".join(clip.text or "" for clip in clips)
    normalizer = normalizer_for("en")
    is_same = normalizer(found) == normalizer(bare(wanted))
    pairs = [(marks(wanted, kind), marks(found, kind)) for kind in (STOPS, COMMAS)]
    return name, "all" if is_same else "not all", *(f1(*pair) for pair in pairs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="whisper-base")
    arguments = parser.parse_args()
    clips = sorted(read_clips(arguments.data, is_of_ljspeech), key=lambda clip: clip.name)
    texts = [bare(clip.text or "") for clip in clips]
    alone = [(clip.samples, text) for clip, text in zip(clips, texts, strict=True)]
    joined = [(np.concatenate([clip.samples for clip in clips]), " ".join(texts))]
    lines = []
    for name, recordings in (("each clip alone", alone), ("joined", joined)):
        with tempfile.TemporaryDirectory() as folder:
            found = labels(recordings, arguments.model, Path(folder))
        lines.append(line(name, clips, " ".join(found)))
        print(*found, sep="\n")
    print(markdown_table(("heard", "words the same", "stops, F1", "commas, F1"), lines))


if __name__ == "__main__":
    main()
