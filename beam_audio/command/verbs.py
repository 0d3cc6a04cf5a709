"""What each verb of the command does; returns the exit status.

A verb first looks at its words, which takes no library, and imports what it needs only then: a typo
is answered at once.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from beam_audio.command import log_lines
from beam_audio.command.beam_flags import beam_flags
from beam_audio.command.flags import NAMES, with_file
from beam_audio.command.unknown_words import refuse_unknown, right_spelling
from beam_audio.errors import ConfigError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def run(given: argparse.Namespace, rest: list[str]) -> int:
    """Transcribe audio into tables."""
    # Dataflow's launcher checked its parameters against metadata.json, and adds flags of its own.
    if not any(word.startswith("--template_location=") for word in rest):
        _refuse_unknown("run", given, rest)
    settings, beam_words = with_file(_run_flags(given), rest, given.config)
    if settings.log_format or settings.subscription:
        log_lines.write_log(settings.log_format or log_lines.TEXT)
    from beam_audio.command import running

    return running.run_and_report(settings, beam_words)


def plan(given: argparse.Namespace, rest: list[str]) -> int:
    """Print what a run would take."""
    _refuse_unknown("plan", given, rest)
    flags = {"output": "nowhere"} | _run_flags(given)
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


def compact(given: argparse.Namespace, rest: list[str]) -> int:
    """Merge small part files."""
    refuse_unknown(rest, ["--target_bytes"])
    from beam_audio.command.progress_bar import ProgressBar, Status
    from beam_audio.output.compact import TARGET_BYTES, CompactionProgress
    from beam_audio.output.compact import compact as compact_output

    progress, target_bytes = CompactionProgress(), given.target_bytes or TARGET_BYTES
    with ProgressBar(lambda _: Status(progress.merged, progress.of or None), "merged files"):
        done = compact_output(given.output, target_bytes=target_bytes, progress=progress)
    print(
        f"{done.files_before} part files, now {done.files_after}; "
        f"{done.rewritten_bytes:,} bytes were rewritten"
    )
    return 0


def curate(given: argparse.Namespace, rest: list[str]) -> int:
    """Judge the rows of an output again, or put earlier decisions back."""
    own = ("--rules", "--restore", "--compare", "--redact", "--duplicates", "--against")
    refuse_unknown(rest, {*beam_flags(), *own, "--corrections", "--speakers"})
    from beam_audio.command import curating

    marks = given.duplicates or given.against is not None
    judges = (given.rules, given.restore, given.compare) != (None, None, None)
    others = marks or judges or given.corrections is not None
    if given.redact is not None:
        if others or given.speakers is not None:
            raise ConfigError("give --redact=pii alone")
        return curating.redact_and_report(given.output, rest)
    if given.speakers is not None:
        if others:
            raise ConfigError("give --speakers alone")
        return curating.name_and_report(given.output, given.speakers, rest)
    if given.corrections is not None:
        from beam_audio.command import correcting

        status = correcting.correct_and_report(given.output, given.corrections, rest)
        if status or not (marks or judges):
            return status
    if marks:
        from beam_audio.command import marking

        print(marking.mark(given.output, given.against, rest, duplicates=given.duplicates))
        if not judges:
            return 0
    return curating.curate_and_report(
        given.output,
        rules=given.rules,
        restored=given.restore,
        compared=given.compare,
        beam_flags=rest,
    )


def report(given: argparse.Namespace, rest: list[str]) -> int:
    """Write the page of an output, or print its figures."""
    refuse_unknown(rest, ["--rules", "--page", "--against", "--json"])
    from beam_audio.command import reporting

    reporting.report(
        given.output,
        rules=given.rules,
        page=given.page,
        against=given.against,
        as_json=given.json,
    )
    return 0


def explain(given: argparse.Namespace, rest: list[str]) -> int:
    """Print why a segment was decided as it was."""
    refuse_unknown(rest, ["--rules", "--play", "--json"])
    from beam_audio.command import reporting

    reporting.explain(
        given.output, given.segment_id, rules=given.rules, play=given.play, as_json=given.json
    )
    return 0


def demo(given: argparse.Namespace, rest: list[str]) -> int:
    """Transcribe the packaged clips and print what they say."""
    refuse_unknown(rest, ["--output"])
    print("beam-audio: transcribing three packaged clips with whisper-tiny.en", file=sys.stderr)
    from beam_audio.command import running

    return running.demo(given.output)


def doctor(_given: argparse.Namespace, rest: list[str]) -> int:
    """Print what is installed and what is missing."""
    refuse_unknown(rest, [])
    from beam_audio.command.doctor import examine

    report = examine()
    print(report.text)
    return 0 if report.healthy else 1


def models_list(_given: argparse.Namespace, rest: list[str]) -> int:
    """List the models known by name."""
    refuse_unknown(rest, [])
    from beam_audio import asr
    from beam_audio.models.network_card import all_network_cards

    print("\n".join(map(str, (*asr.list_models(), *all_network_cards()))))
    return 0


def models_get(given: argparse.Namespace, rest: list[str]) -> int:
    """Bring the files of a named network to this machine."""
    refuse_unknown(rest, [])
    from beam_audio.models.network_files import get_network

    print(get_network(given.name).status)
    return 0


def models_build(given: argparse.Namespace, rest: list[str]) -> int:
    """Build a model's files."""
    refuse_unknown(rest, ["--precision"])
    from beam_audio import asr

    built = asr.build_model(given.name, precision=given.precision)
    print(built or f"{given.name} has nothing to build")
    return 0


def models_check(given: argparse.Namespace, rest: list[str]) -> int:
    """Check a model's files and load it."""
    refuse_unknown(rest, [])
    from beam_audio import asr

    print(asr.check_model(given.name))
    return 0


def _run_flags(given: argparse.Namespace) -> dict[str, str]:
    return {name: value for name, value in vars(given).items() if name in NAMES}


def _refuse_unknown(verb: str, given: argparse.Namespace, rest: Sequence[str]) -> None:
    known = {*beam_flags(), *(f"--{name}" for name in NAMES)}
    refuse_unknown(rest, known, right_spelling(verb, _run_flags(given), rest))
