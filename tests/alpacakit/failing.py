"""Every way in which an answer can prove nothing, for a raw server to give."""

from collections.abc import Callable

from alpacakit.rawserver import Talk
from alpacakit.rest import fault, order

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
TYPE_HTML = {"Content_Type": "text/html"}


def html(status: int) -> Callable[[Talk], None]:
    return lambda talk: talk.reply(status, HTML, **TYPE_HTML)


def redirect(status: int) -> Callable[[Talk], None]:
    def answer(talk: Talk) -> None:
        talk.reply(status, b"", Location=f"{talk.server.url}/v2/orders")

    return answer


def raw(data: bytes) -> Callable[[Talk], None]:
    def answer(talk: Talk) -> None:
        talk.send(data)
        talk.hang_up()

    return answer


def slow_headers(talk: Talk) -> None:
    talk.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 2000)


def slow_body(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n")
    talk.drip(b'{"id": "' + b"a" * 2000)


def endless(talk: Talk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while True:
        talk.send(b" " * 2**20)


def half_a_body(talk: Talk) -> None:
    talk.send(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id": "61e69015')
    talk.hang_up()


def half_a_body_and_reset(talk: Talk) -> None:
    talk.send(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id": "61e69015')
    talk.reset()


#: Everything that may happen to a submit after its bytes left and that proves nothing.
UNKNOWN: dict[str, Callable[[Talk], None]] = {
    "silence": lambda talk: talk.silence(),
    "reset": lambda talk: talk.reset(),
    "hang up": lambda talk: talk.hang_up(),
    "slow headers": slow_headers,
    "slow body": slow_body,
    "endless body": endless,
    "half a body": half_a_body,
    "half a body and reset": half_a_body_and_reset,
    "garbage": raw(b"\x00\x01\x02\x03\r\n\r\n"),
    "no status": raw(b"HTTP/1.1 abc Nonsense\r\n\r\n"),
    "bad chunks": raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
    ),
    "bad gzip": lambda talk: talk.reply(200, b"not gzip", Content_Encoding="gzip"),
    "200 in HTML": html(200),
    "200 and empty": lambda talk: talk.reply(200),
    "200 without an id": lambda talk: talk.reply(200, {"status": "new"}),
    "200 as a list": lambda talk: talk.reply(200, [order()]),
    "204": lambda talk: talk.reply(204),
    "302": redirect(302),
    "307": redirect(307),
    "308": redirect(308),
    "400 in HTML": html(400),
    "403 in HTML": html(403),
    "404 in HTML": html(404),
    "408": lambda talk: talk.reply(408, fault(40810000, "timeout")),
    "429 in HTML": html(429),
    "500": lambda talk: talk.reply(500, fault(50010000, "internal server error")),
    "502 in HTML": html(502),
    "503 with Retry-After": lambda talk: talk.reply(503, HTML, Retry_After="0"),
    "504": lambda talk: talk.reply(504, fault(50410000, "timeout")),
    "504 in HTML": html(504),
}
