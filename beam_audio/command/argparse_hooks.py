"""What this package takes of argparse beyond its documentation.

The test of this module names the Python versions whose argparse behaves so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse

    Subparsers = argparse._SubParsersAction[Any]  # noqa: SLF001

PYTHON_VERSIONS: Final = ((3, 11), (3, 12), (3, 13))
"""The versions for which these members were looked at."""


def actions(parser: argparse.ArgumentParser) -> tuple[argparse.Action, ...]:
    """Every argument of a parser, with what it sets; argparse offers no list of them."""
    return tuple(parser._actions)  # noqa: SLF001
