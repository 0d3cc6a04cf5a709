"""Which real weights the tests find installed; where they are missing the tests are skipped,
and in CI, where the development set brings them, the tests fail.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from beam_audio.models.card import PackageSource, load_card
from beam_audio.models.weight_files import find_package, find_weights, gather, install_line

if TYPE_CHECKING:
    from pathlib import Path

TINY_EN = "whisper-tiny.en"
BASE = "whisper-base"
_IN_CI = os.environ.get("CI", "").lower() == "true"


def _needs(name: str) -> pytest.MarkDecorator:
    card = load_card(name)
    missing = find_weights(card) is None and not _IN_CI
    return pytest.mark.skipif(missing, reason=f"the weights of {name} need {install_line(card)}")


needs_tiny_en = _needs(TINY_EN)
needs_base = _needs(BASE)


def reference_model(name: str, scratch: Path) -> Any:  # noqa: ANN401 (the library has no types)
    """The same weights in ctranslate2, float32; its vocabulary lies beside the packages' files."""
    ctranslate2 = pytest.importorskip("ctranslate2")
    card = load_card(name)
    source = card.sources[0]
    assert isinstance(source, PackageSource)
    located = find_package(source)
    assert located is not None
    vocabulary = located["config.json"][0].with_name("vocabulary.txt")
    for path in (*gather(card, scratch).values(), vocabulary):
        if path.parent != scratch:
            (scratch / path.name).symlink_to(path)
    return ctranslate2.models.Whisper(
        str(scratch), device="cpu", compute_type="float32", intra_threads=1
    )
