"""A server that misbehaves exactly as it is told, and counts what reaches it."""

import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

_REASONS = {200: "OK", 204: "No Content", 207: "Multi-Status", 302: "Found"}


class Gone(Exception):
    """The connection is over."""


@dataclass
class Seen:
    """One request as it came off the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Talk:
    """One request, and every way to answer it."""

    seen: Seen
    server: "RawServer"
    connection: socket.socket = field(repr=False)

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reply(self, status: int, body: object = b"", **headers: str) -> None:
        """Answer; anything but bytes goes out as JSON."""
        if not isinstance(body, bytes):
            body, headers = (
                json.dumps(body).encode(),
                {"Content-Type": "application/json"} | headers,
            )
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Whatever')}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if status != 204:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def reset(self) -> None:
        """End the connection with a RST."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        raise Gone

    def hang_up(self) -> None:
        """End the connection without a word."""
        raise Gone

    def silence(self) -> None:
        """Say nothing until the server is stopped or the client has gone."""
        self.connection.settimeout(30)
        with suppress(OSError):
            self.connection.recv(1)
        raise Gone

    def drip(self, data: bytes, seconds: float = 0.05) -> None:
        """Send a byte now and then, until the client has had enough."""
        for one in data:
            if self.server.stopped.wait(seconds):
                raise Gone
            self.send(bytes([one]))


class RawServer:
    """Answer every request with `answer`, each connection in a thread of its own."""

    def __init__(self, answer: Callable[[Talk], None], greeting: bytes = b"") -> None:
        self.answer = answer
        #: Said to whoever connects, before anything was asked.
        self.greeting = greeting
        self.requests: list[Seen] = []
        self.connections = 0
        self.stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._ended = threading.Condition()
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        return self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fall_quiet(self) -> None:
        """Wait until no connection is open."""
        with self._ended:
            assert self._ended.wait_for(lambda: not self._open, 20)

    def orders(self) -> list[Seen]:
        """The submits that reached it."""
        return [seen for seen in self.requests if seen.method == "POST"]

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _spawn(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.stopped.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            self._spawn(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as lines:
                connection.sendall(self.greeting)
                while (seen := _request(lines)) is not None:
                    self.requests.append(seen)
                    self.answer(Talk(seen, self, connection))
        except (Gone, OSError, ValueError):
            pass
        finally:
            with self._ended:
                self._open.remove(connection)
                self._ended.notify_all()


def _request(lines) -> Seen | None:
    first = lines.readline().split()
    if len(first) != 3:
        return None
    headers = {}
    while (line := lines.readline().strip()) and line:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = lines.read(int(headers.get("content-length", 0)))
    return Seen(first[0].decode(), first[1].decode(), headers, body)
