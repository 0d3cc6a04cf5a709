"""Which real weights the tests find installed; where they are missing the tests are skipped,
and in CI, where the development set brings them, the tests fail.
"""

from __future__ import annotations

import os

import pytest

from beam_audio.models.card import load_card
from beam_audio.models.sources import find_weights, install_line

TINY_EN = "whisper-tiny.en"
BASE = "whisper-base"
_IN_CI = os.environ.get("CI", "").lower() == "true"


def _needs(name: str) -> pytest.MarkDecorator:
    card = load_card(name)
    missing = find_weights(card) is None and not _IN_CI
    return pytest.mark.skipif(missing, reason=f"the weights of {name} need {install_line(card)}")


needs_tiny_en = _needs(TINY_EN)
needs_base = _needs(BASE)
