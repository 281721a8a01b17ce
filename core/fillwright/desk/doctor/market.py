"""The broker's time and market: the clock's skew, the session, and how fresh a quote is."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from fillwright.accounts import Instrument, MarketSession, Quote
from fillwright.desk.doctor.asking import need, need_amount, need_time
from fillwright.desk.doctor.case import Case
from fillwright.desk.doctor.findings import Seen, failed, ok, skipped, warning
from fillwright.errors import UnknownSymbol
from fillwright.protocols import SessionSource
from fillwright.types import AssetClass, text_of

#: From here on somebody should look at the machine's clock, in seconds.
SKEW_WARNS = 2.0
#: From here on quotes and deadlines are judged wrongly, in seconds.
SKEW_FAILS = 30.0
#: Asked for when nothing is held: some broker knows each of them.
SYMBOLS = ("SPY", "AAPL", "MSFT", "BTC/USD")
#: How many held symbols are tried before those.
_HELD = 3


async def clock(case: Case) -> Seen:
    """How far this machine's clock is from the broker's."""
    source = case.adapter
    if not isinstance(source, SessionSource):
        return skipped(f"{case.config.broker} does not tell its own time")
    sent = case.clock.now()
    told = _sound(await case.ask(source.session))
    came = case.clock.now()
    case.session = told
    # The broker looked at its clock between the two; only what lies outside is proven.
    ahead = max((sent - told.at).total_seconds(), 0.0)
    behind = max((told.at - came).total_seconds(), 0.0)
    return _judged(ahead, behind, took=(came - sent).total_seconds())


def _judged(ahead: float, behind: float, *, took: float) -> Seen:
    skew = max(ahead, behind)
    where = f"{skew:.1f} s {'ahead of' if ahead else 'behind'} the broker's clock"
    if skew > SKEW_FAILS:
        return failed(
            where, "Set this machine's clock: quotes and deadlines would be judged wrongly"
        )
    if skew > SKEW_WARNS:
        return warning(where, "Set this machine's clock, and let it be kept by NTP")
    return ok(f"agrees with the broker's clock, as far as an answer of {took:.1f} s can tell")


def _sound(answer: object) -> MarketSession:
    session = need(answer, MarketSession, "the session")
    need(session.is_open, bool, "is_open")
    for name in ("at", "next_open", "next_close"):
        need_time(getattr(session, name), name)
    return session


async def market(case: Case) -> Seen:
    """Whether the broker's market is open, and when that changes."""
    session = case.session
    if session is None:
        return skipped("the broker's clock is not known")
    if session.is_open:
        return ok(f"open until {_shown(session.next_close)}")
    return ok(f"closed; opens {_shown(session.next_open)}")


def _shown(moment: datetime) -> str:
    return moment.isoformat(sep=" ", timespec="minutes")


async def quote(case: Case) -> Seen:
    """Whether one symbol has a price that is fresh enough for the gate."""
    tried: list[str] = []
    for symbol in _candidates(case):
        tried.append(symbol)
        try:
            rules = await _instrument(case, symbol)
            if rules.tradable:
                return await _quoted(case, rules)
        except UnknownSymbol:
            continue
    if case.symbol is None:
        return failed(
            f"none of {', '.join(tried)} can be traded here", "Name a symbol with --symbol"
        )
    return failed(
        f"{case.symbol} is not known to the broker, or cannot be traded",
        "Check the spelling, or name another one with --symbol",
    )


def _candidates(case: Case) -> Iterator[str]:
    if case.symbol is not None:
        yield case.symbol
        return
    held = case.account.positions if case.account else {}
    yield from sorted(symbol for symbol, position in held.items() if position.quantity)[:_HELD]
    yield from SYMBOLS


async def _instrument(case: Case, symbol: str) -> Instrument:
    executor = case.adapter.executor
    return need(await case.ask(lambda: executor.instrument(symbol)), Instrument, "the instrument")


async def _quoted(case: Case, rules: Instrument) -> Seen:
    symbol, quotes = rules.symbol, case.adapter.quotes
    told = need(await case.ask(lambda: quotes.quote(symbol)), Quote, "the quote")
    age = (case.clock.now() - need_time(told.at, "the quote's time")).total_seconds()
    allowed = case.config.desk.quote_max_age_seconds
    seen = f"{symbol} {_priced(told)}, {age:.1f} s old"
    if age < -SKEW_WARNS:
        return warning(f"{seen}: from the future", "Compare this machine's clock with the market's")
    if timedelta(seconds=age) > timedelta(seconds=allowed):
        return _stale(case, rules, f"{seen}; quote_max_age_seconds is {allowed:g}")
    if told.middle is None:
        return warning(
            f"{seen}: it prices nothing",
            "Orders without a limit are refused until both sides show; try another --symbol",
        )
    return ok(seen)


def _stale(case: Case, rules: Instrument, seen: str) -> Seen:
    closed = case.session is not None and not case.session.is_open
    if closed and rules.asset_class is not AssetClass.CRYPTO:
        return warning(
            f"{seen}; the market is closed",
            "Nothing now; look again when it is open. Until then market orders are refused",
        )
    return failed(
        seen,
        "New risk in it is refused. Try a busier --symbol; if that is stale too, the price feed "
        "is, or quote_max_age_seconds is too small for it",
    )


def _priced(told: Quote) -> str:
    sides = []
    for name, price in (("bid", told.bid), ("ask", told.ask)):
        shown = "none" if price is None else text_of(need_amount(price, f"the {name}"))
        sides.append(f"{name} {shown}")
    return " ".join(sides)
