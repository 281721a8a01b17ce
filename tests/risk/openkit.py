"""A real desk on the fake broker, where every request is counted and every datum can be spoilt."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from fillwright.accounts import Account, Instrument, Quote
from fillwright.book import BookView
from fillwright.clock import SystemClock
from fillwright.config import DeskConfig, load_config
from fillwright.desk.desk import Desk
from fillwright.desk.opening import Overrides, open_desk
from fillwright.errors import BrokerUnavailable
from fillwright.hooks import hookimpl
from fillwright.inputs import Input
from fillwright.journal import MemoryJournal
from fillwright.orders import Order
from fillwright.protocols import Binding, Clock, Journal
from fillwright.risk import Asker, ThreadAsker
from fillwright.testing import FakeBroker, FakeBrokerSettings
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk.build import CONTROLS, build_checks
from fillwright_risk.common import Control

NAN = Decimal("NaN")
#: How an input is spoilt.
MISSING, STALE, NOT_A_NUMBER = "missing", "stale", "nan"

PROVIDER = """
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fillwright.hooks import hookimpl
from fillwright.inputs import Datum, Locate, Session, SessionState, Ssr

GOOD = {
    "adv": Decimal(10_000_000),
    "volume": Decimal(1_000_000),
    "session": Session(SessionState.OPEN),
    "locate": Locate(Decimal(1_000_000), easy=True),
    "ssr": Ssr.NONE,
    "sector": "staples",
    "skew": Decimal(0),
    "mine": Decimal(1),
}


class Everything:
    supplies = frozenset(GOOD)

    def __init__(self, spoilt, how):
        self._spoilt, self._how = spoilt, how

    async def fetch(self, name, symbol):
        now = datetime.now(UTC)
        if name != self._spoilt:
            return Datum(name, symbol, GOOD[name], now)
        if self._how == "missing":
            return None
        if self._how == "stale":
            return Datum(name, symbol, GOOD[name], now - timedelta(days=3650))
        value = Locate(Decimal("NaN")) if name == "locate" else Decimal("NaN")
        return Datum(name, symbol, value, now)

    async def close(self):
        pass


@hookimpl
def provide_data(request):
    return Everything(request.settings.get("spoilt"), request.settings.get("how"))
"""

#: The one check of a desk of which something else is to be seen: the standard ones take a while.
PASSING = """
from fillwright.hooks import hookimpl
from fillwright.verdicts import ALLOW


@hookimpl
def check_order(order):
    return ALLOW
"""
ALONE = ("./passing.py",)


class EveryInput(Control[Any]):
    """A control that needs everything, so that each input is tried, whatever ships."""

    name = "every_input"
    code = "C99"
    needs = (*Input, "mine")

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Ask for all of it."""
        symbol = order.symbol
        book.adv(symbol), book.volume(symbol), book.session(symbol), book.locate(symbol)
        (
            book.sector(symbol),
            book.ssr(symbol),
            book.number(Input.SKEW),
            book.number("mine", symbol),
            book.pnl.today,
        )
        book.needed_quote(symbol), book.needed_instrument(symbol)
        return ALLOW


def control_named(name: str) -> Control[Any]:
    """One control, set up by its example beside the others."""
    if name == EveryInput.name:
        return EveryInput(None)  # type: ignore[arg-type]  # it has no settings
    (kind,) = (one for one in CONTROLS if one.name == name)
    tables = {MAX: {"limit_usd": "50000"}} | {name: kind.example}
    return next(one for one in build_checks(tables) if one.name == name)


MAX = "max_order_notional"
NAMES = [control.name for control in CONTROLS]
NEEDS = [
    (control.name, str(need))
    for control in (*CONTROLS, EveryInput)
    for need in control.needs
    if isinstance(need, str)
]


@dataclass
class Spoilt:
    """Which of the desk's own inputs is spoilt, and how."""

    name: str = ""
    how: str = ""

    def quote(self, quote: Quote) -> Quote:
        if self.name != Input.QUOTE:
            return quote
        if self.how == STALE:
            return replace(quote, at=quote.at - timedelta(days=1))
        price = None if self.how == MISSING else NAN
        return replace(quote, bid=price, ask=price)

    def account(self, account: Account) -> Account:
        if self.name != Input.PNL:
            return account
        if self.how == STALE:
            return replace(account, as_of=account.as_of - timedelta(days=1))
        return replace(account, equity=NAN)


@dataclass
class Watched:
    """The fake broker as an adapter without a clock; requests are counted."""

    inner: FakeBroker
    spoilt: Spoilt = field(default_factory=Spoilt)
    requests: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.stream = self.inner.stream
        self.executor = self.quotes = self
        self.broker, self.endpoint = self.inner.executor.broker, self.inner.executor.endpoint
        self.capabilities = self.inner.executor.capabilities
        for question in ("find", "open_orders", "executions"):
            setattr(self, question, getattr(self.inner.executor, question))

    async def submit(self, order: Any) -> Any:
        self.requests["submit"] += 1
        return await self.inner.executor.submit(order)

    async def cancel(self, order: Any) -> Any:
        self.requests["cancel"] += 1
        return await self.inner.executor.cancel(order)

    async def replace(self, order: Any, change: Any) -> Any:
        self.requests["replace"] += 1
        return await self.inner.executor.replace(order, change)

    async def account(self) -> Account:
        return self.spoilt.account(await self.inner.executor.account())

    async def instrument(self, symbol: str) -> Instrument:
        if self.spoilt.name == Input.INSTRUMENT:
            raise BrokerUnavailable("the instrument", "spoilt")
        return await self.inner.executor.instrument(symbol)

    async def quote(self, symbol: str) -> Quote:
        return self.spoilt.quote(await self.inner.quotes.quote(symbol))

    async def close(self) -> None:
        await self.inner.close()


def watched(spoilt: Spoilt | None = None) -> Watched:
    settings = FakeBrokerSettings(
        positions={"KO": Decimal(120)}, cash=Decimal(100_000), volatility=Decimal(0)
    )
    return Watched(FakeBroker(settings, SystemClock()), spoilt or Spoilt())


def config(
    folder: Path,
    *,
    checks: Sequence[str] = ("risk",),
    spoilt: Spoilt | None = None,
    tables: str = "",
) -> Any:
    """A desk.toml whose other checks let a small order pass."""
    (folder / "everything.py").write_text(PROVIDER)
    (folder / "passing.py").write_text(PASSING)
    given = spoilt or Spoilt()
    limits = f'[risk.max_order_notional]\nlimit_usd = "50000"\n{tables}'
    listed = ", ".join(f'"{check}"' for check in checks)
    (folder / "desk.toml").write_text(
        'mode = "paper"\nbroker = "fake"\njournal = "desk.db"\n'
        f"checks = [{listed}]\n"
        '[data]\nproviders = ["./everything.py"]\n'
        f'[everything]\nspoilt = "{given.name}"\nhow = "{given.how}"\n'
        + (limits if "risk" in checks else "")
    )
    return load_config(folder / "desk.toml", environ={})


def in_memory(binding: Binding, clock: Clock) -> Journal:
    return MemoryJournal(binding, clock=clock)


@asynccontextmanager
async def desk_with(
    adapter: Watched, settings: DeskConfig, *plugins: object, asker: Asker | None = None
) -> AsyncIterator[Desk]:
    overrides = Overrides(
        adapter=adapter,
        journal=in_memory,
        asker=asker or ThreadAsker(10.0),
        plugins=[(str(getattr(plugin, "name", "plugin")), plugin) for plugin in plugins],
    )
    async with open_desk(settings, overrides=overrides) as desk:
        yield desk


def buying(name: str = "buy") -> Order:
    return Order(symbol="KO", side="BUY", quantity="1", intent_id=name)


def reducing(name: str = "sell") -> Order:
    return Order(symbol="KO", side="SELL", quantity="2", intent_id=name)
