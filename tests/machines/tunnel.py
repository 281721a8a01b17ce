"""A small HTTP proxy on this machine that opens tunnels (CONNECT), and remembers what it saw."""

import asyncio
from typing import Self

_END = b"\r\n\r\n"


class Tunnel:
    """Lead every tunnel to `port` on this machine, whatever host was asked for."""

    def __init__(self, port: int, answer: str = "200 Connection established") -> None:
        self._port = port
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        #: The head of each request to the proxy itself.
        self.heads: list[str] = []
        #: What the client sent inside its tunnels.
        self.inside = bytearray()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """Where it is."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            self.heads.append((await reader.readuntil(_END)).decode("latin-1"))
            writer.write(f"HTTP/1.1 {self._answer}\r\n\r\n".encode())
            if self._answer.startswith("200"):
                await self._join(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # whoever left has left
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(reader, back, self.inside))
                ways.create_task(self._pass(there, writer, bytearray()))
        except ExceptionGroup:
            pass  # one end is gone, and so the other is let go
        finally:
            back.close()

    async def _pass(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, seen: bytearray
    ) -> None:
        while data := await source.read(65536):
            seen += data
            sink.write(data)
        raise ConnectionError("this end is gone")
