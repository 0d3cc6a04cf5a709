"""What every block of ``gpu.py`` is given, and how it measures."""

from __future__ import annotations

import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from machine import gpu_load
from reference import RATE_HZ, WINDOW_SAMPLES, Clip, word_errors
from sized_whisper import LARGE_V3_TURBO, SMALL, write_sized_whisper

from beam_audio.models.card import load_card
from beam_audio.models.weight_files import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

T = TypeVar("T")

TINY: Final = "whisper-tiny.en"
BIG: Final = "turbo-shape"
PARAKEET: Final = "parakeet-tdt-0.6b-shape"
_BIG_FOLDER: Final = "big"


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What a block is given.

    Attributes:
        provider: ``cuda``, or ``cpu`` in a rehearsal.
        folder: Where blocks leave files for those that follow.
        clips: English clips with references.
        rehearse: Whether all is done as small as it goes.
    """

    provider: str
    folder: Path
    clips: tuple[Clip, ...]
    rehearse: bool

    @property
    def windows(self) -> list[NDArray[np.float32]]:
        """The clips' samples, cut at 30 s."""
        return [clip.samples[:WINDOW_SAMPLES] for clip in self.clips]

    @property
    def seconds(self) -> float:
        """Length of the windows together."""
        return sum(map(len, self.windows)) / RATE_HZ

    @property
    def half(self) -> str:
        """The precision of what is measured for speed: a CPU has no use for float16."""
        return "float32" if self.provider == "cpu" else "float16"

    def batches(self, *sizes: int) -> tuple[int, ...]:
        """Batch sizes to measure."""
        return (2,) if self.rehearse else sizes

    def full_windows(self, count: int) -> list[NDArray[np.float32]]:
        """So many windows of 30 s, each a clip that is said again and again."""
        windows = [np.resize(window, WINDOW_SAMPLES) for window in self.windows[:count]]
        return [windows[place % len(windows)] for place in range(count)]

    def wer_percent(self, texts: list[str]) -> float:
        """Word error rate of texts of the clips."""
        errors, words = word_errors(self.clips, texts)
        return 100 * errors / words


def measure(work: Callable[[], T], setting: Setting, *, rounds: int) -> tuple[T, dict[str, Any]]:
    """Do work again and again.

    Returns:
        What the last round gave; and the median of the rounds' seconds after one that warms up,
        with the GPU's load and memory meanwhile.
    """
    if not setting.rehearse:
        work()
    times = []
    with gpu_load(wanted=setting.provider == "cuda") as load:
        for _ in range(1 if setting.rehearse else rounds):
            start = time.perf_counter()
            found = work()
            times.append(time.perf_counter() - start)
    return found, {
        "seconds": statistics.median(times),
        "round_seconds": times,
        "gpu_percent": load.percent,
        "peak_mebibytes": load.peak_mebibytes,
    }


def longest_first(windows: Sequence[NDArray[np.float32]], size: int) -> list[list[int]]:
    """Places of windows in batches of a number, longest first."""
    places = sorted(range(len(windows)), key=lambda place: -len(windows[place]))
    return [places[first : first + size] for first in range(0, len(places), size)]


def big_weights(setting: Setting) -> Path:
    """The folder of a network of large-v3-turbo's sizes; it is made once."""
    folder = setting.folder / _BIG_FOLDER
    if not folder.is_dir():
        with tempfile.TemporaryDirectory() as name:
            tokenizer = gather(load_card(TINY), Path(name))["tokenizer.json"]
            write_sized_whisper(folder, SMALL if setting.rehearse else LARGE_V3_TURBO, tokenizer)
    return folder
