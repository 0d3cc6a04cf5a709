"""Units of small recordings, run in a plain loop, and their rows read as a user reads them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import soundfile

from beam_audio.asr import ModelFacts, Request, load_model
from beam_audio.asr.recognizer import ON_CPU, BatchLimits
from beam_audio.output.commits import read_commits
from beam_audio.quality.rules import load_rules
from beam_audio.quality.ruleset import Rules
from beam_audio.schema import LEDGER_COLUMNS
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import AudioRef, Row, Transcript
from beam_audio.unit.packing import unit_again
from beam_audio.unit.prepare_settings import PrepareSettings
from beam_audio.unit.rows import RowSettings
from beam_audio.unit.tasks import Task, Wanted, committed_sources
from beam_audio.unit.transcribe import Unit, UnitReport, UnitRun, transcribe_unit
from beam_audio.unit.unit_settings import UnitSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from beam_audio.asr import Recognizer
    from beam_audio.schema import Table
    from beam_audio.unit.tasks import Committed, Input

RATE_HZ = 16_000
EVENT_TIME = datetime(2026, 1, 5, 9, tzinfo=UTC)
DEMO = Path(str(resources.files("beam_audio") / "data" / "demo"))
"""The packaged recordings: speech with known text, in three formats."""
RIVER = "When the rain stopped, we walked home along the river."

PLACEHOLDER = load_model("placeholder")
OUTSIDE_IDENTITY = {"when", "attempt"}
LAYERS = {"decode": "d", "segment": "s", "measures": "q", "model": "m", "metrics": "n"}
VAD = SegmentSettings()
WINDOWS = SegmentSettings(segmenter="fixed", window_seconds=1.0)
"""These windows cut at whole seconds, so that a test knows where its segments are."""


def hear_loudness(request: Request) -> Transcript:
    """What the placeholder hears in a clip."""
    return PLACEHOLDER.transcribe([request])[0]


SCRIPTED_FACTS = ModelFacts(
    model_id="scripted/none",
    model_sha256="0" * 64,
    sample_rate_hz=RATE_HZ,
    max_seconds=30.0,
    languages=frozenset({"en", "de", "fr", "ja", "zh"}),
)


@dataclass(slots=True)
class Scripted:
    """A recogniser that hears what a test says, or fails as it says."""

    hear: Callable[[Request], Transcript] = hear_loudness
    facts: ModelFacts = SCRIPTED_FACTS
    provider: str = "CPUExecutionProvider"
    passage_seconds: float = 0.0
    batch_limits: BatchLimits = ON_CPU
    batches: list[list[Request]] = field(default_factory=list)

    def cost_seconds(self, duration_seconds: float) -> float:
        return duration_seconds

    def transcribe(self, requests: Sequence[Request]) -> list[Transcript]:
        self.batches.append(list(requests))
        return [self.hear(request) for request in requests]


def tones(levels: Sequence[float], rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """A second of a 440 Hz sine for each level; shape (len(levels) * rate_hz,)."""
    sine = np.sin(2 * np.pi * 440 * np.arange(rate_hz) / rate_hz)
    return np.concatenate([level * sine for level in levels]).astype(np.float32)


def is_loud(request: Request) -> bool:
    """Whether a clip comes within 1 dB of full scale, which marks a clip that shall fail."""
    return float(np.abs(request.samples).max(initial=0.0)) > 0.9


def fail_when_loud(request: Request) -> Transcript:
    """What the placeholder hears, and an error for a loud clip."""
    if is_loud(request):
        raise ValueError("this clip hurts")
    return hear_loudness(request)


def speech() -> NDArray[np.float32]:
    """The sentence of ``RIVER``, shape (n,), at 16 kHz."""
    samples: NDArray[np.float32] = soundfile.read(DEMO / "river.wav", dtype="float32")[0]
    return samples


def texts_by_loudness(*texts: str, language: str = "en") -> Callable[[Request], Transcript]:
    """Hear the first text in a clip of loudness 0.1, the second at 0.2, and none in silence."""

    def hear(request: Request) -> Transcript:
        index = round(float(np.abs(request.samples).max()) * 10)
        return Transcript(("", *texts)[index], language)

    return hear


def levels(count: int) -> list[float]:
    """Loudnesses of this many different tones."""
    return [(index + 1) / 10 for index in range(count)]


def write(path: Path, samples: NDArray[np.float32], rate_hz: int = RATE_HZ) -> Path:
    """Write a recording of 16 bits in the format of its suffix; shape (n,) or (n, channels)."""
    soundfile.write(path, samples, rate_hz, subtype="PCM_16")
    return path


def ref(path: Path, **stated: Any) -> AudioRef:  # noqa: ANN401  fields of AudioRef
    """A reference to a file; its version is fixed, so that ids depend on path and content."""
    fields: dict[str, Any] = {
        "size_bytes": path.stat().st_size,
        "version": "1",
        "event_time": EVENT_TIME,
    }
    return AudioRef(uri=str(path), **(fields | stated))


def settings(  # noqa: PLR0913 - keyword arguments
    *,
    language: str = "auto",
    batch_seconds: float = 240.0,
    cores: int | None = None,
    partition_by: tuple[str, ...] = ("date", "language"),
    metadata_columns: tuple[str, ...] = (),
    rules: str = "balanced",
    normalizer: str = "auto",
    layers: dict[str, str] | None = None,
    **prepare: Any,  # noqa: ANN401  fields of PrepareSettings
) -> UnitSettings:
    """Settings of a unit; windows of a second unless a test says otherwise."""
    prepared = PrepareSettings(**({"segments": WINDOWS} | prepare))
    return UnitSettings(
        prepare=prepared,
        rows=RowSettings(
            normalizer=normalizer,
            rules=_without_the_need_of_speech(load_rules(rules)),
            partition_by=partition_by,
            metadata_columns=metadata_columns,
            store_audio=prepared.store_audio,
            model_id=PLACEHOLDER.facts.model_id,
            model_sha256=PLACEHOLDER.facts.model_sha256,
            config_layers=layers or LAYERS,
        ),
        language=language,
        batch_seconds=batch_seconds,
        cores=cores,
    )


def _without_the_need_of_speech(rules: Rules) -> Rules:
    """Most tests use tones in place of speech."""
    kept = (rule for rule in rules.rules if rule.reason != "text_without_speech")
    return Rules(rules.name, tuple(kept))


def transcribe(
    root: Path,
    *inputs: Input,
    recognizer: Recognizer = PLACEHOLDER,
    using: UnitSettings | None = None,
    second: Recognizer | None = None,
) -> UnitReport:
    """Run one new unit."""
    unit = Unit.of(map(Task, inputs))
    return run_unit(root, unit, recognizer=recognizer, using=using, second=second)


def run_unit(
    root: Path,
    unit: Unit,
    *,
    recognizer: Recognizer = PLACEHOLDER,
    using: UnitSettings | None = None,
    second: Recognizer | None = None,
) -> UnitReport:
    """Run a unit."""
    run = UnitRun(
        settings=using or settings(), recognizer=recognizer, second=second, root=str(root)
    )
    return transcribe_unit(unit, run)


def update(
    root: Path,
    *inputs: Input,
    recognizer: Recognizer = PLACEHOLDER,
    using: UnitSettings | None = None,
    second: Recognizer | None = None,
    retry_failures: bool = False,
) -> list[UnitReport]:
    """Do what a run does with these inputs; the new ones make one unit."""
    using = using or settings()
    wanted = Wanted(using.rows.layers, using.language == "from_manifest", retry_failures)
    committed: defaultdict[str, list[Committed]] = defaultdict(list)
    listed: defaultdict[str, list[Input]] = defaultdict(list)
    for place_id, each in committed_sources(read_commits(str(root))):
        committed[place_id].append(each)
    for item in inputs:
        listed[item.place_id].append(item)
    new: list[Task] = []
    again: defaultdict[str, list[tuple[int, Task]]] = defaultdict(list)
    for place_id, items in listed.items():
        for found, task in wanted.tasks(items, committed[place_id]):
            if found is None:
                new.append(task)
            else:
                again[found.unit_id].append((found.version, task))
    units = [unit_again(name, tasks) for name, tasks in sorted(again.items())]
    units += [Unit.of(new)] if new else []
    return [
        run_unit(root, unit, recognizer=recognizer, using=using, second=second) for unit in units
    ]


def read(root: Path, table: Table) -> list[Row]:
    """All rows of a table in a fixed order, folder keys as text; none when there is no file."""
    some_file = next((root / table).rglob("*.parquet"), None)
    if some_file is None:
        return []
    folders = some_file.relative_to(root / table).parts[:-1]
    keys = pa.schema([(folder.partition("=")[0], pa.string()) for folder in folders])
    hive = ds.partitioning(keys, flavor="hive")
    rows: list[Row] = ds.dataset(root / table, partitioning=hive).to_table().to_pylist()
    return sorted(rows, key=repr)


def read_all(root: Path) -> dict[str, list[Row]]:
    """Every table, without the columns outside the identity of a row."""
    tables: tuple[Table, ...] = ("segments", "recordings", "failures")
    return {
        table: [
            {key: row[key] for key in row if key not in OUTSIDE_IDENTITY}
            for row in read(root, table)
        ]
        for table in tables
    }


def segments_in_order(out: Path) -> list[Row]:
    """Rows of the segments of the only recording."""
    return sorted(read(out, "segments"), key=lambda row: row["segment_index"])


def only_recording(out: Path) -> Row:
    """The row of the only recording."""
    (row,) = read(out, "recordings")
    return row


def destinations(recording: Row) -> dict[str, int]:
    """Samples of a recording by what became of them."""
    return {name: recording[column] for name, column in LEDGER_COLUMNS.items()}


def files(root: Path) -> dict[str, bytes]:
    """Every file below a folder, by its relative path."""
    found = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(found)}
