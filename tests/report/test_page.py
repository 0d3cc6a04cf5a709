"""The page in a browser: what a person does with it, and what its texts must not do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from support.browser import Browser, browser
from support.hostile_report import HOSTILE

from beam_audio.audio.encode import encode
from beam_audio.report.clips import Clip, as_segment
from beam_audio.report.content import report_of
from beam_audio.report.page import html, page_of, search_page_of
from beam_audio.report.tables import opened_tables
from beam_audio.types import Audio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from beam_audio.report.content import Report

TONE_HZ = 2_000


@pytest.fixture(scope="module")
def page(output: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with opened_tables(str(output)) as tables:
        text = page_of(tables, report_of(tables))
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    with browser() as window:
        yield window


@pytest.fixture
def window(started: Browser, page: Path) -> Browser:
    """The page, just opened on a large screen."""
    started.resize(1280, 900)
    started.requests()
    started.complaints()
    started.open(page)
    return started


def test_nothing_is_asked_for_and_nothing_complains(window: Browser, page: Path) -> None:
    window.run("document.querySelectorAll('#shown details').forEach((each) => each.open = true)")
    window.wait("document.querySelectorAll('audio').length > 0")
    window.set_dark(is_dark=True)
    window.set_dark(is_dark=False)
    inside = ("data:", page.resolve().as_uri())
    assert [each for each in window.requests() if not each.startswith(inside)] == []
    assert window.complaints() == []


def test_the_policy_stops_a_script_that_got_in(window: Browser) -> None:
    window.run(
        "const script = document.createElement('script'); script.textContent = 'window.in = 1';"
        "document.body.append(script); const image = new Image(); image.src = 'http://localhost:9/';"
        "document.body.append(image);"
    )
    assert window.run("return window.in ?? null") is None
    assert any("Content Security Policy" in each for each in window.complaints())


def test_texts_stay_texts(window: Browser, report: Report) -> None:
    window.run("document.querySelectorAll('#shown details').forEach((each) => each.open = true)")
    shown = window.wait("document.getElementById('shown').innerText")
    references = {each["reference_text"] for each in report.content["segments"]} - {None}
    assert references
    for text in references:
        assert " ".join(text.split()) in " ".join(shown.split())
    speakers = window.run(
        "const key = document.getElementById('key'); key.selectedIndex = "
        "[...key.options].findIndex((each) => each.text === 'metadata: speaker');"
        "key.dispatchEvent(new Event('input'));"
        "return [...document.querySelectorAll('#values td:first-child')]"
        ".map((each) => each.textContent)"
    )
    assert set(speakers) == set(HOSTILE)
    assert window.run("return window.broken ?? null") is None
    assert (
        window.run("return document.querySelectorAll('main script, main img, main b > svg').length")
        == 0
    )


def test_sounds_and_speakers_have_a_section_if_somebody_listened(
    window: Browser, report: Report, tmp_path: Path
) -> None:
    assert window.run("return document.getElementById('heard').hidden")
    heard = {
        "sounds": [
            {"sort": "speech", "segments": 3, "hours": 0.75},
            {"sort": "music", "segments": 1, "hours": 0.25},
        ],
        "events": [{"label": HOSTILE[0], "segments": 2, "hours": 0.5}],
        "people": [{"people": 2, "recordings": 4, "hours": 1.0}],
        "overlap": {"segments": 1, "seconds": 2.5, "persons": 7},
    }
    path = tmp_path / "heard.html"
    path.write_text(html(report.content | {"heard": heard}, {}), encoding="utf-8")
    window.open(path)
    shown = window.wait("document.getElementById('heard').innerText")
    for told in ("75.0\u00a0%", "25.0\u00a0%", HOSTILE[0], "7 told apart", "at once for 2.5 s"):
        assert told in shown
    assert window.complaints() == []


def test_dragging_the_threshold_changes_what_is_kept(window: Browser) -> None:
    before = window.wait("document.getElementById('swept').textContent")
    window.drag("#bound", 1.0)
    after = window.run("return document.getElementById('swept').textContent")
    assert "more than now" in after
    assert before != after
    named = "return document.getElementById('bound').getAttribute('aria-valuetext')"
    assert "wer above" in window.run(named)


def test_a_clip_plays(window: Browser) -> None:
    window.run("document.querySelector('#shown details').open = true")
    window.wait("document.querySelector('audio').readyState >= 2")
    assert window.run("return document.querySelector('audio').duration") > 0.2
    window.run("document.querySelector('audio').play()")
    window.wait("document.querySelector('audio').currentTime > 0.1")


def test_a_spectrogram_shows_the_frequencies_of_the_clip(
    started: Browser, report: Report, tmp_path: Path
) -> None:
    tone = np.sin(2 * np.pi * TONE_HZ * np.arange(16_000) / 16_000).astype(np.float32)
    clip = Clip(encode(as_segment(Audio(tone * 0.5, 16_000), ""), "opus"), (100,), "source")
    path = tmp_path / "tone.html"
    path.write_text(
        html(report.content, dict.fromkeys(report.content["worst"], clip)), encoding="utf-8"
    )
    started.complaints()
    started.open(path)
    started.run("document.querySelector('#shown details').open = true")
    started.wait("document.querySelector('.sound').dataset.drawn !== undefined")
    height, inked = started.run(
        "const canvas = document.querySelector('.spectrogram');"
        "const ink = canvas.getContext('2d').getImageData(canvas.width / 2, 0, 1, canvas.height);"
        "const rows = [...ink.data.filter((_, at) => at % 4 === 3)];"
        "return [canvas.height, rows.flatMap((ink, row) => ink > 180 ? [row] : [])]"
    )
    assert inked
    hertz = [8_000 * (1 - row / height) for row in inked]
    assert min(hertz) == pytest.approx(TONE_HZ, abs=200)
    assert max(hertz) == pytest.approx(TONE_HZ, abs=200)
    assert started.complaints() == []


def test_a_clip_that_the_browser_cannot_decode_has_no_spectrogram(
    started: Browser, report: Report, tmp_path: Path
) -> None:
    path = tmp_path / "broken.html"
    clips = dict.fromkeys(report.content["worst"], Clip(b"no Opus", (100,), "source"))
    path.write_text(html(report.content, clips), encoding="utf-8")
    started.open(path)
    started.run("document.querySelector('#shown details').open = true")
    started.wait("document.querySelector('.sound').innerText.includes('does not decode')")


def test_filters_narrow_the_list(window: Browser, report: Report) -> None:
    everything = len(report.content["worst"])
    assert window.run("return document.querySelectorAll('#shown li').length") == everything
    window.write("#words", "'0.wav")
    first = [each for each in report.content["segments"] if each["uri"].endswith("'0.wav")]
    window.wait(f"document.querySelectorAll('#shown li').length === {len(first)}")
    assert f"{len(first)} segments" in window.run(
        "return document.getElementById('found').textContent"
    )
    assert 0 < len(first) < everything


@pytest.mark.parametrize("is_dark", [False, True])
def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    window: Browser, *, is_dark: bool
) -> None:
    window.set_dark(is_dark=is_dark)
    window.resize(390, 844, is_phone=True)
    window.run("document.querySelector('#shown details').open = true")
    window.wait("innerWidth === 390")
    assert window.run("return document.documentElement.scrollWidth") <= 390
    broken = window.run(
        "return [...document.querySelectorAll('th')].filter((head) => {"
        "const range = document.createRange(); range.selectNodeContents(head);"
        "const lines = new Set([...range.getClientRects()].map((each) => each.top)).size;"
        "return lines > head.textContent.split(/[\\s_:]+/).length;"
        "}).map((head) => head.textContent)"
    )
    assert broken == []
    plots = "[...document.querySelectorAll('.uplot')].every((each) => each.clientWidth <= 390)"
    assert window.wait(plots)
    assert window.complaints() == []


def test_the_tab_key_reaches_everything_in_order(window: Browser) -> None:
    window.run("document.activeElement.blur()")
    reached: list[str] = []
    for _ in range(16):
        window.press("tab")
        reached.append(
            window.run(
                "const at = document.activeElement;"
                "return at.id || at.getAttribute('href') || at.tagName.toLowerCase()"
            )
        )
    assert reached[0] == "#segments"  # the link over the rest
    wanted = ["list", "decision", "reason", "language", "words", "summary"]
    assert [each for each in reached if each in wanted][: len(wanted)] == wanted
    named = window.run(
        "return [...document.querySelectorAll('select, input')]"
        ".filter((each) => !each.labels.length).length"
    )
    assert named == 0


def test_hits_of_a_search_are_marked_and_play_from_their_words(
    started: Browser, output: Path, report: Report, tmp_path: Path
) -> None:
    segment = report.content["segments"][0]
    told = {name: segment[name] for name in ("segment_id", "uri", "decision")}
    seconds = {name: segment[name] for name in ("start_seconds", "end_seconds")}
    text = f"{HOSTILE[0]} two {HOSTILE[1]}"
    at = text.index("two")
    hit = told | seconds | {"text": text, "marks": ((at, at + 3),), "score": 1.5}
    hit |= {"clip_seconds": seconds["start_seconds"], "at_seconds": seconds["start_seconds"] + 0.2}
    content = {"output": str(output), "words": HOSTILE[1], "total": 7, "hits": [hit]}
    path = tmp_path / "found.html"
    with opened_tables(str(output)) as tables:
        path.write_text(search_page_of(tables, content), encoding="utf-8")
    started.complaints()
    started.open(path)
    assert started.run("return document.querySelector('.said').textContent") == text
    assert started.run("return document.querySelector('mark').textContent") == "two"
    assert HOSTILE[1] in started.run("return document.querySelector('h1').textContent")
    assert started.run("return document.querySelector('h1').textContent").endswith(" was said")
    link = started.run("return document.querySelector('.file a').href")
    assert link.startswith("file:///")
    assert link.endswith(f"#t={hit['at_seconds']}")
    started.wait("document.querySelector('audio').currentTime >= 0.2")
    assert started.complaints() == []


@pytest.mark.parametrize(
    ("words", "heading"),
    [
        ("", f"What was said by somebody who sounds like {HOSTILE[0]}"),
        ("two", f"Where two was said by somebody who sounds like {HOSTILE[0]}"),
    ],
)
def test_a_page_says_who_somebody_sounds_like(
    started: Browser, output: Path, tmp_path: Path, words: str, heading: str
) -> None:
    content = {"output": str(output), "words": words, "like": HOSTILE[0], "total": 7, "hits": []}
    path = tmp_path / "found.html"
    with opened_tables(str(output)) as tables:
        path.write_text(search_page_of(tables, content), encoding="utf-8")
    started.open(path)
    assert started.run("return document.querySelector('h1').textContent") == heading


def test_data_cannot_end_its_script() -> None:
    content: dict[str, Any] = {"segments": [], "output": "</script><script>\u2028", "empty": None}
    text = html(content, {})
    data = text.partition('id="data">')[2].partition("</script>")[0]
    assert "<" not in data
    assert "\u2028" not in data
    assert len(re.findall("<script", text.partition("</head>")[2].partition("uPlot")[0])) == 2
