"""Raw recordings in; transcribed, measured, partitioned Parquet out, by one Apache Beam graph.

The public names are the imports of ``__init__.pyi``. Each is imported when it is first used, so
that decoding, splitting and transcribing need no Beam.
"""

import ast
import os
from importlib import import_module
from pathlib import Path

# From 1.29 on, ONNX Runtime reports the machine and its models to its maker, unless this is set
# before it is loaded. Every process that uses it here, workers too, runs this line first.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# Arrow's own allocator keeps some 15 MiB of what writing rows freed. It is chosen when Arrow is
# loaded, which Beam's workers do before they load this: images set it, too.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

_MODULES = {
    name.name: statement.module
    for statement in ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8")).body
    if isinstance(statement, ast.ImportFrom)
    for name in statement.names
}
__all__ = sorted(_MODULES)  # noqa: PLE0605 - read from the one list there is


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(str(_MODULES[name])), name)
    return found


def __dir__() -> list[str]:
    return [*__all__]
