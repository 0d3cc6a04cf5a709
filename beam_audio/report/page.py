"""One HTML page that holds everything it shows, and asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from string import Template
from typing import TYPE_CHECKING, Final

from beam_audio.report.clips import Clip, clips_of
from beam_audio.report.shown import stored_recordings, stored_segments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beam_audio.report.content import Report
    from beam_audio.report.tables import Tables
    from beam_audio.types import Row

_ESCAPED: Final = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
"""Characters that could end a script or begin a tag; JSON reads them back."""


def page_of(tables: Tables, report: Report) -> str:
    """The page of an output, with the clips of the segments it shows.

    Args:
        tables: The output.
        report: What is told of it.
    """
    return html(report.content, clips_of(tables, report.segments, report.recordings))


def search_page_of(tables: Tables, content: Row) -> str:
    """The page of what a search found, with the clips of its segments.

    Args:
        tables: The output.
        content: ``output``, ``words``, ``like``, ``total``, and ``hits``: what is told of each
            segment.
    """
    ids = [hit["segment_id"] for hit in content["hits"]]
    stored = stored_segments(tables, ids)
    segments = [stored[each] for each in ids if each in stored]
    recordings = stored_recordings(tables, [row["recording_id"] for row in segments])
    clips = clips_of(tables, segments, recordings)
    hits = [{**hit, "clip": _clip(clips.get(hit["segment_id"]))} for hit in content["hits"]]
    return _filled("search.html", ("search.js",), (), {**content, "hits": hits})


def html(content: Row, clips: Mapping[str, Clip | str]) -> str:
    """The page. Its policy lets its own script and style run, and nothing be fetched.

    Args:
        content: What it tells.
        clips: A clip by segment, or why there is none.
    """
    segments = [
        {**each, "clip": _clip(clips.get(each["segment_id"]))} for each in content["segments"]
    ]
    scripts, styles = ("uplot.min.js", "page.js"), ("uplot.min.css",)
    return _filled("report.html", scripts, styles, {**content, "segments": segments})


def _filled(page: str, scripts: Sequence[str], styles: Sequence[str], content: Row) -> str:
    script = "\n".join(map(_packaged, ("spectrogram.js", "parts.js", *scripts)))
    style = "\n".join(map(_packaged, (*styles, "page.css")))
    policy = (
        f"default-src 'none'; script-src '{_sha256(script)}'; style-src '{_sha256(style)}'; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )
    return Template(_packaged("shell.html")).substitute(
        title=f"beam-audio {page.removesuffix('.html')}",
        policy=policy,
        style=style,
        body=_packaged(page),
        data=_data(content),
        script=script,
    )


def _clip(clip: Clip | str | None) -> Row | None:
    if isinstance(clip, Clip):
        return {"opus": base64.b64encode(clip.opus).decode("ascii"), "peaks": clip.peaks}
    return None if clip is None else {"why": clip}


def _data(content: Row) -> str:
    """JSON that stays data inside a script element, whatever its texts hold."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.translate(_ESCAPED).encode("utf-8", "replace").decode("utf-8")


def _packaged(name: str) -> str:
    return (resources.files("beam_audio") / "data" / "report" / name).read_text(encoding="utf-8")


def _sha256(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
