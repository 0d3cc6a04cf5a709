"""Splits of an export as the library of its format reads them: one line of JSON for each item.

python tests/support/export_readers.py FORMAT CLIPS DIR/SPLIT...

It runs in the environment of ``make readers``. A line has the split, the id and the text; the
samples, as 16-bit integers, are in the folder CLIPS, a file an item. Transcripts and documents have
a line for each of their entries.
"""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Entry = dict[str, Any]
    Samples = NDArray[Any]


def as_int16(samples: Samples) -> Samples:
    """Samples as integers of 16 bits, shape (n,); floats are of full scale 1.0."""
    if samples.dtype.kind == "f":
        samples = np.rint(samples * 32768).clip(-32768, 32767)
    return np.ravel(samples).astype("<i2")


def decoded(source: object) -> Samples:
    samples: Samples = soundfile.read(source, dtype="int16")[0]
    return samples


def nemo(folder: Path) -> Iterator[Entry]:
    """As NeMo's loader: a relative path is looked for from the manifest's folder."""
    with (folder / "manifest.jsonl").open(encoding="utf-8") as manifest:
        for line in manifest:
            entry = json.loads(line)
            samples = decoded(folder / entry["audio_filepath"])
            assert len(samples) / entry["sampling_rate"] == entry["duration"]
            yield {"id": entry["id"], "text": entry["text"], "samples": samples}


def nemo_tarred(folder: Path) -> Iterator[Entry]:
    """As NeMo's loader for tar files: shards by number, entries by name and in order."""
    tars = _by_number(folder, r"audio[^/]*_(\d+)[^/]*\.tar")
    manifests = _by_number(folder, r"manifest[^/]*_(\d+)[^/]*\.json")
    assert tars.keys() == manifests.keys()
    for number, path in tars.items():
        with manifests[number].open(encoding="utf-8") as manifest, tarfile.open(path) as tar:
            for line, member in zip(map(json.loads, manifest), tar, strict=True):
                assert (line["audio_filepath"], line["shard_id"]) == (member.name, number)
                file = tar.extractfile(member)
                assert file is not None
                samples = decoded(io.BytesIO(file.read()))
                yield {"id": line["id"], "text": line["text"], "samples": samples}


def _by_number(folder: Path, pattern: str) -> dict[int, Path]:
    found = ((re.search(pattern, path.name), path) for path in sorted(folder.iterdir()))
    return {int(number[1]): path for number, path in found if number}


def webdataset(folder: Path) -> Iterator[Entry]:
    import webdataset as wds

    shards = [str(path) for path in sorted(folder.glob("*.tar"))]
    for sample in wds.WebDataset(shards, shardshuffle=False):
        facts = json.loads(sample["json"])
        assert facts["text"] == sample["txt"].decode()
        samples = decoded(io.BytesIO(sample["flac" if "flac" in sample else "ogg"]))
        yield {"id": sample["__key__"], "text": facts["text"], "samples": samples}


def shar(folder: Path) -> Iterator[Entry]:
    from lhotse import CutSet

    for cut in CutSet.from_shar(in_dir=folder):
        (supervision,) = cut.supervisions
        yield {"id": cut.id, "text": supervision.text, "samples": cut.load_audio()}


def huggingface(folder: Path) -> Iterator[Entry]:
    import datasets

    split = "train" if folder.name == "data" else folder.name
    loaded = datasets.load_dataset(str(folder.parent), split=split)
    assert isinstance(loaded.features["audio"], datasets.Audio)
    for row in loaded.cast_column("audio", datasets.Audio(decode=False)):
        samples = decoded(io.BytesIO(row["audio"]["bytes"]))
        yield {"id": row["id"], "text": row["text"], "samples": samples}


def kaldi(folder: Path) -> Iterator[Entry]:
    import kaldiio

    with (folder / "text").open(encoding="utf-8") as lines:
        pairs = (line.rstrip("\n").partition(" ") for line in lines)
        texts = {utterance: text for utterance, _, text in pairs}
    audio = kaldiio.load_scp(str(folder / "wav.scp"))
    assert sorted(audio) == sorted(texts)
    for utterance, (_, samples) in audio.items():
        yield {
            "id": utterance.rpartition("-")[2],
            "text": texts[utterance],
            "samples": samples,
        }


def coqui(folder: Path) -> Iterator[Entry]:
    with (folder / "samples.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            path = folder / row["wav_filename"]
            samples = decoded(path)
            yield {"id": path.stem, "text": row["transcript"], "samples": samples}


def _vtt(folder: Path, suffix: str) -> Iterator[Entry]:
    import webvtt

    read = {"vtt": webvtt.read, "srt": webvtt.from_srt}[suffix]
    for path in sorted(folder.glob(f"*.{suffix}")):
        for cue in read(str(path)):
            yield {"text": cue.text, "start": _seconds(cue.start), "end": _seconds(cue.end)}


def _seconds(clock: str) -> float:
    hours, minutes, seconds = map(float, clock.split(":"))
    return 3600 * hours + 60 * minutes + seconds


def vtt(folder: Path) -> Iterator[Entry]:
    return _vtt(folder, "vtt")


def srt(folder: Path) -> Iterator[Entry]:
    return _vtt(folder, "srt")


def textgrid(folder: Path) -> Iterator[Entry]:
    import tgt

    for path in sorted(folder.glob("*.TextGrid")):
        grid = tgt.read_textgrid(str(path), include_empty_intervals=False)
        for each in grid.get_tier_by_name("segments"):
            yield {"text": each.text, "start": float(each.start_time), "end": float(each.end_time)}


def documents(folder: Path) -> Iterator[Entry]:
    import datasets

    one_by_one = [
        datasets.load_dataset(kind, data_files=str(path), split="train")
        for kind, suffix in (("json", "jsonl"), ("parquet", "parquet"))
        for path in folder.glob(f"*.{suffix}")
    ]
    for one, other in zip(*one_by_one, strict=True):
        assert (one["id"], one["text"]) == (other["id"], other["text"])
        yield {"id": one["id"], "text": one["text"]}


READERS: dict[str, tuple[Callable[[Path], Iterator[Entry]], str]] = {
    "nemo": (nemo, "soundfile"),
    "nemo_tarred": (nemo_tarred, "soundfile"),
    "webdataset": (webdataset, "webdataset"),
    "shar": (shar, "lhotse"),
    "huggingface": (huggingface, "datasets"),
    "kaldi": (kaldi, "kaldiio"),
    "coqui": (coqui, "soundfile"),
    "srt": (srt, "webvtt-py"),
    "vtt": (vtt, "webvtt-py"),
    "textgrid": (textgrid, "tgt"),
    "documents": (documents, "datasets"),
}
"""The reader of each format, and the package that it uses."""


if __name__ == "__main__":
    name, clips, *places = sys.argv[1:]
    read, package = READERS[name]
    print(json.dumps({"reader": f"{package} {version(package)}"}))
    for place in map(Path, places):
        for item in read(place):
            if "samples" in item:
                np.save(Path(clips, f"{item['id']}.npy"), as_int16(item.pop("samples")))
            print(json.dumps(item | {"split": place.name}))
