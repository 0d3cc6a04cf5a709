"""A server before the Pub/Sub emulator that refuses to publish, as for lack of permission."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import grpc

if TYPE_CHECKING:
    from collections.abc import Iterator

_PUBLISH: Final = "/google.pubsub.v1.Publisher/Publish"


@contextmanager
def refusing_to_publish(emulator: str) -> Iterator[str]:
    """Address of a server that passes everything but publications on to an emulator."""
    with grpc.insecure_channel(emulator) as channel, ThreadPoolExecutor() as pool:
        server = grpc.server(pool, handlers=[_Pass(channel)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()


class _Pass(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc is not typed
    """Passes calls of one question and one answer on, as the bytes they are."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel

    def service(self, details: Any) -> grpc.RpcMethodHandler:  # noqa: ANN401 - as above
        """What answers a call."""
        return grpc.unary_unary_rpc_method_handler(
            _refuse if details.method == _PUBLISH else self._passing(details.method)
        )

    def _passing(self, method: str) -> Any:  # noqa: ANN401 - as above
        ask = self._channel.unary_unary(method)

        def answer(question: bytes, context: grpc.ServicerContext) -> bytes:
            try:
                return bytes(ask(question, timeout=context.time_remaining()))
            except grpc.RpcError as error:
                context.abort(error.code(), error.details())
                raise  # which abort() does already

        return answer


def _refuse(_: bytes, context: grpc.ServicerContext) -> None:
    context.abort(grpc.StatusCode.PERMISSION_DENIED, "User not authorized to perform this action.")
