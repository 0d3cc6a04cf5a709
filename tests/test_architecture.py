"""What docs/architecture.md names exists: layers, rooms, places of the likeliest changes."""

from __future__ import annotations

import ast
import re

import pytest
from support import rooms
from support.project import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
NAMED = re.compile(r"\[`(?P<file>[^`]+)`\]\(\.\./(?P<link>[^)]+)\)(?P<after>[^\[|]*)")


def section(title: str) -> str:
    _, _, rest = PAGE.partition(f"## {title}\n")
    assert rest, f"there is no section {title!r}"
    return rest.split("\n## ")[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, their heads left out."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]


def names_in(file: str) -> set[str]:
    """What a module defines, members of its classes included."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


PLACES = rows(section("Where do I change …"))


def test_layers_are_the_tested_ones() -> None:
    shown = [frozenset(re.findall(r"`(\w+)`", cells[1])) for cells in rows(section("Layers"))]
    assert tuple(shown) == rooms.LAYERS


def test_tree_shows_every_room_and_folder() -> None:
    shown = set(re.findall(r"^ *(\w+)/ ", section("Layers"), re.MULTILINE))
    folders = {path.parent.name for path in rooms.PACKAGE.glob("*/__init__.py")}
    assert shown == folders | {"models", "templates", "examples", "benchmarks", "tests"}
    assert all((ROOT / name).is_dir() for name in shown - folders)


def test_the_likeliest_changes_have_a_place() -> None:
    assert len(PLACES) >= 10
    assert all(NAMED.search(cells[1]) for cells in PLACES)


@pytest.mark.parametrize("cells", PLACES, ids=lambda cells: str(cells[0]))
def test_places_hold_what_they_are_said_to_hold(cells: list[str]) -> None:
    checked = 0
    for named in NAMED.finditer(cells[1]):
        assert named["file"] == named["link"]
        symbols = set(re.findall(r"`(\w+)`", named["after"]))
        assert symbols <= names_in(named["file"]), named["file"]
        checked += len(symbols)
    assert checked
