from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from support.random_whisper import (
    LANGUAGES,
    START,
    NumpyWhisper,
    Shape,
    random_weights,
)
from support.random_whisper_models import load_random

from beam_audio.asr.passages import join
from beam_audio.asr.recognizer import Request
from beam_audio.asr.whisper.languages import Spoken, spoken_languages
from beam_audio.asr.whisper.padding import encoder_input

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Ask = Callable[[Sequence[Request]], list[Spoken]]

SHAPE = Shape(width=16, positions=40)
WEIGHTS = random_weights(SHAPE)


def noise(seconds: float, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    level = 10.0 ** rng.uniform(-3, 0)
    samples: NDArray[np.float64] = level * rng.normal(size=round(16_000 * seconds))
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    graphs, config = load_random(SHAPE, WEIGHTS, tmp_path_factory.mktemp("random"))

    def ask(requests: Sequence[Request]) -> list[Spoken]:
        clips = [encoder_input(one.samples, SHAPE.bands, "full") for one in requests]
        return spoken_languages(
            graphs.decoder, config, graphs.encode(graphs.prepare(clips)), requests
        )

    return ask


def expected(samples: NDArray[np.float32], span: slice) -> NDArray[np.float64]:
    """Probability of each language, from one span of encoder positions only."""
    network = NumpyWhisper(WEIGHTS, SHAPE)
    hidden = network.encode(encoder_input(samples, SHAPE.bands, "full").log_mel)
    logits = network.logits([START], hidden[span])[0, START + 1 : START + 1 + len(LANGUAGES)]
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def test_pieces_are_judged_by_their_own_stretch(ask: Ask) -> None:
    passage = join([Request(noise(2, 1)), Request(noise(1, 2)), Request(noise(3, 5))])
    other = Request(noise(4, 4))
    spoken, alone = ask([passage, other])
    rows = [
        expected(passage.samples, span)
        for span in (slice(0, 100), slice(100, 150), slice(150, 300))
    ]
    whole = np.average(rows, axis=0, weights=[2, 1, 3])
    assert spoken.language == LANGUAGES[int(whole.argmax())]
    assert spoken.probability == pytest.approx(float(whole.max()), rel=1e-3)
    for piece, row in zip(spoken.pieces, rows, strict=True):
        assert piece.probability == pytest.approx(
            float(row[LANGUAGES.index(piece.language)]), rel=1e-3
        )
    own = [LANGUAGES[int(row.argmax())] for row in rows]
    assert [piece.language for piece in spoken.pieces] == [own[0], spoken.language, own[2]]
    assert len({*own, spoken.language}) > 1
    row = expected(other.samples, slice(None))
    assert (alone.language, alone.pieces) == (LANGUAGES[int(row.argmax())], ())
    assert alone.probability == pytest.approx(float(row.max()), rel=1e-3)


def test_a_stated_language_is_not_detected(ask: Ask) -> None:
    stated = join([Request(noise(1, 1), "de"), Request(noise(1, 2), "de")])
    free = Request(noise(1, 3))
    expected = Spoken("de", None, (Spoken("de"), Spoken("de")))
    assert ask([stated]) == [expected]
    mixed = ask([stated, free])
    assert mixed[0] == expected
    assert mixed[1].language == ask([free])[0].language
