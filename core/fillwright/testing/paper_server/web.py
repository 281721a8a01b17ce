"""The HTTP side: requests off the wire, and answers onto it, whole, slowly or not at all."""

from urllib.parse import parse_qsl

from aiohttp import web

from fillwright.testing.paper_server.control import PREFIX, Control
from fillwright.testing.paper_server.fault_answers import json_answer
from fillwright.testing.paper_server.faults import On
from fillwright.testing.paper_server.operations import operation
from fillwright.testing.paper_server.ports import Ports
from fillwright.testing.paper_server.request import Answer, Request
from fillwright.testing.paper_server.seen import SeenLog
from fillwright.testing.paper_server.sockets import is_loopback, reset
from fillwright.testing.paper_server.streams import Streams
from fillwright.testing.paper_server.taking import KEY_HEADER, Counter, Outcome

STREAM = "/stream"
#: Pieces of a slow answer.
_PIECES = 20
_SERVER = {"Server": "fillwright-paper-server"}
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Web:
    """Answer every request of one server."""

    def __init__(
        self, counter: Counter, streams: Streams, control: Control, seen: SeenLog, ports: Ports
    ) -> None:
        self._counter = counter
        self._streams = streams
        self._control = control
        self._seen = seen
        self._ports = ports

    async def handle(self, given: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = given.raw_path.partition("?")
        if path.startswith(PREFIX):
            return await self._controlled(given, path, query)
        if path == STREAM:
            return await self._stream(given)
        entry = self._seen.write(
            self._ports.clock.now(), operation(given.method, path), given.method, path
        )
        request = await _read(given, path, query)
        feed = self._streams.feeds.get(request.headers.get(KEY_HEADER, ""))
        outcome = await self._counter.take(request, entry, feed.history if feed else None)
        if outcome.answer is not None:
            entry.status = outcome.answer.status
        return await self._write(given, outcome)

    async def _stream(self, given: web.BaseRequest) -> web.StreamResponse:
        entry = self._seen.write(self._ports.clock.now(), On.CONNECT, given.method, STREAM)
        entry.key = given.headers.get(KEY_HEADER, "") or self._streams.only_key
        answer = await self._streams.open(given, entry)
        if isinstance(answer, Answer):
            entry.status = answer.status
            return _response(answer)
        return answer

    async def _controlled(
        self, given: web.BaseRequest, path: str, query: str
    ) -> web.StreamResponse:
        peer = given.transport.get_extra_info("peername") if given.transport else None
        if peer is None or not is_loopback(peer[0]):
            sentence = "the control endpoint answers programs on its own machine only"
            return _response(json_answer(403, {"message": sentence}))
        return _response(self._control.answer(await _read(given, path, query)))

    async def _write(self, given: web.BaseRequest, outcome: Outcome) -> web.StreamResponse:
        if outcome.answer is None:
            if outcome.reset:
                reset(given.transport)
            return await self._ports.patience.wait()
        if outcome.slow:
            return await self._drip(given, outcome.answer, outcome.slow)
        if outcome.cut_off:
            return await self._cut_off(given, outcome.answer)
        return _response(outcome.answer)

    async def _drip(
        self, given: web.BaseRequest, answer: Answer, seconds: float
    ) -> web.StreamResponse:
        response = await _begun(given, answer)
        size = max(1, -(-len(answer.body) // _PIECES))
        for start in range(0, len(answer.body), size):
            await self._ports.clock.sleep(seconds / _PIECES)
            await response.write(answer.body[start : start + size])
        return response

    async def _cut_off(self, given: web.BaseRequest, answer: Answer) -> web.StreamResponse:
        response = await _begun(given, answer)
        await response.write(answer.body[: len(answer.body) // 2])
        if given.transport is not None:
            given.transport.close()
        return response


async def _read(given: web.BaseRequest, path: str, query: str) -> Request:
    if given.headers.get("Expect", "").lower() == "100-continue":
        await given.writer.write(_GO_ON)
        given.writer.output_size = 0
    return Request(
        given.method,
        path,
        dict(parse_qsl(query, keep_blank_values=True)),
        {name.lower(): value for name, value in given.headers.items()},
        await given.read(),
    )


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status, body=answer.body, headers={**_SERVER, **answer.headers}
    )


async def _begun(given: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers={**_SERVER, **answer.headers})
    response.content_length = len(answer.body)
    await response.prepare(given)
    return response
