"""What is compared: our library, our whole pipeline, faster-whisper, Hugging Face transformers.

Every tool decodes greedily, in English, with the same weights, and at temperature 0 alone; our
pipeline, and our library if asked to, decode text again that looks wrong. The library tools hear
samples in memory, the pipeline reads files. Recordings of at most 30 s are one window;
longer ones are cut by each tool's own means.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus import WINDOW_SECONDS, balanced, long_and_short, write_manifest
from peers import FasterWhisper, Transformers
from reference import RATE_HZ
from workers import Heard, Layout

from beam_audio.unit.batching import batches

if TYPE_CHECKING:
    from collections.abc import Callable

    from corpus import Recording
    from workers import Tool

    from beam_audio.asr import Padding

# For sharing files out between two pipelines: what a clip costs beside its length.
_CLIP_COST_SECONDS = 3.0
_PEERS = ("ctranslate2", "faster_whisper", "torch", "transformers", "jiwer", "whisper_normalizer")


@dataclass(frozen=True, slots=True)
class Configuration:
    """One way of running one tool.

    Attributes:
        tool: A key of ``TOOLS``.
        model: Name of a card.
        weights: Directory of the weights in the tool's own layout; empty for ours.
        precision: Number type, in the tool's words; ours with ``/condensed`` for that padding.
        batch: Windows of 30 s that are recognised together; ours takes as many shorter clips as
            cost the same. 1 is faster-whisper's sequential method.
        layout: Processes and threads.
        provider: ``cpu`` or ``cuda``.
        safeguards: Whether our library decodes again what looks wrong, as the pipeline always does
            and as no peer is asked to.
    """

    tool: str
    model: str
    weights: str
    precision: str
    batch: int
    layout: Layout
    provider: str
    safeguards: bool = False

    def __str__(self) -> str:
        return f"{self.tool} {self.precision} b{self.batch} {self.layout}"

    @property
    def is_pinned(self) -> bool:
        """The command has no option for threads: in several processes each is held to its cores."""
        return self.tool == "pipeline" and self.layout.processes > 1

    def load(self) -> Tool:
        """Load it, in the process that is to run it."""
        return TOOLS[self.tool](self)

    @property
    def own_precision(self) -> tuple[str, Padding]:
        """Precision and padding of a configuration of ours."""
        precision, _, padding = self.precision.partition("/")
        return precision, "condensed" if padding == "condensed" else "full"


def require_peers() -> None:
    """End the benchmark when a peer is not installed: without it there is nothing to compare."""
    missing = [name for name in _PEERS if importlib.util.find_spec(name) is None]
    if missing:
        raise SystemExit(
            f"not installed: {', '.join(missing)}. Run: pip install -r benchmarks/requirements.txt"
        )


class Ours:
    """``beam_audio.load_model`` and, for long recordings, ``beam_audio.split``."""

    warms_up = True

    def __init__(self, configuration: Configuration) -> None:
        from beam_audio.asr import ModelOptions, load_model  # noqa: PLC0415 - imports count as loading

        precision, padding = configuration.own_precision
        self._budget_seconds = WINDOW_SECONDS * configuration.batch
        options = ModelOptions(
            precision=precision,
            padding=padding,
            provider=configuration.provider,
            require_provider=True,
            safeguards=configuration.safeguards,
            threads=configuration.layout.threads,
        )
        self._recognizer = load_model(configuration.model, options)

    def plan(self, recordings: list[Recording], processes: int) -> list[list[int]]:  # noqa: ARG002 - shared by all
        """Long recordings each alone, then batches as the pipeline makes them."""
        long, short = long_and_short(recordings)
        grouped = self._batches(short, lambda place: recordings[place].seconds)
        return [*([place] for place in long), *grouped]

    def _batches(self, items: list[Any], seconds: Callable[[Any], float]) -> list[list[Any]]:
        return list(
            batches(
                sorted(items, key=seconds, reverse=True),
                seconds=seconds,
                cost=lambda item: self._recognizer.cost_seconds(seconds(item)),
                budget_seconds=self._budget_seconds,
            )
        )

    def transcribe(self, recordings: list[Recording]) -> Heard:
        """One long recording, or one batch."""
        if recordings[0].seconds > WINDOW_SECONDS:
            return Heard([self._long(recordings[0])])
        return Heard(self._texts([recording.samples for recording in recordings]))

    def _texts(self, clips: list[Any]) -> list[str]:
        from beam_audio.asr import Request  # noqa: PLC0415 - imports count as loading

        requests = [Request(samples, "en") for samples in clips]
        return [transcript.text for transcript in self._recognizer.transcribe(requests)]

    def _long(self, recording: Recording) -> str:
        from cuts import Cut, hear  # noqa: PLC0415 - imports count as loading

        from beam_audio import Audio, split  # noqa: PLC0415 - imports count as loading

        cuts = [Cut(one, one.samples) for one in split(Audio(recording.samples, RATE_HZ))]
        found = hear(self._recognizer, cuts, budget_seconds=self._budget_seconds)
        in_order = sorted(found, key=lambda pair: pair[0].segment_index)
        return " ".join(transcript.text for _, transcript in in_order)


class Pipeline:
    """``beam-audio run``: audio files to Parquet, a new process every time."""

    warms_up = False

    def __init__(self, configuration: Configuration) -> None:
        precision, padding = configuration.own_precision
        self._flags = [
            f"--model={configuration.model}",
            f"--precision={precision}",
            f"--padding={padding}",
            f"--provider={configuration.provider}",
            "--require_provider=true",
            "--language=en",
            f"--batch_seconds={WINDOW_SECONDS * configuration.batch:g}",
        ]

    def plan(self, recordings: list[Recording], processes: int) -> list[list[int]]:
        """As many shares of like cost as there are processes."""
        costs = [recording.seconds + _CLIP_COST_SECONDS for recording in recordings]
        return balanced(costs, processes)

    def transcribe(self, recordings: list[Recording]) -> Heard:
        """Run the command; loading, checks and the ledger are start-up, the graph is work."""
        import pyarrow.parquet as pq  # noqa: PLC0415 - only after the run, and only here

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_manifest(recordings, folder / "manifest.jsonl")
            output = folder / "out"
            start = os.times().elapsed
            self._run(f"--manifest={folder / 'manifest.jsonl'}", f"--output={output}")
            wall_seconds = os.times().elapsed - start
            (run_file,) = output.glob("run-*.json")
            graph_seconds = json.loads(run_file.read_text("utf-8"))["throughput"]["wall_seconds"]
            rows = [
                row
                for path in (output / "recordings").rglob("*.parquet")
                for row in pq.ParquetFile(path).read(["uri", "text"]).to_pylist()
            ]
        texts = {Path(row["uri"]).resolve(): row["text"] or "" for row in rows}
        found = [texts[Path(recording.path).resolve()] for recording in recordings]
        return Heard(found, wall_seconds - graph_seconds)

    def _run(self, *flags: str) -> None:
        command = [sys.executable, "-m", "beam_audio", "run", *flags, *self._flags]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")


TOOLS: dict[str, Callable[[Configuration], Tool]] = {
    "ours": Ours,
    "pipeline": Pipeline,
    FasterWhisper.name: FasterWhisper,
    Transformers.name: Transformers,
}
