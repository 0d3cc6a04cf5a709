r"""Submits a run to Dataflow with workers that fit it; prints first what it submits.

    python templates/launch.py --image=IMAGE --gpu=nvidia-l4 \
        --input='gs://bucket/calls/**' --output=gs://bucket/out --model=whisper-base \
        --project=P --region=europe-west4 --temp_location=gs://bucket/tmp --max_num_workers=4

A stream has ``--subscription`` in place of ``--input``. All other flags go to ``beam-audio run``,
or with ``--template=gs://….json`` to that flex template. Without ``--gpu`` the workers are CPUs.
``--print`` only prints, ``--dry_run`` prints the job's graph as well. docs/dataflow.md tells the
rest.
"""

from __future__ import annotations

import argparse
import re
import secrets
import shlex
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from dataflow_workers import GPU_MACHINES, Workers, fit_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODEL: Final = "whisper-tiny.en"  # of a run that names none
_NAME: Final = re.compile("[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_CONSOLE: Final = "https://console.cloud.google.com/dataflow/jobs"


def new_job_name(now: datetime) -> str:
    """A name that no other job has: ``beam-audio-20261127-064809-3f2a91``, the time in UTC."""
    return f"beam-audio-{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def run_words(workers: Workers, given: Sequence[str]) -> list[str]:
    """Flags of a run: those that fit the workers, unless they are given otherwise."""
    names = {_name(word) for word in given}
    fitting = [word for word in workers.words if _name(word) not in names]
    return [*fitting, *given, *workers.further_words]


def direct_command(words: Sequence[str], *, image: str, job_name: str) -> list[str]:
    """``beam-audio run`` on Dataflow."""
    own = ("--runner=DataflowRunner", f"--sdk_container_image={image}", f"--job_name={job_name}")
    return [sys.executable, "-m", "beam_audio", "run", *own, *words]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what is submitted and submit it; returns the exit status."""
    parser = _parser()
    given, rest = parser.parse_known_args(arguments)
    for word in rest:
        if not word.startswith("--"):
            parser.error(f"{word!r}: flags are written --name=value")
    if given.job_name is None and "update" in map(_name, rest):
        parser.error("--update needs --job_name=NAME of the running job that it replaces")
    job_name = given.job_name or new_job_name(datetime.now(UTC))
    if not _NAME.fullmatch(job_name):
        parser.error(
            f"--job_name={job_name}: at most 63 of a-z, 0-9 and -, a letter first, no - last"
        )
    speed = given.times_real_time or _usual_speed(parser, given.gpu, rest)
    try:
        words = run_words(fit_workers(given.gpu, speed, given.decode_seconds), rest)
    except ValueError as error:
        parser.error(str(error))
    if given.template:
        return _launch_template(parser, given, words, job_name)
    command = direct_command(words, image=given.image, job_name=job_name)
    command += ["--dry_run=True"] if given.dry_run else []
    print(shlex.join(command), flush=True)
    return 0 if given.print else subprocess.run(command, check=False).returncode


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--image", required=True, help="the workers' image, best by its digest")
    parser.add_argument("--gpu", choices=GPU_MACHINES, help="one of them a worker")
    parser.add_argument(
        "--times_real_time",
        type=float,
        help="speed of one such GPU, as measured; without it a table's, if the model is in it",
    )
    parser.add_argument(
        "--decode_seconds",
        type=float,
        default=8.0,
        help="CPU-seconds an hour of audio, measuring included: 8 for FLAC at 16 kHz, 34 for Opus "
        "at 48 kHz",
    )
    parser.add_argument("--template", help="gs://….json of a flex template")
    parser.add_argument(
        "--job_name",
        help="the job's name; two that run at once cannot share it (default: a new one each time)",
    )
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--print", action="store_true", help="only print what would be submitted")
    only.add_argument(
        "--dry_run", action="store_true", help="only print that, and the graph; asks no service"
    )
    return parser


def _usual_speed(parser: argparse.ArgumentParser, gpu: str | None, words: Sequence[str]) -> float:
    """The speed of a GPU from a table, times real time; 0 without a GPU."""
    if gpu is None:
        return 0.0
    from beam_audio.command.speeds import usual_gpu_speed  # noqa: PLC0415 - CPUs need no table

    models = [word.partition("=")[2] for word in words if _name(word) == "model"]
    model = models[-1] if models else _MODEL
    usual = usual_gpu_speed(gpu, model)
    if usual is None:
        parser.error(
            f"--gpu needs --times_real_time=N for --model={model}, which was measured on no "
            "GPU; docs/dataflow.md tells how it is measured"
        )
    print(f"{gpu}: {usual.times_real_time:g} x real time, {usual.measured}", file=sys.stderr)
    return usual.times_real_time


def _launch_template(
    parser: argparse.ArgumentParser, given: argparse.Namespace, words: Sequence[str], job_name: str
) -> int:
    """Launch a flex template; returns the exit status."""
    import launch_request  # noqa: PLC0415 - slow, and for templates alone
    from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415 - as above
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - as above

    from beam_audio.errors import ConfigError  # noqa: PLC0415 - as above

    try:
        request = launch_request.launch_request(
            words, template=given.template, image=given.image, job_name=job_name
        )
        print(launch_request.as_json(request), flush=True)
        if given.dry_run:
            print(launch_request.graph(words, image=given.image, job_name=job_name))
        if given.print or given.dry_run:
            return 0
        job_id = launch_request.send(request, words)
    except ConfigError as error:
        parser.error(str(error))
    except (GoogleAPICallError, GoogleAuthError) as error:
        parser.exit(1, f"launch.py: {job_name} was not launched: {error}\n")
    print(f"launched {_CONSOLE}/{request.location}/{job_id}?project={request.project_id}")
    return 0


def _name(word: str) -> str:
    return word.removeprefix("--").partition("=")[0]


if __name__ == "__main__":
    sys.exit(main())
