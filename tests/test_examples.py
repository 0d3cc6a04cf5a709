"""Examples: the page about pipelines shows them as they are, and the notebook runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from support.installed_models import needs_tiny_en
from support.project import ROOT

EXAMPLES = ROOT / "examples"
PAGE = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
NOTEBOOK = EXAMPLES / "from_folder_to_plots.ipynb"
MOST_BYTES = 60_000


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.iterdir() if p != NOTEBOOK))
def test_the_page_shows_and_runs_each_program(name: str) -> None:
    language = {".py": "python", ".yaml": "yaml"}[Path(name).suffix]
    program = (EXAMPLES / name).read_text(encoding="utf-8")
    assert f"\n```{language}\n{program}```\n" in PAGE
    assert f"(../examples/{name})" in PAGE


def printed(notebook: Any) -> list[str]:  # noqa: ANN401 - nbformat has no types
    """Lines that the cells print, however a terminal cuts them."""
    texts = [
        output["text"]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream"
    ]
    return "".join(texts).splitlines()


def pictures(notebook: Any) -> int:  # noqa: ANN401 - as above
    kinds = [
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        for kind in output.get("data", ())
    ]
    return kinds.count("image/png")


@pytest.mark.integration
@needs_tiny_en
def test_the_notebook_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    shown, ran = (nbformat.read(NOTEBOOK, as_version=4) for _ in range(2))
    client = NotebookClient(ran, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    assert printed(ran) == printed(shown)
    assert pictures(ran) == pictures(shown) == 1
    assert NOTEBOOK.stat().st_size < MOST_BYTES
