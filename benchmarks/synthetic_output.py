"""An output as a run leaves it, of as many segments as wanted, made without any recognition.

Recordings of ten segments each name the packaged demo clips, so that clips can be cut from them.
Texts, measures and decisions are drawn at random from one seed.
"""

from __future__ import annotations

import hashlib
import io
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from beam_audio import schema
from beam_audio.audio.decode import resample
from beam_audio.output.commits import Commit, InputState, write_commit
from beam_audio.quality.rules import load_rules
from beam_audio.types import stable_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from beam_audio.schema import Table

CLIP: Final = Path(__file__).resolve().parents[1] / "beam_audio" / "data" / "demo" / "river.wav"
SEGMENTS_EACH: Final = 10
_RATE_HZ: Final = 16_000
_RECORDINGS_A_UNIT: Final = 1_000
_WORDS: Final = (
    *("the", "river", "of", "two", "boats", "crossed", "lake", "while", "children"),
    *("waited", "shore", "street", "quiet"),
)
_LANGUAGES: Final = ("en", "de", "fr", "es")


def write_output(root: Path, segments: int, *, has_audio: bool = False) -> None:
    """Write an output of about so many segments.

    Args:
        root: Where.
        segments: How many; they are in tens.
        has_audio: Whether they have stored audio; their lengths are then tenths of seconds.
    """
    generator = np.random.default_rng(7)
    content_sha256 = hashlib.sha256(CLIP.read_bytes()).hexdigest()
    recordings = -(-segments // SEGMENTS_EACH)
    for start in range(0, recordings, _RECORDINGS_A_UNIT):
        numbers = range(start, min(start + _RECORDINGS_A_UNIT, recordings))
        _write_unit(root, numbers, content_sha256, generator, has_audio=has_audio)


def _write_unit(
    root: Path,
    numbers: range,
    content_sha256: str,
    generator: np.random.Generator,
    *,
    has_audio: bool,
) -> None:
    ids = [stable_id("made", number) for number in numbers]
    unit_id = stable_id("unit", ids)
    name = f"date=2026-01-05/part-{unit_id}-1-00000000.parquet"
    segments = _segments(ids, generator, has_audio=has_audio)
    if has_audio:
        segments[schema.AUDIO] = _audio(segments)
    dropped = (segments["decision"] == "drop").reshape(len(ids), SEGMENTS_EACH).sum(axis=1)
    rows = {"segments": segments, "recordings": _recordings(ids, dropped, content_sha256)}
    for table, columns in rows.items():
        _write(root / table / name, table, columns)  # type: ignore[arg-type]
    counts = {table: len(next(iter(columns.values()))) for table, columns in rows.items()}
    state = InputState("recorded", "place", "stated", None, {}, claims_id=None)
    write_commit(
        str(root),
        Commit(
            unit_id,
            sources=dict.fromkeys(ids, state),
            layout={"store_audio": "flac"} if has_audio else {},
            rows=counts,
            files=tuple(f"{table}/{name}" for table in rows),
            decoded_seconds=20.0 * len(ids),
            stage_seconds={"decode": 1.0, "recognise": 30.0},
        ),
    )


def _write(path: Path, table: Table, columns: dict[str, Any]) -> None:
    wanted = schema.file_schema(table, without=("date",), audio=schema.AUDIO in columns)
    rows = len(next(iter(columns.values())))
    arrays = [
        pa.array(columns[each.name], each.type)
        if each.name in columns
        else pa.nulls(rows, each.type)
        for each in wanted
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    group_rows = 256 if schema.AUDIO in columns else 4_096
    made = pa.Table.from_arrays(arrays, schema=wanted)
    pq.write_table(made, path, compression="zstd", row_group_size=group_rows)


def _audio(segments: dict[str, Any]) -> list[dict[str, Any]]:
    """Stored audio of segments: speech of the packaged clip, at the rate of their recordings."""
    return [
        {"bytes": _flac(float(start) % 4.0, round(float(end - start), 1)), "path": f"{name}.flac"}
        for name, start, end in zip(
            segments["segment_id"],
            segments["start_seconds"],
            segments["end_seconds"],
            strict=True,
        )
    ]


@cache
def _flac(start_seconds: float, seconds: float) -> bytes:
    samples, rate_hz = soundfile.read(CLIP, dtype="float32")
    speech = resample(samples, rate_hz, _RATE_HZ)
    cut = np.resize(speech[round(start_seconds * _RATE_HZ) :], round(seconds * _RATE_HZ))
    encoded = io.BytesIO()
    soundfile.write(encoded, cut, _RATE_HZ, format="FLAC")
    return encoded.getvalue()


def _segments(ids: list[str], generator: np.random.Generator, *, has_audio: bool) -> dict[str, Any]:
    count = len(ids) * SEGMENTS_EACH
    index = np.tile(np.arange(SEGMENTS_EACH), len(ids))
    seconds = generator.uniform(0.3, 2.0, count)
    start = index * 2.0 % 4.0
    if has_audio:  # few clips differ, and neighbours follow one another
        seconds, start = np.round(seconds, 1), index * 2.0
    words = generator.integers(1, 8, count)
    errors = np.minimum(generator.poisson(0.6, count), words)
    texts = [
        " ".join(_WORDS[at] for at in generator.integers(0, len(_WORDS), each)) for each in words
    ]
    wer = np.round(errors / words, 4)
    logprob = np.round(-generator.gamma(2.0, 0.15, count), 4)
    drop, low = wer > 0.3, logprob < -1.0
    language = [_LANGUAGES[int(each[0], 16) % 4] for each in ids for _ in range(SEGMENTS_EACH)]
    return {
        "segment_id": [stable_id(each, at) for each in ids for at in range(SEGMENTS_EACH)],
        "recording_id": np.repeat(ids, SEGMENTS_EACH),
        "source_id": np.repeat(ids, SEGMENTS_EACH),
        "uri": [str(CLIP)] * count,
        "segment_index": index,
        "start_seconds": start,
        "end_seconds": start + seconds,
        "core_start_seconds": index * 2.0,
        "core_end_seconds": index * 2.0 + 2.0,
        "duration_seconds": seconds,
        "text": texts,
        "reference_text": texts,
        "language": language,
        "text_language": language,
        "heard_language": language,
        "model_id": ["whisper-base/float32"] * count,
        "model_sha256": ["0" * 64] * count,
        "avg_logprob": logprob,
        "no_speech_prob": np.round(generator.beta(1.0, 12.0, count), 4),
        "compression_ratio": np.round(generator.normal(1.1, 0.2, count), 4),
        "wer_hits": words - errors,
        "wer_substitutions": errors,
        "wer_deletions": np.zeros(count, int),
        "wer_insertions": np.zeros(count, int),
        "wer": wer,
        "cer": np.round(wer * 0.8, 4),
        "normalizer_id": ["basic-2"] * count,
        "words_per_second": np.round(words / seconds, 4),
        "chars_per_second": np.round(words * 5 / seconds, 4),
        **{
            name: np.round(generator.normal(mean, spread, count), 4)
            for name, mean, spread in (
                *(("rms_dbfs", -25, 4), ("peak_dbfs", -6, 2), ("snr_db", 25, 8)),
                *(("bandwidth_hz", 7000, 600), ("loudness_lufs", -23, 4)),
            )
        },
        "clipped_fraction": np.zeros(count),
        "speech_fraction": np.round(generator.uniform(0.6, 1.0, count), 4),
        "speech": [[{"start_seconds": 0.0, "end_seconds": each * 0.9}] for each in seconds],
        "decision": np.where(drop | low, "drop", "keep"),
        "reasons": [
            [name for name, holds in (("logprob_low", b), ("wer_high", a)) if holds]
            for a, b in zip(drop, low, strict=True)
        ],
        "rules_id": [load_rules("balanced").rules_id] * count,
        "config_id": ["0" * 32] * count,
        "metadata": [
            json.dumps({"speaker": f"s{int(each[:4], 16) % 200}", "source": each[4]})
            for each in ids
            for _ in range(SEGMENTS_EACH)
        ],
    }


def _recordings(ids: list[str], dropped: NDArray[np.int64], content_sha256: str) -> dict[str, Any]:
    count = len(ids)
    samples = _RATE_HZ * 2
    return {
        "recording_id": ids,
        "source_id": ids,
        "uri": [str(CLIP)] * count,
        "content_sha256": [content_sha256] * count,
        "audio_sha256": [content_sha256] * count,
        "source_size_bytes": [CLIP.stat().st_size] * count,
        "codec": ["pcm_s16"] * count,
        "container": ["wav"] * count,
        "sample_rate_hz": [_RATE_HZ] * count,
        "channels": [1] * count,
        "decoded_seconds": [2.0 * SEGMENTS_EACH] * count,
        "decode_status": ["ok"] * count,
        "keep_samples": samples * (SEGMENTS_EACH - dropped),
        "drop_samples": samples * dropped,
        **dict.fromkeys(("review_samples", "failed_samples", "skipped_samples"), [0] * count),
        "segments": [SEGMENTS_EACH] * count,
        "speech_seconds": [15.0] * count,
        "text": [""] * count,
        "language": ["en"] * count,
        "text_language": ["en"] * count,
        "reasons": [[]] * count,
        "config_id": ["0" * 32] * count,
        "metadata": [
            json.dumps({"speaker": f"s{int(each[:4], 16) % 200}", "source": each[4]})
            for each in ids
        ],
    }
