"""What shows that recordings are forgotten, as aligned text. It names none of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from beam_audio.command.display import printable, shown_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio.curate.forget import Proof


def proof_table(proof: Proof) -> str:
    """What was forgotten, and what shows that nothing is left."""
    return "\n".join(f"{name:<12}{text}" for name, text in _lines(proof))


def _lines(proof: Proof) -> Iterator[tuple[str, str]]:
    what = f"{proof.inputs} inputs, {proof.recordings} recordings, {proof.segments} segments"
    yield "forgotten", f"{what}, {shown_seconds(proof.seconds)}"
    yield "written", f"{proof.units} units without their rows, {proof.tombstones} keyed hashes"
    done = Counter(
        (name.partition("/")[0] if "/" in name else name, what)
        for name, what in proof.files.items()
    )
    for (folder, what), count in sorted(done.items()):
        yield "", printable(f"{count} {what} in {folder}" if count > 1 else f"{folder}: {what}")
    before, after = proof.before, proof.after
    balance = "balances" if proof.balances else "DOES NOT BALANCE"
    account = f"{after.recordings} now + {proof.recordings} forgotten"
    yield "ledger", f"{balance}: {before.recordings} recordings before = {account}"
    left = "THESE STILL TELL OF THEM:" if proof.remaining else "no id, address, hash or text left"
    yield "searched", f"{proof.searched_files} files of {proof.searched_bytes:,} bytes: {left}"
    for name in proof.remaining:
        yield "", printable(name)
