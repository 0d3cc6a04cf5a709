"""Writes the files that repeat flags: the template's metadata, docs/flags.md, and Beam's flags.

    python templates/write_metadata.py

The first two come from ``RunConfig``, the last from the installed Beam. A test holds each file
equal to what it comes from.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Final

from beam_audio.command.argparse_hooks import actions
from beam_audio.command.flags import by_group
from beam_audio.run.config import RunConfig
from beam_audio.run.run_flags import KINDS
from beam_audio.store.beam_hooks import beam_parsers

ROOT: Final = Path(__file__).resolve().parents[1]

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
_NAMES: Final = "^[A-Za-z0-9_-]+( *, *[A-Za-z0-9_-]+)*$"
_MODEL: Final = "^(gs://.+|[A-Za-z0-9._-]+)$"
_TEXT_PATTERNS: Final = {
    "input": "^gs://[^/]+/.*$",
    "manifest": "^gs://[^/]+/.+$",
    "output": "^gs://[^/]+(/.*)?$",
    "model": _MODEL,
    "second_model": _MODEL,
    "classify_model": _MODEL,
    "speaker_model": _MODEL,
    "enhance_model": "^gs://[^/]+/.+$",
    "allow_inputs": "^(gs|s3)://[^,]+(,(gs|s3)://[^,]+)*$",
    "subscription": "^projects/[^/]+/subscriptions/[^/]+$",
    "event_time_attribute": "^.+$",
    "output_topic": "^projects/[^/]+/topics/[^/]+$",
    "drift_reference": "^gs://[^/]+(/.*)?$",
    "precision": "^[a-z0-9]+$",
    "provider": "^[A-Za-z]+$",
    "language": "^[A-Za-z0-9_-]+$",
    "channels": "^(mix|split|[0-9]+)$",
    "tracks": "^(default|all|[0-9]+)$",
    "decoder_allow": "^[a-z0-9]+( *, *[a-z0-9]+)*$",
    "normalizer": "^[a-z0-9-]+$",
    "partition_by": _NAMES,
    "metadata_columns": _NAMES,
    "rules": "^(strict|balanced|lenient)$",
}
# What a parameter's pattern takes; its help ends with them.
_EXAMPLES: Final = {
    "input": ("gs://my-bucket/calls/", "gs://my-bucket/**.flac"),
    "manifest": ("gs://my-bucket/calls.jsonl",),
    "output": ("gs://my-bucket/out",),
    "model": ("whisper-base", "gs://my-bucket/models/my-whisper"),
    "second_model": ("whisper-base",),
    "allow_inputs": ("gs://my-bucket/calls", "gs://my-bucket,gs://other-bucket"),
    "subscription": ("projects/my-project/subscriptions/calls",),
    "output_topic": ("projects/my-project/topics/rows",),
    "event_time_attribute": ("recorded_at",),
    "drift_reference": ("gs://my-bucket/last-month",),
    "precision": ("auto", "float16"),
    "provider": ("auto", "CUDAExecutionProvider"),
    "language": ("auto", "from_manifest", "en", "es-419"),
    "channels": ("mix", "split", "0"),
    "tracks": ("default", "all", "0"),
    "decoder_allow": ("sds", "sds,voc"),
    "normalizer": ("auto", "basic-1"),
    "partition_by": ("date,language",),
    "metadata_columns": ("speaker,source",),
    "rules": ("strict", "balanced", "lenient"),
    "limit": ("1000",),
    "classify_model": ("gs://my-bucket/models/sounds",),
    "speaker_model": ("gs://my-bucket/models/speakers",),
    "enhance_model": ("gs://my-bucket/models/denoiser",),
    "speaker_count": ("2",),
    "window_seconds": ("30", "12.5"),
    "overlap_seconds": ("0", "1.5"),
    "max_recording_seconds": ("86400",),
    "max_source_bytes": ("1000000000",),
    "max_channels": ("2",),
    "max_sample_rate_hz": ("48000",),
    "batch_seconds": ("120",),
    "gpu_memory_fraction": ("0.8",),
    "part_minutes": ("15",),
    "unit_bytes": ("8000000",),
    "max_wait_seconds": ("30",),
    "drift_threshold": ("0.25",),
}
# Where a flag takes more than a parameter can: the launcher's image has no file of the user's.
_HELP: Final = {
    "input": "audio in a bucket: a folder (at any depth), a file or a glob",
    "model": "a name from 'beam-audio models list', or a folder in a bucket",
    "normalizer": "text normaliser for WER and CER; auto chooses by language",
    "output": "folder in a bucket for the tables",
    "rules": "rules that decide what is kept",
}
# Parameters that are shown once another one has one of these values, or any where none is named.
_SHOWN_WITH: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "vad_preset": ("segmenter", ("vad",)),
    "window_seconds": ("segmenter", ("fixed",)),
    "overlap_seconds": ("segmenter", ("fixed",)),
    "max_wait_seconds": ("subscription", ()),
    "event_time_attribute": ("subscription", ()),
    "output_topic": ("subscription", ()),
    "drift_reference": ("subscription", ()),
    "drift_threshold": ("drift_reference", ()),
    "log_format": ("subscription", ()),
}
# Flags that a job refuses: only the command that reads messages itself can be asked for metrics.
NO_PARAMETERS: Final = frozenset({"metrics_port", "metrics_host"})
_IMAGE: Final = {
    "name": "sdk_container_image",
    "label": "Worker image",
    "helpText": "Image of the workers, made from templates/worker-cpu.Dockerfile or "
    "templates/worker-gpu.Dockerfile of the version that this template has; for example "
    "europe-west4-docker.pkg.dev/my-project/beam-audio/worker-cpu:0.1.0",
    "paramType": "TEXT",
    "groupName": "Workers",
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


def _help_text(field: dataclasses.Field[Any]) -> str:
    """The flag's help as a template can keep it, with examples that its pattern takes."""
    text = _HELP.get(field.name, field.metadata["help"])
    examples = _EXAMPLES.get(field.name, ())
    shown = f"; for example {' or '.join(examples)}" if examples else ""
    return str(text[0].upper() + text[1:] + shown)


def parameter(field: dataclasses.Field[Any]) -> dict[str, Any]:
    """A flag as a parameter of the flex template."""
    choices = field.metadata["choices"]
    described: dict[str, Any] = {
        "name": field.name,
        "label": field.name.replace("_", " ").capitalize(),
        "helpText": _help_text(field),
        "paramType": _PLACES.get(field.name) or _KINDS[KINDS[field.name]],
        "isOptional": field.name != "output",
    }
    if field.name in _SHOWN_WITH:
        parent, values = _SHOWN_WITH[field.name]
        described["parentName"] = parent
        if values:
            described["parentTriggerValues"] = list(values)
    else:  # the service looks at a group only without a parent
        described["groupName"] = field.metadata["group"].capitalize()
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
    fields = [each for each in dataclasses.fields(RunConfig) if each.name not in NO_PARAMETERS]
    return {
        "name": "beam_audio",
        "description": "Audio of a bucket, transcribed, measured and judged, as partitioned "
        "Parquet. Give one of input, manifest and subscription.",
        # Streams, too, in the one mode they were tested in.
        "streaming": True,
        "supportsExactlyOnce": True,
        "supportsAtLeastOnce": False,
        "parameters": [*map(parameter, fields), _IMAGE],
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
    found = (action for _, parser in beam_parsers() for action in actions(parser))
    names = {name for action in found for name in action.option_strings}
    return _BEAM_HEAD + "".join(f"{name}\n" for name in sorted(names))


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
