"""Items of exports made by hand, and shards of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from beam_audio.audio.encode import encode_clip
from beam_audio.export.item import Clip, ExportItem, Piece
from beam_audio.export.shard_files import ShardFiles
from beam_audio.types import Segment, stable_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from beam_audio.audio.encode import ClipCodec
    from beam_audio.export.formats.shard import Shard
    from beam_audio.types import Row

RATE_HZ = 16_000
WORDS = (
    {"word": " so", "start_seconds": 1.0, "end_seconds": 1.25, "probability": 0.5},
    {"word": " it", "start_seconds": 1.5, "end_seconds": 1.75, "probability": None},
)


def item(text: str = "so it", start: float = 1.0, seconds: float = 1.0, **more: Any) -> ExportItem:  # noqa: ANN401 - fields of an item
    """An item of one segment, of a recording of ten seconds."""
    first, last = round(start * RATE_HZ), round((start + seconds) * RATE_HZ)
    segment_id = stable_id(text, start, seconds)
    fields: dict[str, Any] = {
        "item_id": segment_id,
        "recording_id": "5f0c6a1d0a3c4f29b6d1f3a0c2e4b586",
        "uri": "gs://calls/a b.wav",
        "text": text,
        "language": "en",
        "speaker": None,
        "start_sample": first,
        "end_sample": last,
        "sample_rate_hz": RATE_HZ,
        "recording_seconds": 10.0,
        "channel": None,
        "words": None,
        "pieces": (Piece(segment_id, first, last),),
        "columns": {},
    }
    return ExportItem(**fields | more)


def noise(of: ExportItem) -> NDArray[np.float32]:
    """Samples of 16 bits, the same ones for the same item."""
    generator = np.random.default_rng(int(of.item_id[:8], 16))
    count = of.end_sample - of.start_sample
    return (generator.integers(-9000, 9000, count) / 32768).astype(np.float32)


def clip(of: ExportItem, codec: ClipCodec = "flac") -> Clip:
    """Its noise, encoded."""
    segment = Segment(
        recording_id="",
        segment_id=of.item_id,
        segment_index=0,
        channel=None,
        sample_rate_hz=RATE_HZ,
        start_sample=0,
        end_sample=of.end_sample - of.start_sample,
        core_start_sample=0,
        core_end_sample=0,
        speech=(),
        samples=noise(of),
    )
    return Clip(encode_clip(segment, codec), codec, segment.end_sample, RATE_HZ)


def written(
    root: Path,
    begin: Callable[[ShardFiles], Shard],
    items: Sequence[ExportItem],
    codec: ClipCodec = "flac",
) -> tuple[dict[str, Path], dict[str, list[str]]]:
    """The files of a shard of items by name, and its lines of lists."""
    with ShardFiles(str(root), "data") as files:
        shard = begin(files)
        for each in items:
            files.count(each)
            shard.add(each, clip(each, codec))
        shard.close()
        names = files.finish()
        return {name: root / name for name in names}, dict(files.lines)


def segment_row(recording_id: str, index: int, start: float, seconds: float, **more: object) -> Row:
    """A row of ``segments`` that an export can read; its text is its number."""
    row: Row = {
        "segment_id": stable_id(recording_id, index),
        "recording_id": recording_id,
        "segment_index": index,
        "start_seconds": start,
        "end_seconds": start + seconds,
        "core_start_seconds": start,
        "core_end_seconds": start + seconds,
        "text": f"text {index}",
        "text_language": "en",
        "words": None,
        "metadata": "{}",
        "decision": "keep",
        "text_redacted": None,
        "redactions": None,
    }
    return row | more


def recording_row(recording_id: str, **more: object) -> Row:
    """A row of ``recordings`` of ten seconds."""
    row: Row = {
        "recording_id": recording_id,
        "source_id": recording_id,
        "uri": f"/calls/{recording_id}.wav",
        "channel": None,
        "track": None,
        "sample_rate_hz": RATE_HZ,
        "decoded_seconds": 10.0,
        "offset_seconds": None,
    }
    return row | more
