"""The listening socket, and connections that end without a goodbye."""

import asyncio
import errno
import ipaddress
import socket
import struct
from asyncio import BaseTransport, WriteTransport
from collections.abc import Callable
from typing import Any, NoReturn

from fillwright.errors import ConfigError

#: Stop listening for so many seconds.
Refuse = Callable[[float], None]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bound(host: str, port: int) -> socket.socket:
    """Take a port without listening on it: who connects is refused. Raises ConfigError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as fault:
        raise ConfigError(f"host {host}", f"is no address of this machine: {fault}") from fault
    family, kind, protocol, _, address = found[0]
    taken = socket.socket(family, kind, protocol)
    try:
        # Connections of a server that was just here must not keep the next one from the port.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.setblocking(False)
    except OSError as fault:
        taken.close()
        if fault.errno == errno.EADDRINUSE:
            hint = "Give another --port, or 0 for any that is free"
            raise ConfigError(f"port {port}", "is in use by another program", hint) from fault
        raise ConfigError(f"{host} port {port}", f"cannot be had: {fault.strerror}") from fault
    return taken


def place_of(listening: socket.socket) -> str:
    """Host and port as they stand in a URL."""
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reset(transport: BaseTransport | None) -> None:
    """End a connection with a TCP reset, whatever was still to be written."""
    if not isinstance(transport, WriteTransport):
        return
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        # Linger on, for zero seconds: the kernel drops what is left and sends RST.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Patience:
    """Where requests wait that get no answer, until their client or the server goes."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[Any]] = set()

    async def wait(self) -> NoReturn:
        """Wait; ends with CancelledError, as a handler whose client has gone does."""
        waiting: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            await waiting
        finally:
            self._waiting.discard(waiting)
        raise asyncio.CancelledError

    def end(self) -> None:
        """Let everybody go."""
        for waiting in tuple(self._waiting):
            waiting.cancel()
