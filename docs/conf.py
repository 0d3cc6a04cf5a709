"""Sphinx makes a site of the README and the docs; ``make site`` calls it.

Pages stay where people read them in the repository, so each link works in both places.
"""

from __future__ import annotations

import ast
import inspect
import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx.ext.autodoc.mock import _MockModule, _MockObject
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

# In the order in which somebody new needs them. Sphinx warns of a page that is not in it.
NAVIGATION = {
    "Start": ["docs/install", "docs/first-run"],
    "Run": [
        *("docs/flags", "docs/models", "docs/gpu", "docs/again", "docs/faults", "docs/fleet"),
        "docs/runners",
    ],
    "Inputs": ["docs/inputs", "docs/manifests", "docs/lists", "docs/long", "docs/decoding"],
    "Outputs": [
        *("docs/text", "docs/evidence", "docs/classify", "docs/speakers", "docs/enhance"),
        *("docs/report", "docs/search", "docs/storage", "docs/tables", "docs/governance"),
    ],
    "Curate": ["docs/curate", "docs/duplicates", "docs/labels", "docs/review"],
    "Export": ["docs/export", "docs/pipelines"],
    "Operate": [
        *("docs/streaming", "docs/operations", "docs/dataflow", "docs/flink"),
        *("templates/README", "SECURITY"),
    ],
    "Reference": ["docs/api", "docs/architecture", "models/README", "CONTRIBUTING", "CHANGELOG"],
}
INSTALLED = {"beam_audio", "numpy", "pyarrow"}


def _packages_that_are_not_installed() -> set[str]:
    """What the package imports beside Python's own library and what this environment has."""
    names = set()
    for path in ROOT.glob("beam_audio/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(str(node.module))
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - INSTALLED


project = "beam_audio"
project_copyright = "The beam_audio developers"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "models/*.md", "templates/*.md"]
exclude_patterns = [".*"]

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

# Docstrings are read without Beam, stores and models, which weigh much and are not looked at.
autodoc_mock_imports = sorted(_packages_that_are_not_installed())
autodoc_preserve_defaults = True
napoleon_use_ivar = True

html_theme = "furo"
html_title = "beam_audio"
html_extra_path = ["site"]
html_static_path = ["../.site/static"]
html_copy_source = False


class Mermaid(SphinxDirective):
    """A diagram, drawn where the page is read."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The text of the diagram; ``_add_mermaid`` adds what draws it."""
        text = escape("\n".join(self.content))
        diagram = f'<pre class="mermaid" style="min-width: 90rem">{text}</pre>'
        return [nodes.raw("", f'<div style="overflow-x: auto">{diagram}</div>', format="html")]


def _add_mermaid(
    app: Sphinx, _page: str, _template: str, context: dict[str, str], _tree: nodes.document | None
) -> None:
    if 'class="mermaid"' in context.get("body", ""):
        app.add_js_file("mermaid.min.js")


def _add_navigation(_app: Sphinx, page: str, text: list[str]) -> None:
    if page == root_doc:
        for caption, pages in NAVIGATION.items():
            options = f":hidden:\n:caption: {caption}\n"
            text[0] += "\n```{toctree}\n" + options + "\n" + "\n".join(pages) + "\n```\n"


def _own_signature(
    _app: Sphinx, what: str, _name: str, found: type, *_: object
) -> tuple[str, None] | None:
    """How an object of Beam's is made; autodoc sees how the stand-in for its base class is."""
    if what != "class" or not any("Mock" in base.__name__ for base in found.__mro__):
        return None
    if "__init__" not in vars(found):
        return "()", None
    _self, *parameters = inspect.signature(vars(found)["__init__"]).parameters.values()
    return stringify_signature(inspect.Signature(parameters)), None


def _as_it_is(*_: object, **_outputs: object) -> Callable[[type], type]:
    """In place of Beam's decorators for types: autodoc sees through one stand-in, not several."""
    return lambda found: found


def setup(app: Sphinx) -> None:
    """What Sphinx does beside its settings."""
    for stand_in in (_MockModule, _MockObject):
        stand_in.with_input_types = stand_in.with_output_types = staticmethod(_as_it_is)
    app.add_directive("mermaid", Mermaid)
    app.connect("source-read", _add_navigation)
    app.connect("html-page-context", _add_mermaid)
    app.connect("autodoc-process-signature", _own_signature)
