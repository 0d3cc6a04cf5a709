"""``beam-audio cut``: what it prints, and its exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.run_outputs import Command, run_words

if TYPE_CHECKING:
    from pathlib import Path


def test_an_output_without_texts_is_refused_with_the_reason(
    command: Command, audio: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    command(*run_words(audio, output))
    status, out, err = command("cut", output, f"--output={tmp_path / 'cut'}")
    assert (status, out) == (2, "")
    assert "2 have no text" in err
    assert command("cut", output)[0] == 2
    assert command("cut", output, f"--output={tmp_path / 'cut'}", "--form=x")[0] == 2
