"""Serve until a signal comes: what the command line starts, told by plain options.

The command line cannot import this room; it finds `serve` by the plugin's name.
"""

import asyncio
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fillwright.errors import ConfigError
from fillwright.testing.paper_server.server import Address, PaperServer
from fillwright.testing.paper_server.settings import PaperServerSettings
from fillwright.testing.paper_server.sockets import is_loopback

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(
    settings: Mapping[str, Any],
    *,
    address: Mapping[str, Any],
    state: Path | None,
    ready: Callable[[Mapping[str, object]], None],
    warn: Callable[[str], None],
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told where and for whom, once, when it is time.

    Raises ConfigError for settings, a port or a file that cannot be used, and StateFailed when
    the state file cannot be written any more.
    """
    at = Address(**address)
    server = PaperServer(_read(settings), state=state, address=at)
    if at.remote and not is_loopback(at.host):
        warn(
            f"whoever can reach {at.host} can use this server and its accounts; "
            "their keys follow from the seed and are no secret"
        )
    asyncio.run(_serve(server, ready))


async def _serve(server: PaperServer, ready: Callable[[Mapping[str, object]], None]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        async with server:
            ready(_place(server))
            failed = loop.create_task(server.failed())
            stopped = loop.create_task(stop.wait())
            await asyncio.wait([failed, stopped], return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if failed.done():
                failed.result()
            failed.cancel()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _place(server: PaperServer) -> Mapping[str, object]:
    accounts = [
        {
            "key": account.key,
            "secret": account.secret,
            "account_id": account.account_id,
            "account_number": account.account_number,
        }
        for account in server.accounts.values()
    ]
    first = server.account
    return {
        "url": server.url,
        "stream_url": server.stream_url,
        "data_url": server.data_url,
        "key": first.key,
        "secret": first.secret,
        "accounts": accounts,
    }


def _read(settings: Mapping[str, Any]) -> PaperServerSettings:
    try:
        return PaperServerSettings.model_validate(dict(settings))
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False, include_context=False)[0]
        name, *inside = map(str, first["loc"])
        option = "--position" if name == "positions" else f"--{name.replace('_', '-')}"
        problem = first["msg"].removeprefix("Value error, ")
        raise ConfigError(" ".join([option, *inside]), problem) from None
