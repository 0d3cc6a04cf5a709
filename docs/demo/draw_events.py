"""Draws which sounds are in a recording, as docs/classify.md shows them.

    python docs/demo/draw_events.py --models=FOLDER RECORDING docs/images/classify.svg

FOLDER holds YAMNet and FireRedVAD's event model. A row is a label; a bar is an event, the darker
the higher its score.
"""

from __future__ import annotations

import argparse
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio import classify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beam_audio import AudioEvent, Classification

WIDTH, LEFT, ROW, TOP = 760, 150, 26, 40
COLOUR = "#2a6f97"
TICK_SECONDS = 5


def svg(found: Classification) -> str:
    """The picture."""
    labels = list(dict.fromkeys(event.label for event in found.events))
    bottom = TOP + ROW * len(labels)
    scale = (WIDTH - LEFT - 10) / found.duration_seconds
    size = f'viewBox="0 0 {WIDTH} {bottom + 30}" font-family="sans-serif" font-size="13"'
    scores = f"speech_score {found.speech_score:.2f}, music_score {found.music_score:.2f}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
            f'<rect width="{WIDTH}" height="{bottom + 30}" fill="white"/>',
            f'<text x="10" y="22">{found.sort}: {scores}</text>',
            *_rows(labels),
            *(_bar(event, labels.index(event.label), scale) for event in found.events),
            *_ticks(found.duration_seconds, scale, bottom),
            "</svg>\n",
        ]
    )


def _rows(labels: list[str]) -> Iterator[str]:
    for place, label in enumerate(labels):
        middle = TOP + ROW * (place + 0.5)
        yield f'<text x="10" y="{middle + 4}">{escape(label)}</text>'
        yield f'<path d="M{LEFT} {middle}H{WIDTH - 10}" stroke="#ddd"/>'


def _bar(event: AudioEvent, place: int, scale: float) -> str:
    width = (event.end_seconds - event.start_seconds) * scale
    return (
        f'<rect x="{LEFT + event.start_seconds * scale:.1f}" y="{TOP + ROW * place + 5}" '
        f'width="{width:.1f}" height="{ROW - 10}" fill="{COLOUR}" opacity="{event.score:.2f}"/>'
    )


def _ticks(seconds: float, scale: float, bottom: int) -> Iterator[str]:
    for second in range(0, int(seconds) + 1, TICK_SECONDS):
        yield f'<text x="{LEFT + second * scale:.0f}" y="{bottom + 18}">{second} s</text>'


def main() -> None:
    """Draw a recording."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True)
    parser.add_argument("recording")
    parser.add_argument("target", type=Path)
    given = parser.parse_args()
    given.target.parent.mkdir(parents=True, exist_ok=True)
    given.target.write_text(svg(classify(given.recording, model=given.models)), "utf-8")


if __name__ == "__main__":
    main()
