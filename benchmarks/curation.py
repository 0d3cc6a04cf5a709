"""Time and memory of ``beam-audio curate`` over many segments, in one table.

The rows are made up: texts of 4 to 24 words with their times, references and measures; a tenth of
the texts goes in circles. The command judges them by two sets of rules in turn, then once more, and
puts the first decisions back. Each is a process of its own.

    python benchmarks/curation.py --segments 1000000
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
from machine import describe_machine, machine_line
from reference import markdown_table

from beam_audio.output.commits import Commit, InputState, unit_id, write_commit
from beam_audio.output.parts import PartWriter, columns_of, in_columns
from beam_audio.quality.rules import load_rules
from beam_audio.types import stable_id
from beam_audio.unit.layers import layer_hash

if TYPE_CHECKING:
    from beam_audio.schema import Table

RECORDINGS_OF_UNIT: Final = 50
SEGMENTS_OF_RECORDING: Final = 20
RATE_HZ: Final = 16_000
LAYOUT: Final = {"partition_by": "date,language", "metadata_columns": "", "store_audio": "none"}
VOCABULARY: Final = [f"{start}{end}" for start in "bdfgklmnprst" for end in ("an", "elo", "iru")]


def segments(number: int, recordings: list[str], random: np.random.Generator) -> pa.RecordBatch:
    """Rows of the segments of a unit."""
    n = len(recordings) * SEGMENTS_OF_RECORDING
    counts = random.integers(4, 25, n)
    words = random.choice(VOCABULARY, counts.sum()).astype(object)
    cuts = np.cumsum(counts)[:-1]
    lists = [list(each) for each in np.split(words, cuts)]
    for index in range(0, n, 10):
        lists[index] = [lists[index][0]] * len(lists[index])
    texts = [" ".join(each) for each in lists]
    starts = np.tile(np.arange(SEGMENTS_OF_RECORDING) * 10.0, len(recordings))
    seconds = random.integers(2 * RATE_HZ, 9 * RATE_HZ, n) / RATE_HZ
    chars = np.array([len(text) - text.count(" ") for text in texts])
    spoken = pa.ListArray.from_arrays(
        pa.array(np.arange(n + 1), pa.int32()),
        pa.StructArray.from_arrays(
            [starts, starts + seconds / 2], ["start_seconds", "end_seconds"]
        ),
    )
    times = np.repeat(starts, counts)
    offsets = np.concatenate([np.zeros(1), np.cumsum(counts)]).astype(np.int32)
    timed = pa.StructArray.from_arrays(
        [pa.array(words.tolist(), pa.string()), times, times + 0.2, random.random(len(times))],
        ["word", "start_seconds", "end_seconds", "probability"],
    )
    owners = np.repeat(recordings, SEGMENTS_OF_RECORDING)
    measures = {
        name: np.round(random.normal(mean, spread, n), 4)
        for name, mean, spread in (
            *(("avg_logprob", -0.4, 0.3), ("no_speech_prob", 0.2, 0.2), ("snr_db", 20.0, 9.0)),
            *(("rms_dbfs", -25.0, 4.0), ("peak_dbfs", -6.0, 3.0), ("loudness_lufs", -23.0, 3.0)),
            *(("compression_ratio", 1.4, 0.4), ("language_probability", 0.9, 0.05)),
        )
    }
    errors = random.integers(0, 4, n)
    columns = {
        "segment_id": [stable_id("segment", number, each) for each in range(n)],
        "recording_id": owners,
        "source_id": owners,
        "uri": [f"/corpus/{owner}.flac" for owner in owners],
        "segment_index": np.tile(np.arange(SEGMENTS_OF_RECORDING), len(recordings)),
        **{f"{edge}start_seconds": starts for edge in ("", "core_")},
        **{f"{edge}end_seconds": starts + seconds for edge in ("", "core_")},
        "duration_seconds": seconds,
        "text": texts,
        **{name: ["en"] * n for name in ("text_language", "heard_language")},
        "model_id": ["made/up"] * n,
        "model_sha256": ["0" * 64] * n,
        "words": pa.ListArray.from_arrays(offsets, timed),
        "reference_text": texts,
        "wer_hits": counts - np.minimum(errors, counts),
        "wer_substitutions": np.minimum(errors, counts),
        **dict.fromkeys(("wer_deletions", "wer_insertions"), np.zeros(n, np.int64)),
        **{name: np.round(np.minimum(errors, counts) / counts, 4) for name in ("wer", "cer")},
        "normalizer_id": ["whisper-en-2"] * n,
        "words_per_second": np.round(counts / seconds, 4),
        "chars_per_second": np.round(chars / seconds, 4),
        "speech": spoken,
        "decision": ["keep"] * n,
        "reasons": pa.array([[]] * n, pa.list_(pa.string())),
        "rules_id": ["none-00000000"] * n,
        "config_id": ["c"] * n,
        "metadata": ['{"speaker": "s1"}'] * n,
        **measures,
    }
    return pa.RecordBatch.from_pydict(columns)


def recording_rows(recordings: list[str], batch: pa.RecordBatch) -> pa.RecordBatch:
    """Rows of the recordings of a unit."""
    n = len(recordings)
    texts = batch.column("text").to_pylist()
    size = SEGMENTS_OF_RECORDING
    joined = [" ".join(texts[at : at + size]) for at in range(0, len(texts), size)]
    zeros, text = np.zeros(n, np.int64), ["x"] * n
    columns = {
        **dict.fromkeys(("recording_id", "source_id", "uri"), recordings),
        **dict.fromkeys(("content_sha256", "audio_sha256", "codec", "container"), text),
        **dict.fromkeys(("source_size_bytes", "channels"), zeros + 1),
        **dict.fromkeys(("review_samples", "drop_samples", "failed_samples"), zeros),
        "sample_rate_hz": zeros + RATE_HZ,
        "decoded_seconds": np.full(n, 10.0 * size),
        "decode_status": ["ok"] * n,
        "keep_samples": zeros,
        "skipped_samples": zeros,
        "segments": zeros + size,
        "speech_seconds": np.full(n, 50.0),
        **dict.fromkeys(("text", "text_all"), joined),
        **dict.fromkeys(("language", "text_language", "stated_language"), ["en"] * n),
        "reasons": pa.array([[]] * n, pa.list_(pa.string())),
        "config_id": ["c"] * n,
        "metadata": ["{}"] * n,
    }
    return pa.RecordBatch.from_pydict(columns)


def write_unit(root: str, number: int) -> None:
    """Write and commit a unit."""
    recordings = [stable_id("recording", number, each) for each in range(RECORDINGS_OF_UNIT)]
    name = unit_id(recordings)
    made = segments(number, recordings, np.random.default_rng(number))
    folders = ("segments/date=2026-01-05/language=en", "recordings/date=2026-01-05")
    with PartWriter(root, LAYOUT) as writer:
        for folder, batch in zip(folders, (made, recording_rows(recordings, made)), strict=True):
            table: Table = "segments" if folder.startswith("segments") else "recordings"
            columns = columns_of(table, folder, LAYOUT)
            writer.copy(table, folder, in_columns(batch, columns))
        files = writer.finish(f"{name}-1-00000000")
    layers = {"rules": layer_hash("rules", "none")}
    state = {"outcome": "recorded", "stated_id": "", "stated_language": None, "layers": layers}
    sources = {
        each: InputState(place_id=each, recording_ids=(each,), **state) for each in recordings
    }
    write_commit(root, Commit(name, sources, LAYOUT, files, dict(writer.rows)))


def measured(root: str, *flags: str) -> tuple[object, ...]:
    """Run the command on an output; its seconds and peak memory."""
    start = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "beam_audio", "curate", root, *flags],
        check=True,
        capture_output=True,
        text=True,
    )
    wall = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    units = ran.stdout.strip().rpartition("\n")[2]
    return " ".join(flags), f"{wall:.1f}", f"{peak:.2f}", units


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=1_000_000)
    parser.add_argument("--output", help="make or reuse the rows here; else in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = given.output or folder
        units = given.segments // (RECORDINGS_OF_UNIT * SEGMENTS_OF_RECORDING)
        if not (Path(root) / "_units").exists():
            for number in range(units):
                write_unit(root, number)
        balanced = load_rules("balanced").rules_id
        rows = [
            measured(root, "--rules=balanced"),
            measured(root, "--rules=strict"),
            measured(root, "--rules=strict"),
            measured(root, f"--restore={balanced}"),
        ]
    print(machine_line(describe_machine()), f"{datetime.now(UTC):%Y-%m-%d}")
    print(f"{given.segments:,} segments in {units:,} units")
    print(markdown_table(("curate", "seconds", "GB of the largest process", "units"), rows))


if __name__ == "__main__":
    main()
