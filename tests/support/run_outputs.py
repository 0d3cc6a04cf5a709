"""Short speech to run on, runs of it with the placeholder, and the tables they leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.dataset
import pyarrow.parquet
import soundfile

import beam_audio
from beam_audio.command.cli import main
from beam_audio.command.flags import resolve
from beam_audio.run import batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beam_audio.run.config import RunConfig
    from beam_audio.run.run_file import RunResult
    from beam_audio.types import Row

DEMO = Path(beam_audio.__file__).parent / "data" / "demo"
ID_COLUMNS = {
    "segments": ("segment_id",),
    "recordings": ("recording_id",),
    "failures": ("source_id", "stage", "message"),
}
OUTSIDE_IDENTITY = {"when", "attempt"}

Command = Callable[..., tuple[int, str, str]]
"""Takes arguments of the command; its exit status, what it printed and what it complained of."""


def write_speech(path: Path, start_seconds: float = 0.0, seconds: float = 2.0) -> Path:
    """Packaged speech from a start below 4 s, repeated as far as needed."""
    samples, rate_hz = soundfile.read(DEMO / "river.wav", dtype="float32")
    start = round(start_seconds * rate_hz)
    path.parent.mkdir(parents=True, exist_ok=True)
    cut = np.resize(samples[start:], round(seconds * rate_hz))
    soundfile.write(path, cut, rate_hz, format="WAV", subtype="PCM_16")
    return path


def write_byte(root: Path, name: str) -> Path:
    """Write a file of one byte below a folder."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def write_manifest(path: Path, lines: Sequence[dict[str, Any] | str]) -> Path:
    """A manifest of these lines, those given as text as they are."""
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def settings(**flags: object) -> RunConfig:
    """A configuration with the placeholder as its model."""
    given = {"model": "placeholder"} | {name: str(value) for name, value in flags.items()}
    return resolve(given)


def run_words(audio: Path | str, output: Path, *more: str) -> list[str]:
    """Arguments of the command that run the placeholder."""
    return ["run", f"--input={audio}", f"--output={output}", "--model=placeholder", *more]


def run_command(*arguments: object) -> int:
    """Exit status of the command, run in this process."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


def run(**flags: object) -> RunResult:
    """A run in this process."""
    return batch.run(settings(**flags))


def read_rows(output: Path | str, table: str) -> list[Row]:
    """All rows of a table by their ids, without what is outside identity."""
    if not Path(output, table).is_dir():
        return []
    rows = pyarrow.dataset.dataset(f"{output}/{table}", partitioning="hive").to_table().to_pylist()
    ordered = sorted(rows, key=lambda row: tuple(str(row[name]) for name in ID_COLUMNS[table]))
    return [
        {name: value for name, value in row.items() if name not in OUTSIDE_IDENTITY}
        for row in ordered
    ]


def all_rows(output: Path | str) -> dict[str, list[Row]]:
    """The rows of every table."""
    return {table: read_rows(output, table) for table in ID_COLUMNS}


def listing(output: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder with its size and time of change, run files left out."""
    return {
        str(path.relative_to(output)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in output.rglob("*")
        if path.is_file() and not path.name.startswith("run-")
    }


def everything(output: Path) -> bytes:
    """Every byte of an output, Parquet files decompressed into all their values."""
    found = b""
    for path in sorted(output.rglob("*")):
        if path.is_file():
            found += str(path.relative_to(output)).encode()
            found += path.read_bytes()
            if path.suffix == ".parquet":
                values = pyarrow.parquet.read_table(path).to_pylist()
                found += repr(values).encode()
                audio = [row["audio"]["bytes"] for row in values if row.get("audio")]
                found += b"".join(audio)
    return found


def commit_files(output: Path) -> list[Path]:
    """The commit records of an output, by name."""
    return sorted((output / "_units").glob("*.json"))


def run_files(output: Path) -> list[Path]:
    """The run files of an output, the oldest first."""
    return sorted(output.glob("run-*.json"), key=lambda path: path.stat().st_mtime_ns)


def only(rows: list[Any]) -> Any:  # noqa: ANN401 - whatever the list holds
    """The single item of a list."""
    (item,) = rows
    return item
