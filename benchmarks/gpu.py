"""How right and how fast a GPU is, beside its peers, in at most eight minutes.

    python benchmarks/gpu.py --data=../shared/data --json
    python benchmarks/gpu.py --rehearse --folder=build/gpu

Five tables: equality with the CPU and speed with trained weights; speed with large-v3-turbo's and
with Parakeet's sizes; ``beam-audio run`` on many hours; and where its time goes. Peers that are not
installed are left out, and named. ``--rehearse`` does all of it small, on the CPU. docs/gpu.md has
the figures so far.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from gpu_blocks import BLOCKS
from gpu_setting import BIG, PARAKEET, TINY
from machine import describe_machine, machine_line
from reference import markdown_table

_PROGRAM: Final = Path(__file__).with_name("gpu_blocks.py")
_NEEDS: Final = {
    "big_transformers": ("torch", "transformers"),
    "big_ctranslate2": ("ctranslate2",),
    "tiny_transformers": ("torch", "transformers"),
    "tiny_faster_whisper": ("ctranslate2", "faster_whisper"),
}
_LEAST_SECONDS: Final = 20.0
"""A block that has less is not begun."""

Result = dict[str, Any]


def main() -> int:
    """Run the blocks, print the tables; the exit status is 1 if a block failed."""
    given = _parser().parse_args()
    machine = describe_machine()
    print(machine_line(machine), flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        results, left_out = _run_blocks(folder, given)
    print(tables(results))
    for block, why in left_out.items():
        print(f"\n{block}: {why}")
    if given.json:
        print(json.dumps({"machine": machine, "results": results, "left_out": left_out}))
    return int(any(why.startswith("failed") for why in left_out.values()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        epilog=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--provider", default="cuda", choices=("cuda", "tensorrt"))
    parser.add_argument("--blocks", default=",".join(BLOCKS), help="with commas between them")
    parser.add_argument("--minutes", type=float, default=8.0, help="what is begun by then is ended")
    parser.add_argument(
        "--folder", type=Path, help="keep what blocks write (default: a temporary one)"
    )
    parser.add_argument("--rehearse", action="store_true", help="small, on the CPU")
    parser.add_argument("--json", action="store_true", help="end with one JSON line")
    return parser


def _run_blocks(folder: Path, given: argparse.Namespace) -> tuple[list[Result], dict[str, str]]:
    """The results of all blocks, and why blocks have none or not all."""
    results: list[Result] = []
    left_out: dict[str, str] = {}
    end = time.monotonic() + 60 * given.minutes
    for block in given.blocks.split(","):
        missing = [name for name in _NEEDS.get(block, ()) if find_spec(name) is None]
        seconds = end - time.monotonic()
        if missing:
            left_out[block] = f"not installed: {', '.join(missing)}"
        elif seconds < _LEAST_SECONDS:
            left_out[block] = "no time was left"
        else:
            start = time.monotonic()
            if why := _run_block(block, folder, seconds, given):
                left_out[block] = why
            found = [json.loads(line) for line in (folder / f"{block}.jsonl").open()]
            results += [{"block": block, **each} for each in found]
            print(f"{block}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return results, left_out


def _run_block(block: str, folder: Path, seconds: float, given: argparse.Namespace) -> str:
    """Run one block in a process of its own; what went wrong, empty for nothing."""
    provider = "cpu" if given.rehearse else given.provider
    command = [sys.executable, str(_PROGRAM), block, f"--provider={provider}"]
    command += [f"--folder={folder}", f"--data={given.data}", *(["--rehearse"] * given.rehearse)]
    (folder / f"{block}.jsonl").write_text("")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return "failed: the time was up"
    return f"failed with {done.returncode}:\n{done.stderr[-2000:]}" if done.returncode else ""


def tables(results: list[Result]) -> str:
    """All tables, each under a heading."""
    return "\n\n".join(
        f"## {heading}\n\n{markdown_table(header, rows)}"
        for heading, header, rows in (
            (f"{TINY}, clips of at most 30 s", *_speeds(results, TINY)),
            ("large-v3-turbo's sizes, windows of 30 s of 64 tokens", *_speeds(results, BIG)),
            ("Parakeet-TDT-0.6b's sizes, windows of 30 s", *_speeds(results, PARAKEET)),
            ("beam-audio run", *_runs(results)),
            ("Seconds by stage, an hour of audio", *_stages(results)),
        )
    )


def _speeds(results: list[Result], model: str) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    columns = "tool,provider,precision,batch,× real time,GPU %,GPU MiB,WER %,same tokens,same text"
    header = (*columns.split(","), "encoder and features ms", "a token ms")
    rows: list[tuple[object, ...]] = [
        (
            *(each["tool"], _short(each["provider"]), each["precision"], each["batch"]),
            *(f"{each['times_real_time']:.0f}", _shown(each, "gpu_percent", 0)),
            *(_shown(each, "peak_mebibytes", 0), _shown(each, "wer_percent", 2)),
            *(_shares(each, "same_tokens"), _shares(each, "same_text")),
            *(_shown(each, "encoder_ms", 0), _shown(each, "token_ms", 2)),
        )
        for each in results
        if each["model"] == model and "batch" in each
    ]
    return header, rows


def _runs(results: list[Result]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    columns = "model,hours,× real time,wall s,recogniser busy,batches full,padding"
    columns += ",GPU %,GPU % first to last batch,GPU MiB"
    rows: list[tuple[object, ...]] = [
        (
            *(each["model"], f"{each['audio_hours']:.1f}", _shown(each, "times_real_time", 0)),
            _shown(each, "wall_seconds", 0),
            *(
                _shown(each.get("stages", {}), f"{name}_share", 2)
                for name in ("busy", "filled", "padding")
            ),
            *(_shown(each, "gpu_percent", 0), _shown(each, "batches_gpu_percent", 0)),
            _shown(each, "peak_mebibytes", 0),
            *(each.get("balances"), each["exit_status"]),
        )
        for each in results
        if "exit_status" in each
    ]
    return (*columns.split(","), "balances", "status"), rows


def _stages(results: list[Result]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    told = [(each, each["stages"]["seconds"]) for each in results if "stages" in each]
    names = list(dict.fromkeys(name for _, seconds in told for name in seconds))
    rows: list[tuple[object, ...]] = [
        (each["model"], *(f"{seconds.get(name, 0) / each['audio_hours']:.2f}" for name in names))
        for each, seconds in told
    ]
    return ("model", *names), rows


def _short(provider: str) -> str:
    return provider.removesuffix("ExecutionProvider").lower()


def _shares(result: Result, name: str) -> str:
    return f"{result[name]} of {result['of']}" if name in result else ""


def _shown(result: Result, name: str, digits: int) -> str:
    value = result.get(name)
    return "" if value is None else f"{value:.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
