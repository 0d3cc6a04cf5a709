"""Verbs of the command: their arguments, and what they do; a verb returns the exit status.

A verb first looks at its words, which takes no library, and imports what it needs only then: a typo
is answered at once.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from beam_audio.command import log_lines
from beam_audio.command.flags import USAGE, add_flags, flags_of, refuse_other_flags, with_file
from beam_audio.command.number_kinds import count
from beam_audio.command.unknown_words import refuse_unknown

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    Add = Callable[..., argparse.ArgumentParser]

_RUN_EXAMPLES: Final = """examples:
  beam-audio run --input='recordings/**.flac' --output=out
  beam-audio run --manifest=corpus.jsonl --output=gs://bucket/out --model=whisper-base \\
      --language=from_manifest --rules=strict
  beam-audio run --input=calls/ --output=out --channels=split --store_audio=flac
  beam-audio run --manifest=gs://bucket/corpus.jsonl --output=gs://bucket/out \\
      --runner=DataflowRunner --project=P --region=R --temp_location=gs://bucket/tmp \\
      --sdk_container_image=IMAGE
  beam-audio run --subscription=projects/P/subscriptions/S --output=gs://bucket/out

exit status: 0 every input and every second is accounted for · 1 not so, or the run failed ·
2 bad arguments, or an input that matches nothing · 3 new input and none of it could be decoded ·
130 stopped by Ctrl-C"""


def add_verbs(add: Add) -> None:
    """Add the verbs of this module to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    for each in (_add_compact, _add_report, _add_explain, _add_demo, _add_doctor):
        each(add)


def add_run(add: Add) -> None:
    """Add ``run`` to the command, as :func:`add_verbs` does."""
    text = "transcribe audio into partitioned Parquet"
    add_flags(add("run", run, text, usage=USAGE.format("run"), epilog=_RUN_EXAMPLES))


def _add_compact(add: Add) -> None:
    parser = add(
        "compact",
        compact,
        "merge the small part files of an output",
        description="Merges small part files into larger ones; the set of rows stays the same.",
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument(
        "--target_bytes", type=count, metavar="N", help="size of a merged file (default: 128 MiB)"
    )


def _add_report(add: Add) -> None:
    parser = add(
        "report",
        report,
        "write a page about an output: figures, plots, the worst segments",
        description="Writes one HTML page that holds everything it shows; reads the tables only.",
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument(
        "--rules", metavar="FILE", help="the rules that judged it, where they are not found"
    )
    parser.add_argument(
        "--page", metavar="FILE", help="where the page goes (default: OUTPUT/report.html)"
    )
    parser.add_argument("--against", metavar="OUTPUT", help="another output: what moved since")
    parser.add_argument("--json", action="store_true", help="print the figures; write no page")


def _add_explain(add: Add) -> None:
    parser = add(
        "explain",
        explain,
        "why a segment was decided as it was, and where its audio is",
        description="Prints each rule with its value, the audio, the model and the neighbours.",
    )
    parser.add_argument("output", help="the --output of a run, local or gs://")
    parser.add_argument("segment_id", help="the segment; its first digits are enough")
    parser.add_argument(
        "--rules", metavar="FILE", help="the rules that judged it, where they are not found"
    )
    parser.add_argument("--play", action="store_true", help="write its audio as SEGMENT_ID.flac")
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _add_demo(add: Add) -> None:
    parser = add("demo", demo, "transcribe the packaged clips")
    parser.add_argument("--output", default="demo-output", metavar="DIR")


def _add_doctor(add: Add) -> None:
    add("doctor", doctor, "what is installed, what is missing and its cure")


def run(given: argparse.Namespace, rest: list[str]) -> int:
    """Transcribe audio into tables."""
    # Dataflow's launcher checked its parameters against metadata.json, and adds flags of its own.
    if not any(word.startswith("--template_location=") for word in rest):
        refuse_other_flags("run", given, rest)
    settings, beam_words = with_file(flags_of(given), rest, given.config)
    if settings.log_format or settings.subscription:
        log_lines.write_log(settings.log_format or log_lines.TEXT)
    from beam_audio.command import running

    return running.run_and_report(settings, beam_words)


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
