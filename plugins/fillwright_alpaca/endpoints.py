"""Which URLs may be spoken to, and whether real money is behind them. Pure.

Rules:
1. A host is known by its exact name; whatever is not known is refused, look-alikes included.
2. Everything travels in TLS, but for a server on this machine, which counts as paper.
3. A URL carries no user, query or fragment, and to Alpaca no port or path either.
"""

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from fillwright.types import Mode

TRADING_HOSTS: Mapping[str, Mode] = MappingProxyType(
    {"paper-api.alpaca.markets": Mode.PAPER, "api.alpaca.markets": Mode.LIVE}
)
DATA_HOST = "data.alpaca.markets"
_STREAM_PATH = "/stream"


class BadUrl(ValueError):
    """A URL that may not be used; its text says why and shows nothing of it."""

    def __init__(self, setting: str, problem: str) -> None:
        self.setting = setting
        self.problem = problem
        super().__init__(f"{setting} {problem}")


class Endpoints(NamedTuple):
    """Where one account's requests, market data and stream are."""

    url: str
    data_url: str
    stream_url: str


def resolve(mode: Mode, url: str | None, data_url: str | None, stream_url: str | None) -> Endpoints:
    """The URLs that were configured, checked; those that were not follow from mode and `url`.

    Raises `BadUrl`.
    """
    if url is None:
        url = "https://" + next(host for host, kind in TRADING_HOSTS.items() if kind is mode)
    trading = _checked("url", url, TRADING_HOSTS, "https")
    if data_url is None:
        # A local server stands in for all of Alpaca: its keys go nowhere else unless that is asked.
        data_url = trading if is_local(trading) else f"https://{DATA_HOST}"
    if stream_url is None:
        stream_url = "ws" + trading.removeprefix("http") + _STREAM_PATH
    data = _checked("data_url", data_url, [DATA_HOST], "https")
    stream = _checked("stream_url", stream_url, TRADING_HOSTS, "wss")
    return Endpoints(trading, data, stream)


def mode_of(url: str) -> Mode:
    """Whether real money is behind a URL; one that cannot be told counts as live."""
    parts = urlsplit(url)
    if _is_loopback(parts.hostname or ""):
        return Mode.PAPER
    return TRADING_HOSTS.get(parts.hostname or "", Mode.LIVE)


def is_local(url: str) -> bool:
    """Whether a URL is on this machine."""
    return _is_loopback(urlsplit(url).hostname or "")


def checked_proxy(url: str) -> str:
    """The URL of a proxy. Raises `BadUrl`."""
    parts = _split("proxy", url)
    if parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise BadUrl("proxy", 'must be like "http://proxy.example:3128"')
    return url.rstrip("/")


def _checked(setting: str, url: str, hosts: Mapping[str, Mode] | list[str], scheme: str) -> str:
    parts = _split(setting, url)
    if _is_loopback(parts.hostname or ""):
        if parts.scheme not in (scheme, scheme.removesuffix("s")):
            raise BadUrl(setting, f"must begin with {scheme.removesuffix('s')}://")
        return url.rstrip("/")
    if parts.hostname not in hosts:
        known = ", ".join(hosts)
        raise BadUrl(setting, f"names a host that is not Alpaca's; known are {known}")
    if parts.scheme != scheme:
        raise BadUrl(setting, f"must begin with {scheme}://")
    path = _STREAM_PATH if scheme == "wss" else ""
    if parts.port is not None or parts.path.rstrip("/") != path:
        raise BadUrl(setting, f"must be {scheme}://{parts.hostname}{path} and nothing more")
    return f"{scheme}://{parts.hostname}{path}"


def _split(setting: str, url: str) -> SplitResult:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise BadUrl(setting, "has characters that a URL cannot have")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise BadUrl(setting, "is not a URL") from None
    if "@" in parts.netloc:
        raise BadUrl(setting, "must not hold a user or password")
    if "?" in url or "#" in url:
        raise BadUrl(setting, "must not have a query or fragment")
    if not parts.hostname:
        raise BadUrl(setting, "names no host")
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
