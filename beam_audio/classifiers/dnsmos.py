"""DNSMOS: how people would rate the sound of speech, background and both, from 1 to 5.

The network and the polynomials that map its outputs to ratings are those of DNSMOS P.835 (not the
personalised one), as Microsoft's package ``speechmos`` has them. The network takes samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from beam_audio.models.cpu_session import one_thread_session
from beam_audio.models.network_card import network_cards

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE_HZ: Final = 16_000
WINDOW_SAMPLES: Final = 144_160
"""9.01 s; a longer clip is heard in windows that begin a second after each other."""

_FILE: Final = "sig_bak_ovr.onnx"
_WINDOW_SECONDS: Final = 9
_SIG: Final = (-0.08397278, 1.22083953, 0.0052439)
_BAK: Final = (-0.13166888, 1.60915514, -0.39604546)
_OVRL: Final = (-0.06766283, 1.11546468, 0.04602535)


@dataclass(frozen=True, slots=True)
class Ratings:
    """Mean opinion scores from 1 to 5: of the speech, of the background, and overall."""

    sig: float
    bak: float
    ovrl: float


def rate(clip: NDArray[np.float32]) -> Ratings | None:
    """Rate a clip; None for one without samples.

    A clip that is shorter than a window is doubled until it fills one, as in the package. The
    ratings are means over all windows.

    Args:
        clip: float32 of shape (n,) at 16 kHz; what is beyond full scale is cut off.

    Raises:
        ModelError: onnxruntime or the network's file is missing.
        ChecksumError: The file is damaged or another one.
    """
    if not len(clip):
        return None
    session = _session()
    raw = [session.run(None, {"input_1": window})[0][0] for window in _windows(clip)]
    sig, bak, ovrl = (
        float(np.mean(np.polyval(curve, [each[place] for each in raw])))
        for place, curve in enumerate((_SIG, _BAK, _OVRL))
    )
    return Ratings(sig, bak, ovrl)


def model_sha256() -> str:
    """Hash of the network, whether or not it is here."""
    return network_cards("ratings")["dnsmos"].files[_FILE].sha256


def model_file() -> Path:
    """The network: in an installed ``speechmos``, which is not imported, or as it was got.

    Raises:
        ModelError: It is not here.
        ChecksumError: The file is damaged or another one.
    """
    card = network_cards("ratings")["dnsmos"]
    card.require_whole()
    return card.path(_FILE)


def _windows(clip: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Windows of shape (1, WINDOW_SAMPLES)."""
    samples = np.clip(np.nan_to_num(clip), -1.0, 1.0).astype(np.float32)
    while len(samples) < WINDOW_SAMPLES:
        samples = np.concatenate([samples, samples])
    # The package leaves out the last window of 10.01 s and more, and here so do we.
    count = max(1, len(samples) // RATE_HZ - _WINDOW_SECONDS)
    starts = range(0, count * RATE_HZ, RATE_HZ)
    return [samples[np.newaxis, start : start + WINDOW_SAMPLES] for start in starts]


@lru_cache(maxsize=1)
def _session() -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """The network, loaded once per process; it runs on one CPU thread, as decoding does."""
    return one_thread_session(model_file())
