"""The rooms of the package and what they import: ``python tests/support/rooms.py`` prints them.

A room is a folder below ``beam_audio/`` or one of the eight files at its top; ``benchmarks/`` and
``templates/`` count as rooms too. An arrow is an import from one room in another.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "beam_audio"

# DESIGN: a room imports from layers above its own only. "beam_audio" is the package's __init__.
LAYERS: Final[tuple[frozenset[str], ...]] = tuple(
    frozenset(layer.split())
    for layer in (
        "types errors schema spelling version child",
        "store quality audio segments",
        "models inputs",
        "asr classifiers enhancers output speakers",
        "unit",
        "curate export report search stream",
        "transforms",
        "run",
        "command",
        "__main__ beam_audio",
    )
)
BESIDE: Final = ("benchmarks", "templates")


@dataclass(frozen=True, slots=True)
class Module:
    """One file: its dotted name, without ``beam_audio.``, and its room."""

    name: str
    path: Path

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @property
    def layer(self) -> int:
        """Number of its layer, from 1; one more than there are for what is beside the package."""
        numbers = (number for number, layer in enumerate(LAYERS, 1) if self.room in layer)
        return next(numbers, len(LAYERS) + 1)


def _dotted(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> Mapping[str, Module]:
    """Every module of the package by name; the package itself is ``beam_audio``."""
    names = {_dotted(path, PACKAGE) or "beam_audio": path for path in PACKAGE.rglob("*.py")}
    return {name: Module(name, path) for name, path in sorted(names.items())}


def beside() -> list[Module]:
    """What is beside the package and imports it."""
    found = (path for folder in BESIDE for path in sorted((ROOT / folder).rglob("*.py")))
    return [Module(_dotted(path, ROOT), path) for path in found]


def imported_names(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, inside functions and type blocks too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}:{node.lineno} imports relatively; name the module whole")
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def imported_modules(module: Module) -> frozenset[str]:
    """Modules of the package that a module imports, its stub's included: ``beam_audio`` has one."""
    stub = module.path.with_suffix(".pyi")
    names = [*imported_names(module.path), *(imported_names(stub) if stub.exists() else ())]
    own = (name for name in names if name.partition(".")[0] == "beam_audio")
    return frozenset(_module_of(name) for name in own) - {module.name}


def _module_of(name: str) -> str:
    """The module an imported name is in: the last part may be something inside it."""
    parts = name.split(".")[1:]
    while parts and ".".join(parts) not in modules():
        parts.pop()
    return ".".join(parts) or "beam_audio"


def arrows() -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports the second."""
    every = [*modules().values(), *beside()]
    pairs = {(each.room, modules()[name].room) for each in every for name in imported_modules(each)}
    return {(importer, imported) for importer, imported in pairs if importer != imported}


def floors() -> dict[str, int]:
    """Each room's floor: 1 without imports, else one more than the highest it imports.

    Raises:
        graphlib.CycleError: Rooms import each other in a circle.
    """
    imports: dict[str, set[str]] = {each.room: set() for each in [*modules().values(), *beside()]}
    for importer, imported in arrows():
        imports[importer].add(imported)
    found: dict[str, int] = {}
    for room in TopologicalSorter(imports).static_order():
        found[room] = 1 + max((found[each] for each in imports[room]), default=0)
    return found


def circle_inside(room: str) -> list[str]:
    """Modules of a room that import each other in a circle; none is how it should be."""
    inside = {name: each for name, each in modules().items() if each.room == room}
    graph = {name: imported_modules(each) & inside.keys() for name, each in inside.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def back_arrows() -> set[tuple[str, str]]:
    """Modules that import from their own layer's other rooms or from a layer below, as pairs."""
    return {
        (each.name, name)
        for each in modules().values()
        for name in imported_modules(each)
        if modules()[name].room != each.room and modules()[name].layer >= each.layer
    }


def main() -> None:
    """Print rooms by floor, and what the plan counts."""
    found = floors()
    for number in range(1, max(found.values()) + 1):
        print(f"{number:3}", *sorted(room for room, floor in found.items() if floor == number))
    circles = [room for room in found if circle_inside(room)]
    print(
        f"{len(found)} rooms, {max(found.values())} floors, {len(arrows())} arrows, "
        f"{len(back_arrows())} back, {len(circles)} circles"
    )
    for pair in sorted(back_arrows()):
        print("back:", *pair)
    for room in circles:
        for importer, imported in pairwise(circle_inside(room)):
            print("circle:", importer, imported)


if __name__ == "__main__":
    main()
