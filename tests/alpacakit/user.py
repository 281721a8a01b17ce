"""A desk like a user's: desk.toml on the alpaca adapter, keys in the environment, real time."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fillwright import Desk, Order, open_desk
from fillwright.testing.paper_server import PaperServer, PaperServerSettings

RISK = """
[risk.max_order_quantity]
limit_shares = "1000"

[risk.max_order_notional]
limit_usd = "100000"
"""
#: A server whose prices stand: a limit that is near today is out of bounds tomorrow.
STILL = PaperServerSettings.model_validate({"volatility": "0"})
#: Seconds of real time in which everything here must come about.
PATIENCE = 30.0


def write_desk(
    folder: Path, url: str, *, mode: str = "paper", top: str = "", table: str = ""
) -> Path:
    """A desk.toml on this server; `table` is more for [alpaca]."""
    path = folder / "desk.toml"
    path.write_text(
        f'mode = "{mode}"\nbroker = "alpaca"\njournal = "desk.db"\nchecks = ["risk"]\n{top}\n'
        f'[alpaca]\nurl = "{url}"\n{table}\n{RISK}'
    )
    return path


def keys_of(server: PaperServer) -> dict[str, str]:
    """The environment that gives a desk the keys of the server's account."""
    account = server.account
    return {
        "FILLWRIGHT_ALPACA__KEY_ID": account.key,
        "FILLWRIGHT_ALPACA__SECRET_KEY": account.secret,
    }


@asynccontextmanager
async def desk_on(server: PaperServer, folder: Path, **more: str) -> AsyncIterator[Desk]:
    """A desk that takes orders."""
    path = write_desk(folder, server.url, **more)
    async with open_desk(path, environ=keys_of(server)) as desk:
        await until(lambda: not desk.obstacles)
        yield desk


async def until(true: Callable[[], bool]) -> None:
    """Wait for something that real sockets and threads bring about."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE, "it never came"
        await asyncio.sleep(0.01)


def order(**fields: str) -> Order:
    """One share of AAPL at the market, or as told."""
    return Order.model_validate({"symbol": "AAPL", "side": "BUY", "quantity": "1"} | fields)


def resting(**fields: str) -> Order:
    """One share of AAPL at a price at which nobody sells."""
    return order(**{"type": "LIMIT", "limit_price": "215", "time_in_force": "GTC"} | fields)
