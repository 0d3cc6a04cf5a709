"""An output whose texts, names and metadata try to become part of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from support.run_outputs import run, write_manifest, write_speech

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE: Final = (
    "<script>window.broken = 1</script>",
    "</script><img src=x onerror='window.broken = 1'>",
    '"\'><svg onload="window.broken = 1">',
    "\u202emirrored \u05e9\u05dc\u05d5\u05dd <b>bold</b> &amp; \u2028",
    "${data} {{data}} $policy",
)


def write_hostile_output(folder: Path) -> Path:
    """A run over five recordings with such references and speakers, and one that is missing."""
    lines: list[dict[str, object] | str] = []
    for number, text in enumerate(HOSTILE):
        path = write_speech(folder / f"a<b>&\"'{number}.wav", start_seconds=0.5 * number)
        lines.append(
            {
                "audio_filepath": str(path),
                "text": text,
                "lang": "en",
                "speaker": text,
                "source": "even" if number % 2 == 0 else "odd",
            }
        )
    lines.append({"audio_filepath": str(folder / "missing.wav"), "text": "gone", "lang": "en"})
    manifest = write_manifest(folder / "manifest.jsonl", lines)
    run(manifest=manifest, output=folder / "output", store_audio="flac")
    return folder / "output"
