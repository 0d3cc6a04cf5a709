"""Where segments may be exported to, and notes in their output of where they were."""

from __future__ import annotations

import json

from beam_audio import store
from beam_audio.errors import ConfigError
from beam_audio.store.output_names import EXPORTS
from beam_audio.types import stable_id


def require_beside(root: str, target: str) -> None:
    """Refuse a target in its own output: the next run would take it for part of that.

    Raises:
        ConfigError: It is there.
    """
    if f"{target.rstrip('/')}/".startswith(f"{root.rstrip('/')}/"):
        raise ConfigError(f"--output={target} is in the output; name a folder beside it")


def note_export(root: str, target: str, name: str) -> None:
    """Note an export in its output, unless that is noted.

    Args:
        root: The output.
        target: The folder of the export.
        name: Its format.

    Raises:
        StoreError: It cannot be written.
    """
    file = f"{EXPORTS}/{stable_id('export', target)}.json"
    note = json.dumps({"format": name, "to": target}).encode()
    uri = store.join(root, file)
    if store.exists(uri):
        with store.open_to_read(uri) as present:
            if present.read() == note:
                return
    store.write_whole(root, file, note)


def read_exports(root: str) -> list[str]:
    """The folders that segments of an output were exported to."""
    found = []
    for file in store.files_under(store.join(root, EXPORTS)):
        with store.open_to_read(file.path) as content:
            found.append(str(json.loads(content.read())["to"]))
    return sorted(found)
