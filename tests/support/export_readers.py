"""An export as the library of its format reads it: one line of JSON for each item.

python tests/support/export_readers.py FORMAT DIR

It runs in the environment of ``make readers``. A line has the id, the text, and the sha256 of the
samples as 16-bit integers; transcripts and documents have a line for each of their entries.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import os
import re
import sys
import tarfile
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Entry = dict[str, Any]


def sha256(samples: np.ndarray) -> str:
    """Hash of samples, as integers of 16 bits; floats are of full scale 1.0."""
    if samples.dtype.kind == "f":
        samples = np.rint(samples * 32768)
    return hashlib.sha256(np.ravel(samples).astype("<i2").tobytes()).hexdigest()


def decoded(source: object) -> np.ndarray:
    return soundfile.read(source, dtype="int16")[0]


def nemo(folder: str) -> Iterator[Entry]:
    """As NeMo's loader: a relative path is looked for from the manifest's folder."""
    with open(f"{folder}/manifest.jsonl", encoding="utf-8") as manifest:
        for line in manifest:
            entry = json.loads(line)
            samples = decoded(f"{folder}/{entry['audio_filepath']}")
            assert len(samples) / entry["sampling_rate"] == entry["duration"]
            yield {"id": entry["id"], "text": entry["text"], "samples": sha256(samples)}


def nemo_tarred(folder: str) -> Iterator[Entry]:
    """As NeMo's loader for tar files: shards by number, entries by name and in order."""
    numbers = {
        pattern: {
            int(re.search(pattern, path)[1]): path  # type: ignore[index]
            for path in glob.glob(f"{folder}/{pattern.partition('[')[0]}*")
        }
        for pattern in (r"audio[^/]*_(\d+)[^/]*\.tar", r"manifest[^/]*_(\d+)[^/]*\.json")
    }
    tars, manifests = numbers.values()
    assert tars.keys() == manifests.keys()
    for number, path in tars.items():
        with open(manifests[number], encoding="utf-8") as manifest, tarfile.open(path) as tar:
            for line, member in zip(map(json.loads, manifest), tar, strict=True):
                assert (line["audio_filepath"], line["shard_id"]) == (member.name, number)
                samples = decoded(io.BytesIO(tar.extractfile(member).read()))  # type: ignore[union-attr]
                yield {"id": line["id"], "text": line["text"], "samples": sha256(samples)}


def webdataset(folder: str) -> Iterator[Entry]:
    import webdataset as wds

    shards = sorted(glob.glob(f"{folder}/*.tar"))
    for sample in wds.WebDataset(shards, shardshuffle=False):
        facts = json.loads(sample["json"])
        assert facts["text"] == sample["txt"].decode()
        samples = decoded(io.BytesIO(sample["flac"]))
        yield {"id": sample["__key__"], "text": facts["text"], "samples": sha256(samples)}


def shar(folder: str) -> Iterator[Entry]:
    from lhotse import CutSet

    for cut in CutSet.from_shar(in_dir=folder):
        (supervision,) = cut.supervisions
        yield {"id": cut.id, "text": supervision.text, "samples": sha256(cut.load_audio())}


def huggingface(folder: str) -> Iterator[Entry]:
    import datasets

    loaded = datasets.load_dataset(os.path.dirname(folder), split="train")
    assert isinstance(loaded.features["audio"], datasets.Audio)
    for row in loaded.cast_column("audio", datasets.Audio(decode=False)):
        samples = decoded(io.BytesIO(row["audio"]["bytes"]))
        yield {"id": row["id"], "text": row["text"], "samples": sha256(samples)}


def kaldi(folder: str) -> Iterator[Entry]:
    import kaldiio

    with open(f"{folder}/text", encoding="utf-8") as lines:
        texts = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    audio = kaldiio.load_scp(f"{folder}/wav.scp")
    assert sorted(audio) == sorted(texts)
    for utterance, (_, samples) in audio.items():
        yield {
            "id": utterance.rpartition("-")[2],
            "text": texts[utterance],
            "samples": sha256(samples),
        }


def coqui(folder: str) -> Iterator[Entry]:
    with open(f"{folder}/samples.csv", encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            samples = decoded(f"{folder}/{row['wav_filename']}")
            name = os.path.basename(row["wav_filename"]).removesuffix(".wav")
            yield {"id": name, "text": row["transcript"], "samples": sha256(samples)}


def _vtt(folder: str, suffix: str) -> Iterator[Entry]:
    import webvtt

    read = {"vtt": webvtt.read, "srt": webvtt.from_srt}[suffix]
    for path in sorted(glob.glob(f"{folder}/*.{suffix}")):
        for cue in read(path):
            yield {"text": cue.text, "start": _seconds(cue.start), "end": _seconds(cue.end)}


def _seconds(clock: str) -> float:
    hours, minutes, seconds = map(float, clock.split(":"))
    return 3600 * hours + 60 * minutes + seconds


def vtt(folder: str) -> Iterator[Entry]:
    return _vtt(folder, "vtt")


def srt(folder: str) -> Iterator[Entry]:
    return _vtt(folder, "srt")


def textgrid(folder: str) -> Iterator[Entry]:
    import tgt

    for path in sorted(glob.glob(f"{folder}/*.TextGrid")):
        grid = tgt.read_textgrid(path, include_empty_intervals=False)
        for each in grid.get_tier_by_name("segments"):
            yield {"text": each.text, "start": float(each.start_time), "end": float(each.end_time)}


def documents(folder: str) -> Iterator[Entry]:
    import datasets

    kinds = {
        kind: datasets.load_dataset(kind, data_files=glob.glob(f"{folder}/*.{suffix}"), split="train")
        for kind, suffix in (("json", "jsonl"), ("parquet", "parquet"))
    }
    for one, other in zip(*kinds.values(), strict=True):
        assert (one["id"], one["text"]) == (other["id"], other["text"])
        yield {"id": one["id"], "text": one["text"]}


READERS: dict[str, tuple[Callable[[str], Iterator[Entry]], str]] = {
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
    name, root = sys.argv[1:]
    read, package = READERS[name]
    print(json.dumps({"reader": f"{package} {version(package)}"}))
    for item in read(f"{root}/data"):
        print(json.dumps(item))
