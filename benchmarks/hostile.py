"""What becomes of hostile inputs, in one table: nothing is lost, nothing dies, nothing is fetched.

Makes files, manifest lines and messages that are cut, damaged, lying, enormous or something else,
each family from a seed, and gives them to the command with the placeholder model. Each family has
runs of its own. A unit has one input, so that the time between two commits is that of an input.

A run that is ended by a signal, or that takes too long, is started again. Such ends, and recordings
whose decoder died or hung, are deaths. An input without a row is lost.

    python benchmarks/hostile.py --inputs=20000
    python benchmarks/hostile.py --inputs=500 --families=bombs,playlists --seed=7 --keep=/tmp/bad
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import pyarrow.dataset
from machine import describe_machine, machine_line
from reference import markdown_table

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))  # the tests make the same inputs

from support import hostile_texts  # noqa: E402
from support.hostile_audio import AUDIO_FAMILIES, a_seed  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT_SECONDS: Final = 900.0
MOST_RUNS: Final = 3
MOST_OF_A_RUN: Final = 2_000
"""Inputs of one run: memory that grows with them would be seen."""
_TEXTS: Final = ("others", "playlists", "names", "manifest", "messages")
FAMILIES: Final = (*AUDIO_FAMILIES, "wrong suffixes", *_TEXTS)
_SUFFIXES: Final = (".wav", ".wav", ".mp3", ".flac", ".ogg", ".m4a", ".webm", ".x", "")
_DEATHS: Final = ("DecoderCrash", "DecoderHang")


@dataclass(slots=True)
class Figures:
    """What became of a family.

    Attributes:
        inputs: Inputs made.
        recordings: Rows in ``recordings/``.
        failures: Rows in ``failures/`` by error type.
        deaths: Runs ended by a signal or for taking too long, and decoders that died or hung.
        lost: Inputs without a row.
        unbalanced: Runs that did not end with status 0 or 3.
        fetched: Connections to the server that playlists and manifests name, and rows of recordings
            that only playlists name.
        slowest_seconds: The longest time between two commits.
        peak_mebibytes: The largest process.
        seconds: Time of all runs.
    """

    inputs: int = 0
    recordings: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    lost: int = 0
    unbalanced: int = 0
    fetched: int = 0
    slowest_seconds: float = 0.0
    peak_mebibytes: float = 0.0
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        """Whether nothing died, was lost or was fetched."""
        return not (self.deaths or self.lost or self.unbalanced or self.fetched)

    def add(self, other: Figures) -> None:
        """Count another run too."""
        for name in ("inputs", "recordings", "deaths", "lost", "unbalanced", "fetched", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.failures += other.failures
        self.slowest_seconds = max(self.slowest_seconds, other.slowest_seconds)
        self.peak_mebibytes = max(self.peak_mebibytes, other.peak_mebibytes)


class Trap(threading.Thread):
    """A server that nobody may ask: it counts those who do."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.asked = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._socket.getsockname())
        self.start()

    def run(self) -> None:
        """Count connections."""
        while True:
            connection, _ = self._socket.accept()
            self.asked += 1
            connection.close()


def make(family: str, folder: Path, count: int, rng: random.Random, server: str) -> str:
    """Write the inputs of a family; returns the flag that names them."""
    if family == "manifest":
        lines = []
        for number in range(count):
            (folder / f"{number}.wav").write_bytes(hostile_texts.speech(number))
            lines.append(hostile_texts.manifest_line(rng, number, server))
        path = folder / "manifest.jsonl"
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + b"\n")
        return f"--manifest={path}"
    inputs = folder / "in"
    inputs.mkdir()
    (folder / hostile_texts.CANARY).write_bytes(hostile_texts.speech())
    for number in range(count):
        name = f"{number:06}{rng.choice(_SUFFIXES)}".encode()
        if family == "names":
            name = hostile_texts.byte_name(rng, number)
        Path(os.fsdecode(os.fsencode(inputs) + b"/" + name)).write_bytes(
            _content(family, rng, folder, number, server)
        )
    return f"--input={inputs}"


def _content(family: str, rng: random.Random, folder: Path, number: int, server: str) -> bytes:
    if family in AUDIO_FAMILIES:
        return AUDIO_FAMILIES[family](rng)
    made: dict[str, Callable[[], bytes]] = {
        "others": partial(hostile_texts.others, rng),
        "playlists": partial(hostile_texts.playlist, rng, folder, server),
        "names": partial(hostile_texts.speech, number),
        "wrong suffixes": partial(a_seed, rng),
    }
    return made[family]()


def measure(family: str, count: int, seed: int, place: Path | None = None) -> Figures:
    """Run the command on so many inputs of a family."""
    figures, trap = Figures(), Trap()
    for start in range(0, count, MOST_OF_A_RUN):
        rng = random.Random(f"{seed} {family} {start}")
        with _folder(place, f"{family.replace(' ', '-')}-{start}") as folder:
            some = min(MOST_OF_A_RUN, count - start)
            if family == "messages":
                figures.add(_stream(folder, some, rng, trap.address))
            else:
                flag = make(family, folder, some, rng, trap.address)
                figures.add(_batch(folder, flag, some, follows_none=family == "playlists"))
    figures.fetched += trap.asked
    return figures


@contextmanager
def _folder(place: Path | None, name: str) -> Iterator[Path]:
    if place is None:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)
    else:
        folder = place / name
        folder.mkdir(parents=True)
        yield folder


def _batch(folder: Path, flag: str, count: int, *, follows_none: bool) -> Figures:
    figures = Figures(inputs=count)
    output = folder / "out"
    start = time.monotonic()
    with (folder / "log").open("ab") as log:
        for _ in range(MOST_RUNS):
            status, mebibytes = _run([flag, f"--output={output}", "--unit_bytes=1"], log)
            figures.peak_mebibytes = max(figures.peak_mebibytes, mebibytes)
            if status >= 0:
                break
            figures.deaths += 1
    figures.seconds = time.monotonic() - start
    figures.unbalanced = status not in {0, 3}
    _count_rows(output, figures)
    if follows_none:
        figures.fetched += figures.recordings
    times = sorted(path.stat().st_mtime for path in (output / "_units").glob("*.json"))
    gaps = (after - before for before, after in pairwise(times))
    figures.slowest_seconds = max(gaps, default=0.0)
    return figures


def _run(flags: list[str], log: BinaryIO) -> tuple[int, float]:
    """Exit status of a run, negative if a signal ended it, and MiB of its largest process."""
    command = [sys.executable, "-m", "beam_audio", "run", "--model=placeholder", *flags]
    process = subprocess.Popen(
        command,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    watch = threading.Timer(LIMIT_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
    watch.start()
    _, status, usage = os.wait4(process.pid, 0)
    watch.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage.ru_maxrss / 1024


def _count_rows(output: Path, figures: Figures) -> None:
    """Rows, and the inputs that have none."""
    sources: set[str] = set()
    for table, columns in (
        ("recordings", ["source_id"]),
        ("failures", ["source_id", "error_type"]),
    ):
        if not (output / table).is_dir():
            continue
        rows = pyarrow.dataset.dataset(output / table).to_table(columns=columns)
        sources |= set(rows["source_id"].to_pylist())
        if table == "recordings":
            figures.recordings = len(rows)
        else:
            figures.failures = Counter(rows["error_type"].to_pylist())
    figures.deaths += sum(figures.failures[name] for name in _DEATHS)
    figures.lost = max(0, figures.inputs - len(sources))


def _stream(folder: Path, count: int, rng: random.Random, server: str) -> Figures:
    """Publish messages to a stream, and count what they became."""
    import streams  # noqa: PLC0415 - its client takes long to import
    from google.cloud.pubsub_v1 import PublisherClient  # noqa: PLC0415 - as above

    figures = Figures(inputs=count + 1)  # and the one that shows that the stream is there
    begun = time.monotonic()
    with (
        streams.emulator(),
        streams.streaming(folder, "placeholder", 1.0) as stream,
        PublisherClient() as publisher,
    ):
        for number in range(count):
            data, attributes = hostile_texts.message(rng, number, server)
            publisher.publish(stream.topic, data, **attributes).result()
        stream.await_messages(count + 1, LIMIT_SECONDS)
        figures.peak_mebibytes = _peak(stream.process.pid)
        status = stream.stop()
        figures.deaths = status < 0
        figures.unbalanced = status not in {0, 3}
        _count_rows(stream.output, figures)
    figures.seconds = time.monotonic() - begun
    return figures


def _peak(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


HEADER: Final = (
    *("family", "inputs", "recordings", "failure rows", "deaths", "lost", "unbalanced runs"),
    *("fetched", "slowest s", "peak MiB", "seconds"),
)


def line(name: str, each: Figures) -> tuple[object, ...]:
    """The cells of a family."""
    kinds = (f"{kind} {number:,}" for kind, number in sorted(each.failures.items()))
    return (
        *(name, f"{each.inputs:,}", f"{each.recordings:,}", ", ".join(kinds) or "0"),
        *(each.deaths, each.lost, int(each.unbalanced), each.fetched),
        f"{each.slowest_seconds:.2f}" if each.slowest_seconds else "-",
        *(f"{each.peak_mebibytes:.0f}", f"{each.seconds:.0f}"),
    )


def table(measured: dict[str, Figures]) -> str:
    """One line a family, and one for all."""
    total = Figures()
    for each in measured.values():
        total.add(each)
    return markdown_table(HEADER, [line(*each) for each in [*measured.items(), ("all", total)]])


def main() -> None:
    """Run and print; an error if anything died, was lost or was fetched."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=20_000, help="of all families together")
    parser.add_argument("--families", default=",".join(FAMILIES), help="names with commas")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=None, help="a folder for inputs and outputs")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    given = parser.parse_args()
    names = given.families.split(",")
    measured = {}
    for number, name in enumerate(names):
        count = given.inputs // len(names) + (number < given.inputs % len(names))
        measured[name] = measure(name, count, given.seed, given.keep)
        print(*line(name, measured[name]), sep=" | ", file=sys.stderr, flush=True)
    machine = describe_machine()
    print(f"{machine_line(machine)}; seed {given.seed}\n\n{table(measured)}")
    if given.json:
        print(json.dumps({"machine": machine, "deaths": sum(e.deaths for e in measured.values())}))
    if not all(each.is_right for each in measured.values()):
        raise SystemExit("something died, was lost or was fetched")


if __name__ == "__main__":
    main()
