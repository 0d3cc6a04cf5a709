"""Ports for servers that are told theirs."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, suppress
from socket import socket

_PORTS = range(20_000, 30_000)
"""The system gives these to no connection, and to no server that takes any port.

A server needs seconds until it listens: a port of the others would be somebody else's by then.
"""


def free_port(neighbours: int = 0) -> int:
    """A free port of this machine; as many ports after it are free, too."""
    while True:
        port = secrets.choice(_PORTS)
        with suppress(OSError), ExitStack() as stack:
            for each in range(port, port + neighbours + 1):
                stack.enter_context(socket()).bind(("127.0.0.1", each))
            return port
