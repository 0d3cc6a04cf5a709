"""From timed rounds to figures and ratios: numbers in, numbers out."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

ALLOWED_WER_POINTS = 0.3
"""A configuration counts if its corpus WER exceeds that of our float32 by at most this."""

LIBRARY, PIPELINE = "ours", "pipeline"
FASTER_WHISPER, TRANSFORMERS = "faster-whisper", "transformers"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one configuration.

    Attributes:
        model: Name of the card.
        tool: Which tool.
        precision: Number type.
        batch: Windows recognised together.
        layout: Processes × threads.
        audio_seconds: Audio of one round.
        round_seconds: Seconds of each round.
        clips_times_real_time: Median over the short clips alone; None where they are not apart.
        long_times_real_time: The same of the long recording.
        wer_percent: Corpus word error rate.
        clips_wer_percent: That of the short clips.
        long_wer_percent: That of the long recording.
        load_seconds: From an empty process to a model that is ready.
        peak_mebibytes: Sum over the processes.
        gpu_percent: Mean utilisation; None without a GPU.
    """

    model: str
    tool: str
    precision: str
    batch: int
    layout: str
    audio_seconds: float
    round_seconds: tuple[float, ...]
    clips_times_real_time: float | None
    long_times_real_time: float | None
    wer_percent: float
    clips_wer_percent: float
    long_wer_percent: float
    load_seconds: float
    peak_mebibytes: float
    gpu_percent: float | None = None

    @property
    def times_real_time(self) -> float:
        """Median over the rounds."""
        return self.audio_seconds / statistics.median(self.round_seconds)

    @property
    def range_times_real_time(self) -> tuple[float, float]:
        """Of the slowest and of the fastest round."""
        return (
            self.audio_seconds / max(self.round_seconds),
            self.audio_seconds / min(self.round_seconds),
        )


def best(
    figures: list[Figures], tool: str, precisions: tuple[str, ...] | None = None
) -> Figures | None:
    """The fastest configuration of a tool."""
    found = [
        one
        for one in figures
        if one.tool == tool and (precisions is None or one.precision in precisions)
    ]
    return max(found, key=lambda one: one.times_real_time, default=None)


def accurate(figures: list[Figures], tool: str) -> list[Figures]:
    """Our configurations whose WER is at most 0.3 points above our library's in float32.

    Raises:
        ValueError: float32 was not measured, so nothing can be compared with it.
    """
    float32 = [one for one in figures if one.tool == LIBRARY and one.precision == "float32"]
    if not float32:
        raise ValueError("float32 of ours was not measured: its error rate is the yardstick")
    limit = min(one.wer_percent for one in float32) + ALLOWED_WER_POINTS
    return [one for one in figures if one.tool == tool and one.wer_percent <= limit]


def contenders(figures: list[Figures], ratio: float) -> list[Figures]:
    """Configurations that may still become a tool's best: at most ``ratio`` times as slow as it.

    Ours are included only if they are accurate enough to be compared.
    """
    kept = []
    for tool in {one.tool for one in figures}:
        fit = [one for one in figures if one.tool == tool]
        if tool in {LIBRARY, PIPELINE}:
            fit = accurate(figures, tool)
        fastest = max((one.times_real_time for one in fit), default=0.0)
        kept += [one for one in fit if one.times_real_time * ratio >= fastest]
    return kept


def ratios(figures: list[Figures], *, half: str) -> dict[str, float | None]:
    """Our best over each peer's best, of the figures of one model.

    Args:
        figures: All configurations of one model.
        half: transformers' name of its 16-bit precision: bfloat16, or float16 on a GPU.

    Returns:
        None where either side has no configuration.
    """
    peers = {
        "faster_whisper": best(figures, FASTER_WHISPER),
        f"hf_{half}": best(figures, TRANSFORMERS, (half,)),
        "hf_float32": best(figures, TRANSFORMERS, ("float32",)),
    }
    found: dict[str, float | None] = {}
    for prefix, tool in (("", LIBRARY), ("pipeline_", PIPELINE)):
        own = best(accurate(figures, tool), tool)
        for name, peer in peers.items():
            found[f"{prefix}ratio_to_{name}"] = (
                own.times_real_time / peer.times_real_time if own and peer else None
            )
    return found


def smallest(per_model: list[dict[str, float | None]]) -> dict[str, float | None]:
    """Each ratio at the model where it is lowest; None where a model has none."""
    names = dict.fromkeys(name for one in per_model for name in one)
    columns = {name: [one.get(name) for one in per_model] for name in names}
    return {
        name: None if None in column else min(value for value in column if value is not None)
        for name, column in columns.items()
    }
