"""Which inputs failed, and the reasons that decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.run_outputs import run, write_manifest, write_speech

from beam_audio.output.causes import MOST_FAILED

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
rules:
  - {reason: short, decision: drop, column: duration_seconds, below: 1.5}
  - {reason: brief, decision: review, column: duration_seconds, below: 2.5}
  - {reason: noted, decision: keep, column: has_reference, is: false}
"""


def test_failed_inputs_are_the_first_by_address_with_their_messages(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_speech(folder / "good.wav")
    for number in range(MOST_FAILED + 2):
        (folder / f"bad{number:02}.wav").write_bytes(b"no audio")
    causes = run(input=folder, output=tmp_path / "out").causes
    assert [each.uri for each in causes.failed] == [
        str(folder / f"bad{number:02}.wav") for number in range(MOST_FAILED)
    ]
    assert {each.error_type for each in causes.failed} == {"DecodeError"}
    assert all(each.message for each in causes.failed)


def test_an_input_that_failed_earlier_and_not_now_is_not_named(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "m.jsonl", [{"audio_filepath": "later.wav"}])
    first = run(manifest=manifest, output=tmp_path / "out").causes
    assert [each.error_type for each in first.failed] == ["InputError"]
    write_speech(tmp_path / "later.wav")
    assert run(manifest=manifest, output=tmp_path / "out").causes.failed == ()


def test_only_reasons_of_the_decision_count(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    for name, seconds in (("a", 1.0), ("b", 1.0), ("c", 2.0), ("d", 4.0)):
        write_speech(tmp_path / "in" / f"{name}.wav", seconds=seconds)
    result = run(
        input=tmp_path / "in",
        output=tmp_path / "out",
        rules=rules,
        segmenter="fixed",
    )
    assert result.ledger.segments == {"keep": 1, "review": 1, "drop": 2}
    assert result.causes.reasons == {"drop": {"short": 2}, "review": {"brief": 1}}


def test_a_run_without_failures_and_drops_has_no_causes(tmp_path: Path) -> None:
    write_speech(tmp_path / "in" / "a.wav", seconds=4.0)
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    flags = {"input": tmp_path / "in", "output": tmp_path / "out", "segmenter": "fixed"}
    causes = run(**flags, rules=rules).causes
    assert (causes.failed, causes.reasons) == ((), {})
