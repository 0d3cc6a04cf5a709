"""``beam-audio classify``: its arguments, and what it prints."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from beam_audio.classifiers import HYPOTHESIS_TEMPLATE
from beam_audio.command.unknown_words import refuse_unknown
from beam_audio.errors import DecodeError, InputError, LimitError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from beam_audio.unit.classification import Classification

_EXAMPLES: Final = """examples:
  beam-audio classify call.wav --model=yamnet
  beam-audio classify *.flac --model=sounds/ --json
  beam-audio classify street.wav --model=clap/ --candidate_labels='a dog,rain,a siren'"""


def add_verb(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the verb to the command.

    Args:
        add: Adds one, of its name, its action, its line of help and more.
    """
    parser = add(
        "classify",
        classify,
        "which sounds are in recordings: labels with scores, and events with times",
        description="Decodes recordings and writes nothing. As a part of a run: --classify_model.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("audio", nargs="+", help="recordings, local or gs://")
    parser.add_argument(
        "--model", required=True, metavar="NAME|DIR", help="a classifier, or a folder of its files"
    )
    parser.add_argument(
        "--candidate_labels",
        default="",
        metavar="LABEL,…",
        help="for a model that takes any labels (CLAP): what may sound",
    )
    parser.add_argument(
        "--hypothesis_template",
        default=HYPOTHESIS_TEMPLATE,
        metavar="TEXT",
        help="the sentence of such a label, with {} where it stands",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a recording")


def classify(given: argparse.Namespace, rest: list[str]) -> int:
    """Classify recordings; one that cannot be read is told, and the others go on."""
    refuse_unknown(rest, ["--model", "--candidate_labels", "--hypothesis_template", "--json"])
    from beam_audio.classifiers.load import load_classifier
    from beam_audio.unit.classification import classify as classified

    labels = [label.strip() for label in given.candidate_labels.split(",") if label.strip()]
    model = load_classifier(given.model, labels, given.hypothesis_template)
    status = 0
    for place in given.audio:
        try:
            found = classified(place, model=model)
        except (InputError, DecodeError, LimitError) as error:
            print(f"beam-audio: {place}: {error}", file=sys.stderr)
            status = 1
        else:
            print(_as_json(place, found) if given.json else _as_text(place, found))
    return status


def _as_json(place: str, found: Classification) -> str:
    return json.dumps({"uri": place, "sort": found.sort, **asdict(found)}, ensure_ascii=False)


def _as_text(place: str, found: Classification) -> str:
    lines = [f"{place}  {found.duration_seconds:,.1f} s"]
    if found.sort is not None:
        scores = f"speech {found.speech_score:.2f}, music {found.music_score:.2f}"
        lines.append(f"  {found.sort} ({scores}; 0.5 is the border)")
    lines += [f"  {each['score']:8.4f}  {each['label']}" for each in found.labels]
    lines += [
        f"  {each.start_seconds:8.2f} to {each.end_seconds:.2f} s  {each.label} {each.score:.2f}"
        for each in found.events
    ]
    return "\n".join(lines)
