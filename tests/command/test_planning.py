"""``beam-audio plan``: its flags and what it prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.run_outputs import Command, run_words

if TYPE_CHECKING:
    from pathlib import Path


def test_a_plan_takes_the_flags_of_a_run_and_writes_nothing(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run_flags = run_words(audio, output, "--direct_num_workers=1")[1:]
    status, out, err = command(
        "plan", *run_flags, "--times_real_time=8", "--worker_price=2", "--deadline_hours=0.0001"
    )
    assert (status, err) == (0, "")
    assert "2 headers read" in out
    assert [line.split()[1] for line in out.splitlines() if line.startswith("workers")] == ["2"]
    assert not output.exists()

    status, out, err = command(
        "plan", *run_flags, "--times_real_time=8", "--simulate=1000", "--preemptions_per_hour=0"
    )
    assert (status, err) == (0, "")
    assert "recordings of 1,000" in out
    assert "recommended: --unit_bytes=" in out

    status, _, err = command("plan", f"--input={audio}", "--model=placeholder")
    assert status == 2
    assert "--times_real_time" in err
    assert command("plan", f"--input={audio}", "--worker_price=-1")[0] == 2
