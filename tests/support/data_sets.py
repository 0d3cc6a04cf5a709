"""One data set in each format that is read, written by hand after the format's documentation."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import soundfile
from support.run_outputs import write_speech

from beam_audio.inputs.found import Found, input_of
from beam_audio.inputs.left_out import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from beam_audio.types import AudioRef, Failure


@dataclass(frozen=True)
class Clip:
    """A file of speech with what is known about it."""

    name: str
    path: Path
    text: str
    speaker: str

    @property
    def encoded(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()

    @property
    def seconds(self) -> float:
        """Its length."""
        return float(soundfile.info(self.path).duration)


def write_clips(folder: Path, count: int = 5) -> list[Clip]:
    """Different clips of a second of speech."""
    return [
        Clip(
            f"clip{number}",
            write_speech(folder / f"clip{number}.wav", start_seconds=0.4 * number, seconds=1.0),
            f"say {'no' * number}, Ärger {number}",
            f"speaker {number % 2}",
        )
        for number in range(count)
    ]


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> Path:
    """A tar file of these members."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> Path:
    """Lines of JSON, compressed if the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_text(path: Path, lines: Iterable[str]) -> Path:
    """Lines of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def inputs_in(found: Iterable[Found | LeftOut]) -> list[AudioRef | Failure]:
    """The inputs of a listing, in its order."""
    return [input_of(each) for each in found if not isinstance(each, LeftOut)]


def webdataset(folder: Path, clips: Sequence[Clip]) -> Path:
    """Two shards; one has its texts in .txt, the other in .json."""
    half = len(clips) // 2
    by_text = (
        member
        for clip in clips[:half]
        for member in ((f"{clip.name}.wav", clip.encoded), (f"{clip.name}.txt", clip.text.encode()))
    )
    write_tar(folder / "shard-000.tar", by_text)
    by_json = (
        member
        for clip in clips[half:]
        for member in (
            (f"in/{clip.name}.json", json.dumps({"text": clip.text}).encode()),
            (f"in/{clip.name}.wav", clip.encoded),
        )
    )
    write_tar(folder / "shard-001.tar", by_json)
    return folder


def nemo(folder: Path, clips: Sequence[Clip]) -> Path:
    """A manifest of two shards, as NeMo's script lays them out."""
    lines = []
    for shard in range(2):
        held = clips[shard::2]
        write_tar(folder / f"audio_{shard}.tar", ((f"{c.name}.wav", c.encoded) for c in held))
        lines += [
            {
                "audio_filepath": f"{clip.name}.wav",
                "duration": clip.seconds,
                "text": clip.text,
                "shard_id": shard,
            }
            for clip in held
        ]
    return write_lines(folder / "tarred_audio_manifest.json", lines)


def huggingface(folder: Path, clips: Sequence[Clip]) -> Path:
    """Parquet shards with an Audio feature, two rows in a row group."""
    for shard in range(2):
        rows = [
            {"audio": {"bytes": c.encoded, "path": f"{c.name}.wav"}, "transcription": c.text}
            for c in clips[shard::2]
        ]
        path = folder / "data" / f"train-{shard:05}-of-00002.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2, compression="snappy")
    return folder


def parquet(folder: Path, clips: Sequence[Clip]) -> Path:
    """A plain table with bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"id": c.name, "content": c.encoded, "sentence": c.text} for c in clips]
    pq.write_table(pa.Table.from_pylist(rows), folder / "all.parquet")
    return folder / "all.parquet"


def arrow(folder: Path, clips: Sequence[Clip]) -> Path:
    """A stream of Arrow batches, as Hugging Face's save_to_disk writes."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{"audio": {"bytes": c.encoded, "path": None}, "text": c.text} for c in clips]
    table = pa.Table.from_pylist(rows)
    path = folder / "data.arrow"
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_stream(file, table.schema) as out,
    ):
        out.write_table(table, max_chunksize=2)
    return path


def kaldi(folder: Path, clips: Sequence[Clip]) -> Path:
    """A data folder without segments."""
    write_text(folder / "wav.scp", (f"{clip.name} {clip.path}" for clip in clips))
    write_text(folder / "text", (f"{clip.name} {clip.text}" for clip in clips))
    write_text(folder / "utt2spk", (f"{clip.name} {clip.speaker}" for clip in clips))
    return folder


def kaldi_segments(folder: Path, clips: Sequence[Clip]) -> Path:
    """A data folder whose segments are the whole of their recordings."""
    write_text(folder / "wav.scp", (f"rec-{clip.name} {clip.path}" for clip in clips))
    write_text(folder / "segments", (f"{c.name} rec-{c.name} 0.00 {c.seconds}" for c in clips))
    write_text(folder / "text", (f"{clip.name} {clip.text}" for clip in clips))
    return folder


def common_voice(folder: Path, clips: Sequence[Clip]) -> Path:
    """A table with its clips."""
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    rows = ["client_id\tpath\tsentence\tup_votes\tlocale"]
    for clip in clips:
        (folder / "clips" / clip.path.name).write_bytes(clip.encoded)
        rows.append(f"{clip.speaker}\t{clip.path.name}\t{clip.text}\t2\ten")
    return write_text(folder / "validated.tsv", rows)


def audiofolder(folder: Path, clips: Sequence[Clip]) -> Path:
    """A folder with metadata.csv in one half and metadata.jsonl in the other."""
    half = len(clips) // 2
    for part, held in (("train", clips[:half]), ("test/more", clips[half:])):
        for clip in held:
            path = folder / part / clip.path.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(clip.encoded)
    rows = (f'{clip.path.name},"{clip.text}"' for clip in clips[:half])
    write_text(folder / "train" / "metadata.csv", ["file_name,transcription", *rows])
    lines = ({"file_name": c.path.name, "transcription": c.text} for c in clips[half:])
    write_lines(folder / "test" / "more" / "metadata.jsonl", lines)
    return folder


def cut(clip: Clip, source: Mapping[str, Any]) -> dict[str, Any]:
    """A cut of Lhotse that is the whole of its recording."""
    seconds = clip.seconds
    return {
        "id": clip.name,
        "start": 0,
        "duration": seconds,
        "channel": 0,
        "supervisions": [
            {
                "id": clip.name,
                "recording_id": clip.name,
                "start": 0.0,
                "duration": seconds,
                "channel": 0,
                "text": clip.text,
                "speaker": clip.speaker,
            }
        ],
        "recording": {
            "id": clip.name,
            "sources": [{"channels": [0], **source}],
            "sampling_rate": 16_000,
            "num_samples": round(seconds * 16_000),
            "duration": seconds,
            "channel_ids": [0],
        },
        "type": "MonoCut",
    }


def cuts(folder: Path, clips: Sequence[Clip]) -> Path:
    """Cuts of files."""
    lines = (cut(clip, {"type": "file", "source": str(clip.path)}) for clip in clips)
    return write_lines(folder / "cuts.jsonl.gz", lines)


def shar(folder: Path, clips: Sequence[Clip]) -> Path:
    """Two files of cuts, each with a shard of recordings."""
    for shard in range(2):
        held = clips[shard::2]
        lines = [cut(clip, {"type": "shar", "source": ""}) for clip in held]
        write_lines(folder / f"cuts.{shard:06}.jsonl.gz", lines)
        members = (
            member
            for clip, line in zip(held, lines, strict=True)
            for member in (
                (f"{clip.name}.wav", clip.encoded),
                (f"{clip.name}.json", json.dumps(line["recording"]).encode()),
            )
        )
        write_tar(folder / f"recording.{shard:06}.tar", members)
    return folder


Writer = Callable[[Path, Sequence[Clip]], Path]
WRITERS: dict[str, tuple[str, Writer]] = {
    "webdataset": ("webdataset", webdataset),
    "nemo": ("nemo", nemo),
    "huggingface": ("huggingface", huggingface),
    "parquet": ("parquet", parquet),
    "arrow": ("parquet", arrow),
    "kaldi": ("kaldi", kaldi),
    "kaldi with segments": ("kaldi", kaldi_segments),
    "common_voice": ("common_voice", common_voice),
    "audiofolder": ("audiofolder", audiofolder),
    "cuts": ("cuts", cuts),
    "shar": ("shar", shar),
}
"""The format of each data set, and what writes it; it returns what ``--input`` names."""
