"""The site has what there is; Sphinx checks the rest (tests/integration/test_site.py)."""

from __future__ import annotations

import re

from support.project import ROOT

import beam_audio


def test_the_api_page_names_each_public_name_once() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    named = re.findall(r"^\.\. auto\w+:: (\w+)$", page.partition("## Errors")[0], re.MULTILINE)
    assert sorted(named) == sorted(set(dir(beam_audio)) - {"__version__"})


def test_each_page_of_the_docs_has_a_place_in_the_navigation() -> None:
    settings = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    pages = {f"docs/{page.stem}" for page in ROOT.glob("docs/*.md")}
    assert pages <= set(re.findall(r'"(docs/\w[\w-]*)"', settings))
