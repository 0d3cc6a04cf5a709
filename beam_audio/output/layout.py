"""The layout of an output's files, which the first run decides for all.

Commit records show it once there are any. Until then two runs that start at the same time would
each find an empty output. So a run first writes its layout into a file, unless one is there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.output.processes import is_running
from beam_audio.store.compare_and_swap import swap
from beam_audio.store.output_names import LAYOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOREIGN: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def require_same(wanted: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Refuse a run whose folders or columns differ from those that an output has.

    Raises:
        ConfigError: They do; the message names the flags.
    """
    flags = _flags_that_differ(wanted, found)
    if flags:
        raise ConfigError(
            f"--output holds rows made with another {flags}; "
            "name another --output or use the flag of the earlier run (see its run-*.json)"
        )


def agree(root: str, wanted: Mapping[str, str], process: str) -> None:
    """Decide the layout of an output without commit records, or find that it is decided.

    The layout of a run that has ended without a row counts no more.

    Args:
        root: The output folder.
        wanted: Names and values of the settings that all rows of an output share.
        process: The process that the run ends with; empty for a job that goes on without it.

    Raises:
        ConfigError: Another run has decided otherwise; the message names the flags.
        StoreError: The output cannot be written.
    """

    def may_replace(content: bytes | None) -> bool:
        return content is None or is_running(_parsed(content).get("process", "")) is False

    content = json.dumps({"layout": dict(wanted), "process": process}).encode()
    present = swap(root, LAYOUT, content, may_replace) or content
    flags = _flags_that_differ(wanted, _parsed(present).get("layout", {}))
    if flags:
        raise ConfigError(
            f"another run over --output={root} has just begun with another {flags}; name another "
            f"--output, use the same flag, or, if no run is at work there, delete "
            f"{store.join(root, LAYOUT)}"
        )


def _flags_that_differ(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    names = sorted(name for name, value in wanted.items() if found.get(name) != value)
    return ", ".join(f"--{name}" for name in names)


def _parsed(content: bytes) -> dict[str, Any]:
    """What a file of :func:`agree` holds; nothing if it is damaged."""
    try:
        found: dict[str, Any] = json.loads(content)
        return {"process": str(found["process"]), "layout": dict(found["layout"])}
    except _FOREIGN:
        return {}
