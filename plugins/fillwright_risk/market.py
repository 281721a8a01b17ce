"""Whether the market is there to trade with: C26 its session, C27 its quote, C39 its clock."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from fillwright.book import BookView
from fillwright.hooks import hookimpl
from fillwright.inputs import Input, Need, Session, SessionState
from fillwright.orders import Order
from fillwright.types import Price, TimeInForce
from fillwright.verdicts import ALLOW, Verdict
from fillwright_risk import defaults
from fillwright_risk.common import HUNDRED, Control, Table

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class MarketSessionTable(Table):
    """`[risk.market_session]`."""

    #: Orders with these times in force may be left with the broker while the market is closed.
    closed_takes: frozenset[TimeInForce] = frozenset({TimeInForce.OPG})
    #: Whether an order with `extended_hours` may leave when the source only says "closed": a
    #: broker's clock often knows no extended hours.
    extended_when_closed: bool = False


class QuoteQualityTable(Table):
    """`[risk.quote_quality]`."""

    #: The widest spread, in percent of the middle.
    max_spread_pct: Price = defaults.MAX_SPREAD_PCT
    #: The oldest quote, in seconds, where that is less than `[desk] quote_max_age_seconds`.
    max_age_seconds: Seconds | None = None


class ClockSkewTable(Table):
    """`[risk.clock_skew]`."""

    #: How far the broker's clock may be from ours, in seconds, to either side.
    max_seconds: Price = defaults.MAX_SKEW_SECONDS
    #: From so many seconds on there is a warning.
    warn_seconds: Price | None = None


class MarketSession(Control[MarketSessionTable]):
    """C26: refuse an order for a market that is closed or halted.

    It needs a source of the session; where nothing supplies one it lets everything pass. An
    order that only reduces passes: the broker keeps it until the market opens.
    """

    name = "market_session"
    code = "C26"
    title = "orders while the market is closed or halted"
    table = MarketSessionTable
    fallback: ClassVar[Mapping[str, object]] = {}
    wants: ClassVar[tuple[Need, ...]] = (Input.SESSION,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Look at the session as it is now."""
        datum = book.find(Input.SESSION, order.symbol)
        session = datum.value if datum is not None else None
        if isinstance(session, Session):
            state = session.at(book.now).state
            if state is SessionState.OPEN or self._takes(state, order, book):
                return ALLOW
            return ALLOW if book.reduces(order) else self.refuse(state, "open")
        if not book.offers(Input.SESSION) or book.reduces(order):
            return ALLOW
        return self.unknown("whether the market is open is not known", "open")

    def _takes(self, state: SessionState, order: Order, book: BookView) -> bool:
        table = self.limits.of(order, book)
        if state is SessionState.EXTENDED:
            return order.extended_hours or order.time_in_force in table.closed_takes
        if state is not SessionState.CLOSED:
            return False
        extended = order.extended_hours and table.extended_when_closed
        return extended or order.time_in_force in table.closed_takes


class QuoteQuality(Control[QuoteQualityTable]):
    """C27: refuse new risk on a quote that is stale, crossed, one-sided or too wide.

    An order that only reduces passes.
    """

    name = "quote_quality"
    code = "C27"
    title = "stale, crossed and wide quotes"
    table = QuoteQualityTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"max_spread_pct": "5"}

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare age and spread with their limits."""
        table = self.limits.of(order, book)
        quote = book.quote(order.symbol)
        bid, ask = (quote.bid, quote.ask) if quote is not None else (None, None)
        if quote is None or bid is None or ask is None or not bid + ask:
            if book.reduces(order):
                return ALLOW
            return self.unknown("there is no fresh quote with both sides", table.max_spread_pct)
        spread, middle = (ask - bid) * HUNDRED, (bid + ask) / 2
        if table.max_age_seconds is not None:
            age = abs((book.now - quote.at).total_seconds())
            if age > table.max_age_seconds and not book.reduces(order):
                return self.refuse(f"{age:g} s", f"{table.max_age_seconds:g} s", "the quote is old")
        if spread <= table.max_spread_pct * middle or book.reduces(order):
            return ALLOW
        return self.refuse(f"{spread / middle:.2f} %", f"{table.max_spread_pct} %")


class ClockSkew(Control[ClockSkewTable]):
    """C39: refuse new risk while our clock and the broker's disagree.

    It needs a source of the broker's time; where nothing supplies one it lets everything pass.
    """

    name = "clock_skew"
    code = "C39"
    title = "a clock that disagrees with the broker's"
    table = ClockSkewTable
    fallback: ClassVar[Mapping[str, object]] = {}
    example: ClassVar[Mapping[str, object]] = {"max_seconds": "5"}
    wants: ClassVar[tuple[Need, ...]] = (Input.SKEW,)

    @hookimpl
    def check_order(self, order: Order, book: BookView) -> Verdict:
        """Compare the difference with the limit."""
        table = self.limits.of(order, book)
        datum = book.find(Input.SKEW)
        skew = datum.value if datum is not None else None
        if isinstance(skew, Decimal) and abs(skew) <= table.max_seconds:
            loud = table.warn_seconds is not None and abs(skew) > table.warn_seconds
            return self.warn(abs(skew), table.warn_seconds, "seconds") if loud else ALLOW
        if book.reduces(order):
            return ALLOW
        if isinstance(skew, Decimal):
            return self.refuse(abs(skew), table.max_seconds, "seconds; set this machine's clock")
        if not book.offers(Input.SKEW):
            return ALLOW
        return self.unknown("the broker's time is not known", table.max_seconds)
