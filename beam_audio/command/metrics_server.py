"""An HTTP server for those who watch a stream: ``/metrics``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, MetricsHandler, ProcessCollector

from beam_audio.errors import ConfigError
from beam_audio.stream.metrics import StreamMetrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beam_audio.stream.progress import StreamProgress

_ANSWER_SECONDS: Final = 60.0
"""How long Pub/Sub may take to answer before the stream counts as stuck."""


@contextmanager
def serving(
    progress: StreamProgress, host: str, port: int, max_wait_seconds: float
) -> Iterator[None]:
    """Serve while the block runs.

    Args:
        progress: The stream.
        host: Address to listen on.
        port: Port to listen on.
        max_wait_seconds: How long the stream may collect messages.

    Raises:
        ConfigError: The port cannot be had.
    """
    patience_seconds = 2 * max_wait_seconds + _ANSWER_SECONDS
    handler = _handler(progress, patience_seconds, time.time)
    try:
        server = ThreadingHTTPServer((host, port), handler)
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"--metrics_port={port} cannot be served on {host}: {error}; name a free port"
        ) from error
    with server:
        thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _handler(
    progress: StreamProgress, patience_seconds: float, now: Callable[[], float]
) -> type[MetricsHandler]:
    """What answers each request."""

    def is_ready() -> bool:
        return progress.status.is_ready(now(), patience_seconds)

    probes = {
        "/healthz": lambda: progress.status.is_alive(now(), patience_seconds),
        "/readyz": is_ready,
    }

    class Handler(MetricsHandler):
        registry = CollectorRegistry()

        def do_GET(self) -> None:  # noqa: N802 - the library's name
            path = self.path.partition("?")[0]
            if path == "/metrics":
                super().do_GET()
            elif path not in probes:
                self._answer(HTTPStatus.NOT_FOUND)
            else:
                is_so = probes[path]()
                self._answer(HTTPStatus.OK if is_so else HTTPStatus.SERVICE_UNAVAILABLE)

        def _answer(self, status: HTTPStatus) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(f"{status.phrase}\n".encode())

    Handler.registry.register(StreamMetrics(progress, is_ready, now))
    ProcessCollector(registry=Handler.registry)
    return Handler
