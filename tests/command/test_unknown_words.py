"""Words that no flag takes, and the right spelling of what was meant."""

from __future__ import annotations

import pytest

from beam_audio.command.unknown_words import refuse_unknown, right_spelling
from beam_audio.errors import ConfigError

KNOWN = ["--input", "--runner", "--streaming"]


@pytest.mark.parametrize(
    "rest", [[], ["--runner=X"], ["--runner", "X"], ["--streaming", "--runner=X"]]
)
def test_known_flags_pass_with_their_values(rest: list[str]) -> None:
    refuse_unknown(rest, KNOWN)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        (["--runer=X"], "unknown flag --runer; did you mean '--runner'"),
        (["--runner", "X", "Y"], "stray argument 'Y'; flags are written --name=value"),
        (["-o", "out"], "stray argument '-o'"),
    ],
)
def test_others_are_refused(rest: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        refuse_unknown(rest, KNOWN)


@pytest.mark.parametrize(
    ("rest", "spelled"),
    [
        ("clips/ -o out", "beam-audio run --input=clips/ --output=out"),
        ("clips/ -oout", "beam-audio run --input=clips/ --output=out"),
        ("clips/ -o=out -m tiny", "beam-audio run --input=clips/ --output=out --model=tiny"),
        ("corpus.jsonl -o out", "beam-audio run --manifest=corpus.jsonl --output=out"),
        ("projects/p/subscriptions/s", "beam-audio run --subscription=projects/p/subscriptions/s"),
        ("--runner X clips/", "beam-audio run --runner X --input=clips/"),
        ("clips/*.wav", "beam-audio run '--input=clips/*.wav'"),
        ("clips/a.wav clips/b.wav", ""),
        ("corpus.jsonl clips/", ""),
    ],
)
def test_the_right_spelling_is_guessed_where_that_is_safe(rest: str, spelled: str) -> None:
    assert right_spelling("run", {}, rest.split()) == spelled


def test_flags_that_were_understood_are_kept_and_not_given_twice() -> None:
    given = {"model": "x y"}
    assert right_spelling("plan", given, ["a"]) == "beam-audio plan --input=a '--model=x y'"
    assert right_spelling("plan", {"input": "b"}, ["a"]) == ""
