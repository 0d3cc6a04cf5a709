"""The docs as a site: no warning, no dead link, search and diagrams from files alone."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from support.browser import browser
from support.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

LINK = re.compile(r'(?:href|src)="([^"]+)"')
NAME = re.compile(r'\bid="([^"]+)"')


@pytest.fixture(scope="module")
def site() -> Path:
    made = subprocess.run(["make", "site"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    return ROOT / ".site" / "html"


def test_each_page_is_there_and_each_link_leads_somewhere(site: Path) -> None:
    pages = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    names = {page: set(NAME.findall(text)) for page, text in pages.items()}
    assert {page.stem for page in ROOT.glob("docs/*.md")} <= {page.stem for page in pages}
    dead = []
    for page, text in pages.items():
        for link in LINK.findall(text):
            parts = urlsplit(link)
            if not parts.scheme and not parts.netloc:
                target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
                name = unquote(parts.fragment)
                if not target.exists() or (name and name not in names.get(target, {name})):
                    dead.append(f"{page.relative_to(site)}: {link}")
    assert not dead


def test_a_browser_without_a_server_or_a_network_searches_and_draws(site: Path) -> None:
    with browser() as window:
        window.open(site / "index.html")
        window.wait("location.pathname.endsWith('/README.html')")
        window.run("location = 'search.html?q=kaldi'")
        # The pages that are found appear one after the other.
        found = "document.querySelector('ul.search')?.innerText"
        assert window.wait(f"{found}?.includes('Data sets as inputs')")
        window.open(site / "docs" / "architecture.html")
        labels = window.wait("document.querySelector('pre.mermaid svg')?.textContent")
        assert "one unit: some tens of recordings" in labels
        assert all(address.startswith(("file:", "data:")) for address in window.requests())
