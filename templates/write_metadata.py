"""Writes the files that repeat flags: the template's metadata, docs/flags.md, and Beam's flags.

    python templates/write_metadata.py

The first two come from ``RunConfig``, the last from the installed Beam. A test holds each file
equal to what it comes from.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any, Final

from beam_audio.command.argparse_hooks import option_strings
from beam_audio.command.flags import by_group
from beam_audio.run.config import KINDS, RunConfig
from beam_audio.store.beam_hooks import add_beam_flags

ROOT: Final = Path(__file__).resolve().parents[1]

_ADDRESS: Final = "^gs://[^/]+/.+$"
_PLACES: Final = {
    "output": "GCS_WRITE_FOLDER",
    "manifest": "GCS_READ_FILE",
    "subscription": "PUBSUB_SUBSCRIPTION",
    "output_topic": "PUBSUB_TOPIC",
    "drift_reference": "GCS_READ_FOLDER",
}
_KINDS: Final = {bool: "BOOLEAN", int: "NUMBER", float: "NUMBER", str: "TEXT"}
_SHOWN_KINDS: Final = {bool: "true or false", int: "whole number", float: "number", str: "text"}
_PATTERNS: Final = {int: "^[0-9]+$", float: r"^[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?$"}
_TEXT_PATTERNS: Final = {
    "input": _ADDRESS,
    "manifest": _ADDRESS,
    "output": "^gs://[^/]+(/.*)?$",
    "model": "^(gs://.+|[A-Za-z0-9._-]+)$",
    "allow_inputs": "^(gs|s3)://[^,]+(,(gs|s3)://[^,]+)*$",
    "subscription": "^projects/[^/]+/subscriptions/[^/]+$",
    "event_time_attribute": "^.+$",
    "output_topic": "^projects/[^/]+/topics/[^/]+$",
    "drift_reference": "^gs://[^/]+(/.*)?$",
    "metrics_host": "^[A-Za-z0-9.-]+$",
    "precision": "^[a-z0-9]+$",
    "provider": "^[A-Za-z]+$",
    "language": "^[A-Za-z_-]+$",
    "channels": "^(mix|split|[0-9]+)$",
    "tracks": "^(default|[0-9]+)$",
    "normalizer": "^[a-z0-9-]+$",
    "partition_by": "^[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*$",
    "metadata_columns": "^[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*$",
    "rules": "^(strict|balanced|lenient)$",  # the launcher's image holds no other file
}
_IMAGE: Final = {
    "name": "sdk_container_image",
    "label": "Worker image",
    "helpText": "image of the workers, made from templates/worker-cpu.Dockerfile or "
    "templates/worker-gpu.Dockerfile of the version that this template has",
    "paramType": "TEXT",
    "regexes": ["^[^ ]+[:@][^ ]+$"],
}
_FLAGS_HEAD: Final = """# Flags of beam-audio run

`python templates/write_metadata.py` writes this page. Each flag is written `--name=value`; it is
also a key of `--config=FILE.yaml`, and a parameter of the [flex template](dataflow.md). Every flag
of Apache Beam and its runners is accepted too, on the command line and in the file.
"""
_TABLE_HEAD: Final = """
## {}

| flag | kind | default | |
| --- | --- | --- | --- |
"""
_BEAM_HEAD: Final = (
    "Flags that Apache Beam accepts. python templates/write_metadata.py writes this.\n"
)


def shown_default(field: dataclasses.Field[Any]) -> str | None:
    """The default as it is typed, None where there is none."""
    if field.default in (None, ""):
        return None
    return str(field.default).lower() if KINDS[field.name] is bool else str(field.default)


def parameter(field: dataclasses.Field[Any]) -> dict[str, Any]:
    """A flag as a parameter of the flex template."""
    help_text, choices = field.metadata["help"], field.metadata["choices"]
    described: dict[str, Any] = {
        "name": field.name,
        "label": field.name.replace("_", " ").capitalize(),
        "helpText": help_text[0].upper() + help_text[1:],
        "paramType": _PLACES.get(field.name) or _KINDS[KINDS[field.name]],
        "isOptional": field.name != "output",
    }
    if choices:
        described["paramType"] = "ENUM"
        described["enumOptions"] = [{"value": choice, "label": choice} for choice in choices]
    if pattern := _TEXT_PATTERNS.get(field.name) or _PATTERNS.get(KINDS[field.name]):
        described["regexes"] = [pattern]
    if (default := shown_default(field)) is not None:
        described["defaultValue"] = default
    return described


def metadata() -> dict[str, Any]:
    """The content of metadata.json."""
    return {
        "name": "beam_audio",
        "description": "Audio of a bucket, transcribed, measured and judged, as partitioned "
        "Parquet. Give one of input, manifest and subscription.",
        # Streams, too, in the one mode they were tested in.
        "streaming": True,
        "supportsExactlyOnce": True,
        "supportsAtLeastOnce": False,
        "parameters": [*map(parameter, dataclasses.fields(RunConfig)), _IMAGE],
    }


def flag_row(field: dataclasses.Field[Any]) -> str:
    """A flag as a line of docs/flags.md."""
    value = ", ".join(f"`{choice}`" for choice in field.metadata["choices"])
    value = value or _SHOWN_KINDS[KINDS[field.name]]
    default = shown_default(field)
    shown = f"`{default}`" if default is not None else ""
    return f"| `--{field.name}` | {value} | {shown} | {field.metadata['help']} |\n"


def flags_page() -> str:
    """The content of docs/flags.md."""
    tables = [
        _TABLE_HEAD.format(name.capitalize()) + "".join(map(flag_row, fields))
        for name, fields in by_group()
    ]
    return _FLAGS_HEAD + "".join(tables)


def beam_flags() -> str:
    """The content of beam_flags.txt."""
    parser = argparse.ArgumentParser(add_help=False)
    add_beam_flags(parser)
    return _BEAM_HEAD + "".join(f"{name}\n" for name in sorted(option_strings(parser)))


def contents() -> dict[Path, str]:
    """Every file written here, with its content."""
    return {
        ROOT / "templates" / "metadata.json": json.dumps(metadata(), indent=1) + "\n",
        ROOT / "docs" / "flags.md": flags_page(),
        ROOT / "beam_audio" / "data" / "beam_flags.txt": beam_flags(),
    }


if __name__ == "__main__":
    for path, content in contents().items():
        path.write_text(content, encoding="utf-8")
