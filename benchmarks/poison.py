"""What recordings cost whose decoder aborts, hangs or leaks, in one table: themselves.

Some of them among good ones are run with the placeholder model on the local runner, on its worker
processes, on a Flink cluster of its own, and through a stream with the Pub/Sub emulator. The table
says how many have rows, and how many of the bad ones are named with what their decoder did. make
flink-up fetches what Flink needs.

    python benchmarks/poison.py --recordings=500 --messages=200 --poisoned=10
    python benchmarks/poison.py --recordings=60 --places "Flink, 2 TaskManagers"
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from machine import describe_machine, machine_line
from reference import markdown_table

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))  # the tests make the same inputs, and read rows

from support.local_flink import flink_cluster  # noqa: E402
from support.poisoned import POISON, poison  # noqa: E402
from support.pubsub_emulator import new_channel, publish, pubsub_emulator  # noqa: E402
from support.run_outputs import all_rows, only, run_files, write_speech  # noqa: E402
from support.stream_processes import (  # noqa: E402
    closed_messages,
    committed_sources,
    start_stream,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.types import Row

KINDS: Final = {
    "abort": ("DecoderCrash", "the decoder soundfile died of abort_{}.wav (SIGABRT)"),
    "leak": ("DecoderCrash", "the decoder soundfile takes more than 2048 MiB of memory"),
    "sleep": ("DecoderHang", "the decoder soundfile never gets through sleep_{}.wav"),
    "exit": ("DecoderCrash", "the decoder soundfile died of exit_{}.wav (exit status 3)"),
    "flood": ("DecodeError", "not audio that soundfile or PyAV can read"),
}
"""What a decoder does, and the error and the words that name it."""
PRINTED: Final = "sds : block"
"""What a decoder that floods its output prints; none of it may reach the run's."""
LOCAL: Final = "in memory"
PROCESSES: Final = "multi_processing × 2"
FLINK: Final = "Flink, 2 TaskManagers"
STREAM: Final = "stream"
PLACES: Final = (LOCAL, PROCESSES, FLINK, STREAM)
UNIT_BYTES: Final = 1_000_000
LIMIT_SECONDS: Final = 900


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the inputs of a run.

    Attributes:
        inputs: Inputs, the poisoned ones among them.
        poisoned: Inputs that their decoder does not survive.
        recordings: Rows in ``recordings/``.
        failures: Rows in ``failures/``.
        named: Those that name the input, the error and what its decoder did.
        balances: Whether the ledgers balance, with status 0.
        is_quiet: Whether nothing that decoders printed is in what the run printed.
        seconds: Seconds of the run.
    """

    inputs: int
    poisoned: int
    recordings: int
    failures: int
    named: int
    balances: bool
    is_quiet: bool
    seconds: float

    @property
    def is_right(self) -> bool:
        """Whether each bad input cost itself, and only itself."""
        return (
            self.recordings == self.inputs - self.poisoned
            and self.failures == self.named == self.poisoned
            and self.balances
            and self.is_quiet
        )


def write_inputs(folder: Path, good: int, poisoned: int) -> list[Path]:
    """Speech, and among it, evenly, files that poison their decoder, of all kinds in turn."""
    paths = [
        write_speech(folder / f"{number:04}_good.wav", number % 40 / 10, 0.5)
        for number in range(good)
    ]
    for number in range(poisoned):
        verb = [*KINDS][number % len(KINDS)]
        folder_of_its_own = folder / f"{number * good // poisoned:04}_poison"
        folder_of_its_own.mkdir()
        paths.append(folder_of_its_own / f"{verb}_{number}.wav")
        paths[-1].write_bytes(poison(verb))
    return sorted(paths)


def measure_batch(folder: Path, where: str, count: int, poisoned: int) -> Figures:
    """Run the command over a folder."""
    write_inputs(folder / "in", count - poisoned, poisoned)
    output = folder / "out"
    with _poisoned_children(), _flags(folder, where) as flags:
        command = [
            *(sys.executable, "-m", "beam_audio", "run", f"--input={folder / 'in'}"),
            *(f"--output={output}", "--model=placeholder", f"--unit_bytes={UNIT_BYTES}", *flags),
        ]
        start = time.monotonic()
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
        )
        seconds = time.monotonic() - start
    if ran.returncode not in {0, 1}:
        raise SystemExit(f"{where}: status {ran.returncode}\n{ran.stdout}{ran.stderr}")
    ledger = json.loads(only(run_files(output)).read_text())["ledger"]
    return _figures(
        output,
        (count, poisoned),
        balances=ran.returncode == 0 and ledger["balances"] and ledger["listed"] == count,
        printed=ran.stdout + ran.stderr,
        seconds=seconds,
    )


def measure_stream(folder: Path, count: int, poisoned: int) -> Figures:
    """Publish a message a recording to a stream; the environment names the emulator."""
    paths = write_inputs(folder / "in", count - poisoned, poisoned)
    channel = new_channel()
    messages = (json.dumps({"audio_filepath": str(path)}).encode() for path in paths)
    publish(channel.topic, *((message, {}) for message in messages))
    output, complaints = folder / "out", folder / "complaints"
    start = time.monotonic()
    with _poisoned_children():
        stream = start_stream(channel, output, "--max_wait_seconds=1", complaints=complaints)
    stream.wait_until(
        lambda: len(committed_sources(output)) == count <= closed_messages(output), LIMIT_SECONDS
    )
    seconds = time.monotonic() - start
    status = stream.stop()
    ledgers = [json.loads(path.read_text()) for path in (output / "ledger").glob("*.json")]
    return _figures(
        output,
        (count, poisoned),
        balances=status == 0 and all(each["balances"] for each in ledgers),
        printed=stream.printed() + complaints.read_text(),
        seconds=seconds,
    )


def measure(where: str, count: int, poisoned: int) -> Figures:
    """Run somewhere, in a folder for the time."""
    with tempfile.TemporaryDirectory() as folder:
        if where != STREAM:
            return measure_batch(Path(folder), where, count, poisoned)
        with pubsub_emulator() as host:
            os.environ["PUBSUB_EMULATOR_HOST"] = host
            return measure_stream(Path(folder), count, poisoned)


@contextmanager
def _poisoned_children() -> Iterator[None]:
    """Have the decoding children of every process that is started meanwhile poisoned."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(POISON), str(ROOT), before]))
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH")
        if before is not None:
            os.environ["PYTHONPATH"] = before


@contextmanager
def _flags(folder: Path, where: str) -> Iterator[tuple[str, ...]]:
    """What sends a run there; a cluster is up meanwhile."""
    if where == FLINK:
        with flink_cluster(folder / "flink") as flink:
            yield flink.flags
    elif where == PROCESSES:
        yield ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    else:
        yield ()


def _figures(
    output: Path, sizes: tuple[int, int], *, balances: bool, printed: str, seconds: float
) -> Figures:
    rows = all_rows(output)
    inputs, poisoned = sizes
    return Figures(
        inputs=inputs,
        poisoned=poisoned,
        recordings=len(rows["recordings"]),
        failures=len(rows["failures"]),
        named=sum(map(_is_named, rows["failures"])),
        balances=balances,
        is_quiet=PRINTED not in printed,
        seconds=seconds,
    )


def _is_named(row: Row) -> bool:
    """Whether a failure row says what the decoder did to which file."""
    name = str(row["uri"]).rpartition("/")[2]
    verb, _, number = name.removesuffix(".wav").partition("_")
    error_type, message = KINDS[verb]
    return row["error_type"] == error_type and message.format(number) in str(row["message"])


def table(measured: dict[str, Figures]) -> str:
    """One line a place."""
    header = ("where", "inputs", "poisoned", "in rows", "failure rows", "named", "balanced", "s")
    rows: list[tuple[object, ...]] = [
        (
            *(where, each.inputs, each.poisoned, each.recordings, each.failures, each.named),
            *(each.balances, f"{each.seconds:.0f}"),
        )
        for where, each in measured.items()
    ]
    return markdown_table(header, rows)


def main() -> None:
    """Measure and print; an error if a bad recording cost more than itself."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--recordings", type=int, default=500)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--poisoned", type=int, default=10)
    parser.add_argument("--places", nargs="*", default=PLACES, choices=PLACES)
    given = parser.parse_args()
    measured = {}
    for where in given.places:
        count = given.messages if where == STREAM else given.recordings
        measured[where] = measure(where, count, given.poisoned)
        print(where, measured[where], file=sys.stderr, flush=True)
    print(f"{machine_line(describe_machine())}\n\n{table(measured)}")
    if not all(each.is_right for each in measured.values()):
        raise SystemExit("a bad recording was not named, or cost more than itself")


if __name__ == "__main__":
    main()
