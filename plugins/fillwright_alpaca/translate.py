"""Where alpaca-py is spoken: the only file that names it, requests or urllib3.

Rules:
1. Every exchange comes back as a value, a `Reply` or a `Failure`; no exception, type or thread of
   theirs leaves this file, for their tracebacks hold the keys.
2. One request per call. The SDK's own retries are off twice over: their count is zero, and it never
   sees a status that it would retry.
3. "Not sent" is measured, not guessed: the connection itself says when its first byte leaves.
4. Nothing goes to another host than those that were checked when the adapter was built.
5. Bodies and queries are our own dicts of strings through the SDK's public `get`, `post`, `patch`
   and `delete`: its request models turn decimals into floats.
"""

import socket
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from importlib.metadata import version
from typing import Any, NoReturn
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.exceptions import ConnectTimeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from fillwright.errors import ConfigError, fault_text
from fillwright.logs import redact
from fillwright_alpaca.calls import Ticket, Void
from fillwright_alpaca.heads import WholeHead
from fillwright_alpaca.messages import Unreadable, read_json
from fillwright_alpaca.settings import Access
from fillwright_alpaca.wire import Failure, Outcome, Reply, Request

with warnings.catch_warnings():
    # alpaca-py's package imports websockets.legacy, which warns; we use nothing of it.
    warnings.simplefilter("ignore", DeprecationWarning)
    from alpaca.trading.client import TradingClient

#: A longer body is no answer of Alpaca's: 500 orders with legs have about two million bytes.
MAX_BODY = 16 * 2**20
_CHUNK = 2**16
_SHOWN = 300
#: How deep the libraries wrap one fault in another.
_WRAPPINGS = 5
#: Headers that somebody looks at; the others stay behind, for they may hold anything.
_KEPT_HEADERS = (
    "content-type",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
)
#: What is private in the SDK and needed to make it safe.
_NEEDED = ("_session", "_retry", "_retry_wait", "_retry_codes", "_base_url", "_use_raw_data")

_TICKET: ContextVar[Ticket] = ContextVar("ticket")


class _SafeTrading(TradingClient):
    """The SDK's client, made safe.

    Raises `ConfigError` for an SDK whose inside is not the one that this was made for.
    """

    def __init__(self, access: Access, transport: BaseAdapter) -> None:
        super().__init__(
            access.key.get_secret_value(),
            access.secret.get_secret_value(),
            raw_data=True,
            url_override=access.url,
        )
        missing = [name for name in _NEEDED if name not in vars(self)]
        if missing:
            raise ConfigError(
                "alpaca-py",
                f"version {version('alpaca-py')} has no {', '.join(missing)}, which must be set "
                "to keep it from sending an order twice",
                "Install alpaca-py 0.44",
            )
        self._retry = 0
        _secure(self._session, access, transport)

    def hang_up(self) -> None:
        """Close the connections."""
        self._session.close()


class SdkClient:
    """One SDK client with a session of its own, for one thread."""

    def __init__(self, access: Access, lent: BaseAdapter | None = None) -> None:
        """Build it; `lent` stands in for the network. Raises `ConfigError`."""
        self._access = access
        self._trading = _SafeTrading(access, _Lent(access, lent) if lent else _Network(access))
        self._send: Mapping[str, Callable[..., Any]] = {
            "GET": self._trading.get,
            "POST": self._trading.post,
            "PATCH": self._trading.patch,
            "DELETE": self._trading.delete,
        }

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds keys and is not copied or pickled")

    def request(self, ticket: Ticket, request: Request) -> Outcome:
        """Carry out one exchange; it is blocking, and it never raises."""
        current = _TICKET.set(ticket)
        try:
            reply = self._sender(request)(request.path, dict(request.fields))
        except Exception as fault:  # noqa: BLE001  # whatever it is, the ticket knows what left
            return Failure(ticket.left, redact(self._told(fault, request))[:_SHOWN])
        finally:
            _TICKET.reset(current)
        if isinstance(reply, Reply):
            return reply
        return Failure(ticket.left, "the SDK did not hand the response back")

    def close(self) -> None:
        """Close the connections."""
        self._trading.hang_up()

    def _told(self, fault: BaseException, request: Request) -> str:
        """What really happened, out of the faults that the libraries wrapped around it."""
        fault = _innermost(fault)
        if not isinstance(fault, NewConnectionError) or fault.__cause__ is None:
            return fault_text(fault, 4 * _SHOWN)
        place = self._access.data_url if request.api.is_data else self._access.url
        return f"cannot connect to {place}: {fault_text(fault.__cause__)}"

    def _sender(self, request: Request) -> Callable[..., Any]:
        send = self._send[request.method]
        if not request.api.is_data:
            return send
        return partial(send, base_url=self._access.data_url, api_version=request.api.version)


def _secure(session: Session, access: Access, transport: BaseAdapter) -> None:
    """Take from the session everything that would act on its own."""
    # Else proxies and certificates of the environment, and passwords from ~/.netrc, would count.
    session.trust_env = False
    session.verify = True
    session.proxies = {"https": access.proxy} if access.proxy else {}
    session.adapters.clear()
    for scheme in ("https://", "http://"):
        session.mount(scheme, transport)
    session.hooks["response"] = [_kept]


def _kept(response: Response, *_: object, **__: object) -> Response:
    """Hand the SDK a response from which it can only take our `Reply`."""
    return _Kept(_reply(response))


class _Kept(Response):
    """What the SDK sees of every response: a 200 whose JSON is the real one, as a `Reply`.

    So it raises for no status, repeats nothing, follows no redirect, parses no number and keeps no
    cookie.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.status_code = 200
        self.encoding = "ascii"
        self._content = b"see json()"
        self._content_consumed = True
        self._reply = reply

    def json(self, **_: object) -> Reply:
        """The real response."""
        return self._reply


def _reply(response: Response) -> Reply:
    """Read a response to its end."""
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_BODY:
            response.close()
            raise ValueError(f"the response is longer than {MAX_BODY} bytes")
    said = bytes(body)
    if not response.ok:
        # Its words go into sentences, and a proxy may repeat the headers that it was sent.
        said = redact(said.decode("utf-8", "replace")).encode()
    try:
        parsed = read_json(said) if said else None
    except Unreadable:
        parsed = None
    kept = {n: redact(response.headers[n]) for n in _KEPT_HEADERS if n in response.headers}
    text = said[: 4 * _SHOWN].decode("utf-8", "replace")
    return Reply(response.status_code, kept, parsed, redact(text)[:_SHOWN])


def _innermost(fault: BaseException) -> BaseException:
    for _ in range(_WRAPPINGS):
        around = (getattr(fault, "reason", None), *fault.args)
        inner = next((one for one in around if isinstance(one, BaseException)), None)
        if inner is None:
            break
        fault = inner
    return fault


def _check_place(request: PreparedRequest, access: Access) -> None:
    """Hold where a request goes against what was configured, at the last moment before it does.

    The SDK's base URL can be changed by whoever gets hold of its client. Raises `Void`.
    """
    if _place(str(request.url)) not in (_place(access.url), _place(access.data_url)):
        raise Void("it would have gone to a host that is not the configured one")


def _place(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


class _Network(HTTPAdapter):
    """The network, with our timeouts, and with connections that say when bytes leave."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._timeouts = (access.connect_timeout, access.read_timeout)
        super().__init__(pool_connections=2, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  # passed on
        """Make the pools of connections."""
        super().init_poolmanager(*given, **named)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **named: Any) -> Any:  # noqa: ANN401  # passed on
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **named)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: PreparedRequest, *_: object, **named: Any) -> Response:  # noqa: ANN401
        """Send it; how long to wait and whom to trust is ours to say."""
        _check_place(request, self._access)
        return super().send(
            request, timeout=self._timeouts, verify=True, proxies=named.get("proxies")
        )


class _Lent(BaseAdapter):
    """A transport that somebody else lends, in place of the network.

    `requests.exceptions.ConnectTimeout` from it means that nothing left; anything else may have.
    """

    def __init__(self, access: Access, lent: BaseAdapter) -> None:
        super().__init__()
        self._access = access
        self._lent = lent

    def send(self, request: PreparedRequest, *given: Any, **named: Any) -> Response:  # noqa: ANN401
        """Send it, and note that it left."""
        _check_place(request, self._access)
        ticket = _TICKET.get()
        # Time may pass inside: whether it may leave is asked before.
        ticket.depart()
        try:
            return self._lent.send(request, *given, **named)
        except ConnectTimeout:
            ticket.stay()
            raise

    def close(self) -> None:
        """It belongs to the lender."""


class _Watched(HTTPConnection):
    """A connection that asks the ticket before its first byte."""

    #: http.client would print headers, keys included, where somebody switched that on.
    debuglevel = 0
    response_class = WholeHead

    def send(self, data: Any) -> None:  # noqa: ANN401  # as http.client has it
        """Connect where need be, which sends nothing of the request, and send."""
        if self.sock is None:
            self.connect()
        _TICKET.get().depart(partial(_cut, self.sock))
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same behind TLS, whose handshake carries nothing of the request."""


def _cut(connection: socket.socket) -> None:
    """End a connection that another thread waits on."""
    with suppress(OSError):  # it may have ended by itself
        # Not the TLS goodbye: that would touch what the other thread is using.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


_POOLS = {"http": _Pool, "https": _TlsPool}
