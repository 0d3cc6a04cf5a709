"""``beam-audio doctor``: what is installed, what is missing, and the line that installs it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata, util
from typing import TYPE_CHECKING, Final, Literal

from beam_audio.asr import list_models
from beam_audio.asr.session import available_providers
from beam_audio.errors import ModelError
from beam_audio.models.network_card import all_network_cards
from beam_audio.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

_EMULATORS: Final = ("PUBSUB_EMULATOR_HOST", "STORAGE_EMULATOR_HOST")
_MARKS: Final = {"ok": "ok", "missing": "--", "broken": "!!"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination; ``cure`` is the command to type if the state is not ok."""

    state: Literal["ok", "missing", "broken"]
    part: str
    detail: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings. A broken part makes the report unhealthy; a missing optional part does not."""

    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """Whether the main job can run."""
        return all(finding.state != "broken" for finding in self.findings)

    @property
    def text(self) -> str:
        """One line per finding, with its cure below."""
        lines = []
        for finding in self.findings:
            lines.append(f"{_MARKS[finding.state]}  {finding.part:<24}{finding.detail}")
            if finding.cure:
                lines.append(f"{'':28}{finding.cure}")
        return "\n".join(lines)


def examine() -> Report:
    """Look at this environment; nothing is downloaded or written."""
    return Report(
        (
            Finding("ok", "beam_audio", f"{__version__} on Python {platform.python_version()}"),
            Finding("ok", "apache-beam", metadata.version("apache-beam")),
            _onnxruntime(),
            *_decoders(),
            *_models(),
            *_networks(),
            *_emulators(),
        )
    )


def _onnxruntime() -> Finding:
    installed = [name for name in ("onnxruntime", "onnxruntime-gpu") if _version(name)]
    if not installed:
        cure = "pip install 'beam_audio[cpu]'   or   pip install 'beam_audio[gpu]'"
        return Finding("broken", "onnxruntime", "not installed", cure)
    if len(installed) > 1:
        cure = "pip uninstall -y onnxruntime onnxruntime-gpu, then install one of [cpu], [gpu]"
        return Finding("broken", "onnxruntime", "CPU and GPU packages break each other", cure)
    try:
        providers = ", ".join(available_providers())
    except (ModelError, OSError) as error:
        cure = f"pip install --force-reinstall {installed[0]}"
        return Finding(
            "broken", installed[0], f"it does not load: {error.__cause__ or error}", cure
        )
    return Finding("ok", installed[0], f"{_version(installed[0])}: {providers}")


def _decoders() -> Iterator[Finding]:
    """The libraries that decode audio."""
    import soundfile  # noqa: PLC0415 - loads a shared library

    formats = sorted(soundfile.available_formats())
    detail = f"{soundfile.__version__}, {soundfile.__libsndfile_version__}: {len(formats)} formats"
    yield Finding("ok", "soundfile", f"{detail} (WAV FLAC OGG MP3 AIFF …)")
    try:
        import av  # noqa: PLC0415 - it is optional
    except (ImportError, OSError) as error:
        cure = "pip install 'beam_audio[media]'"
        yield Finding("missing", "PyAV", f"no M4A, MP4, WebM or WMA can be read ({error})", cure)
    else:
        yield Finding(
            "ok", "PyAV", f"{av.__version__}: M4A MP4 WebM WMA and everything else FFmpeg reads"
        )
    if version := _version("tensorflow-io"):
        yield Finding("ok", "tensorflow-io", f"{version}: --decoder=tfio")
    else:
        cure = "pip install 'beam_audio[tfio]'   (Python below 3.13, not beside [gcp])"
        yield Finding("missing", "tensorflow-io", "--decoder=tfio cannot be used", cure)


def _models() -> Iterator[Finding]:
    if util.find_spec("onnx") is None or util.find_spec("tokenizers") is None:
        yield Finding("broken", "models", "onnx or tokenizers is missing", "pip install beam_audio")
    for model in list_models():
        if model.available:
            yield Finding("ok", model.name, model.status)
        else:
            yield Finding("missing", model.name, model.status, model.cure)


def _networks() -> Iterator[Finding]:
    for card in all_network_cards():
        if card.missing:
            yield Finding("missing", card.name, card.status, card.cure)
        else:
            yield Finding("ok", card.name, card.status)


def _emulators() -> Iterator[Finding]:
    for variable in _EMULATORS:
        value = os.environ.get(variable)
        yield Finding("ok", variable, value or "not set: the real service is used")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
