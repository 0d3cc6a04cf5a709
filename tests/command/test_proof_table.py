"""What a person reads after forgetting; whose recordings they were is not in it."""

from __future__ import annotations

from dataclasses import replace

from beam_audio.command.proof_table import proof_table
from beam_audio.curate.forget import Proof
from beam_audio.output.ledger import Ledger

BEFORE = Ledger(3, (), 3, (), {"keep": 6.0}, {"keep": 3}, {})
PROOF = Proof(
    inputs=1,
    recordings=1,
    segments=2,
    seconds=2.0,
    units=1,
    files={"_payloads/0a0a": "deleted", "_payloads/0b0b": "deleted", "run-1.json": "erased"},
    tombstones=3,
    before=BEFORE,
    after=replace(BEFORE, inputs=2, recordings=2),
    searched_files=9,
    searched_bytes=1234,
    remaining=(),
)


def test_the_account_says_what_was_before_what_is_now_and_what_went() -> None:
    text = proof_table(PROOF)
    assert PROOF.holds
    assert "ledger      balances: 3 recordings before = 2 now + 1 forgotten" in text
    assert "2 deleted in _payloads" in text
    assert "run-1.json: erased" in text
    assert "0a0a" not in text


def test_what_is_left_or_lost_is_told() -> None:
    left = replace(PROOF, remaining=("odd.bin",))
    assert not left.holds
    assert proof_table(left).endswith("odd.bin")
    lost = replace(PROOF, after=replace(BEFORE, inputs=1, recordings=1))
    assert not lost.holds
    assert "DOES NOT BALANCE" in proof_table(lost)
