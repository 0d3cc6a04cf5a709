"""``beam-audio plan``: its arguments, and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beam_audio.command.flags import USAGE, add_flags, flags_of, refuse_other_flags, with_file
from beam_audio.command.number_kinds import above_zero, count, from_zero

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_EXAMPLES: Final = """examples:
  beam-audio plan --input='gs://bucket/calls/**.flac' --model=whisper-base --worker_price=0.19
  beam-audio plan --manifest=corpus.jsonl --deadline_hours=8 --worker_cores=8 \\
      --times_real_time=400 --worker_price=1.2
  beam-audio plan --manifest=corpus.jsonl --simulate=100000 --deadline_hours=12

The speed is that of the last run of this model over --output, if there is one, else a table's."""
_GPUS: Final = (
    *("nvidia-l4", "nvidia-tesla-t4", "nvidia-tesla-a100"),
    *("nvidia-h100-80gb", "nvidia-h200-141gb"),
)


def add_verb(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    parser = add(
        "plan",
        plan,
        "what a run would take: hours of audio, compute, workers and cost",
        usage=USAGE.format("plan"),
        description="Takes the flags of run; reads headers, decodes nothing and writes nothing.",
        epilog=_EXAMPLES,
    )
    add_flags(parser)
    flags = parser.add_argument_group("plan")
    for name, default, kind, text in (
        ("deadline_hours", 24.0, above_zero, "hours it may take"),
        ("worker_cores", 4, count, "cores of a worker"),
        ("worker_price", 1.0, above_zero, "price of a worker per hour, in any currency"),
        ("times_real_time", None, above_zero, "speed of a worker; a measured one if not given"),
        ("start_seconds", None, from_zero, "simulated time until a worker has its first unit"),
        ("preemptions_per_hour", None, from_zero, "how often a simulated worker is taken away"),
        ("max_headers", 1000, count, "read no more headers; other lengths are estimated by size"),
    ):
        shown = "" if default is None else f" (default: {default:g})"
        flags.add_argument(f"--{name}", type=kind, default=default, metavar="N", help=text + shown)
    flags.add_argument(
        "--simulate",
        type=above_zero,
        nargs="?",
        const=0.0,
        metavar="HOURS",
        help="play the job through: unit sizes, workers, idle time and cost; HOURS: as if the "
        "inputs were so many hours of recordings like these",
    )
    flags.add_argument(
        "--worker_gpu",
        choices=_GPUS,
        metavar="GPU",
        help=f"the one GPU of a worker, in place of its cores: {', '.join(_GPUS)}",
    )


def plan(given: argparse.Namespace, rest: list[str]) -> int:
    """Print what a run would take."""
    refuse_other_flags("plan", given, rest)
    flags = {"output": "nowhere"} | flags_of(given)
    settings, beam_words = with_file(flags, rest, given.config)
    from apache_beam.options.pipeline_options import PipelineOptions

    from beam_audio.command import estimate, speeds
    from beam_audio.store.credentials import require_access
    from beam_audio.unit.headers import header_request

    places = (settings.input, settings.manifest, settings.output)
    require_access(places, PipelineOptions(beam_words))
    found = estimate.survey(
        estimate.list_inputs(settings),
        max_headers=given.max_headers,
        request=header_request(settings),
    )
    cores, gpu, stated = given.worker_cores, given.worker_gpu, given.times_real_time
    wanted = estimate.Estimate(
        found.seconds,
        speeds.Speed(stated, "as given")
        if stated
        else speeds.worker_speed(settings, cores=cores, gpu=gpu),
        f"one {gpu}" if gpu else f"{cores} cores",
    )
    print(
        estimate.plan_table(
            found, wanted, deadline_hours=given.deadline_hours, price=given.worker_price
        )
    )
    if given.simulate is not None:
        from beam_audio.command import fleet_choice

        each = found.each.scaled_to(given.simulate) if given.simulate else found.each
        worker = fleet_choice.Worker(
            wanted.speed.times_real_time,
            cores,
            given.worker_price,
            given.start_seconds,
            given.preemptions_per_hour,
        )
        print(f"\n{fleet_choice.simulated(each, worker, given.deadline_hours)}")
    return 0
