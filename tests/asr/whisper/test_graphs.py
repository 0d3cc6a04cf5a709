from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from support.random_whisper import Shape, random_weights
from support.random_whisper_models import load_random

from beam_audio.asr.whisper.padding import encoder_input

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = Shape(width=16)


def test_clips_are_encoded_for_the_decoder(tmp_path: Path) -> None:
    graphs, _ = load_random(SHAPE, random_weights(SHAPE), tmp_path)
    clips = [
        encoder_input(np.full(length, 0.1, np.float32), SHAPE.bands, "condensed")
        for length in (4_000, 48_000, 479_900)
    ]
    encoded = graphs.encode(graphs.prepare(clips))
    assert encoded.rows == 3
    assert encoded.frames == (13, 150, 1500)
    assert encoded.positions == tuple(clip.positions for clip in clips)
    assert encoded.audio["log_members"].shape() == [3, 1500]
    assert graphs.provider == "CPUExecutionProvider"
