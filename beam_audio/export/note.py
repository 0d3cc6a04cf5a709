"""Notes in an output of where its segments were exported to."""

from __future__ import annotations

import json

from beam_audio import store
from beam_audio.store.output_names import EXPORTS
from beam_audio.types import stable_id


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
