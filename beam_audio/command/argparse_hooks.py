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


def option_strings(parser: argparse.ArgumentParser) -> frozenset[str]:
    """Every spelling of every flag of a parser; argparse offers no list of them."""
    actions = parser._actions  # noqa: SLF001
    return frozenset(name for action in actions for name in action.option_strings)
