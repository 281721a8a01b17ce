"""Ask Alpaca for fills, page by page, from a bookmark on.

Rules:
1. A bookmark is the time of the newest fill that was told. Every question begins some minutes
   before it: activities of one moment come out of order, and late.
2. A bookmark also has a digest of what had been told when it was given. Whoever comes back with it
   has that, and is told the rest; where this process does not know the digest, all is told again,
   and the ledger knows it by its execution id.
3. A fill whose order cannot be looked up is told without the order's name, never left out. An
   order that has a fill exists: that Alpaca does not show it may mean that its books are late, so
   for a while there is no answer at all. Told without its name it would be a stranger's for good.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from fillwright.errors import BrokerUnavailable
from fillwright.logs import get_logger
from fillwright.reports import Cursor, Execution, Fill, Page
from fillwright.types import BrokerOrderId, ExecType
from fillwright_alpaca.answers import Activity, activity_of
from fillwright_alpaca.calls import Lane
from fillwright_alpaca.exchange import Exchange
from fillwright_alpaca.known import KnownOrders
from fillwright_alpaca.messages import Unreadable, list_of
from fillwright_alpaca.outcomes import is_denied
from fillwright_alpaca.questions import PAGE as ORDERS_PAGE
from fillwright_alpaca.questions import path_of, written
from fillwright_alpaca.tape import Tape
from fillwright_alpaca.wire import Request

_log = get_logger(__name__)

#: How far behind its bookmark a question begins.
OVERLAP = timedelta(minutes=5)
#: Without a bookmark: the fills of so long before the newest one. Older ones are in the positions,
#: and an account may have years of them.
FIRST_LOOK = timedelta(days=1)
PAGE = 100
MOST_PAGES = 1000
#: Bookmarks whose fills are remembered as told.
_MARKS = 64
#: More unknown orders than this are looked for in one list, before each is asked for.
_FEW = 3
#: Seconds for which an order that has a fill may be missing before the fill is told without it.
BOOKS_WITHIN = 30.0
_QUESTION = "for the fills"
_PREFIX = "fills:"
#: The bookmark of an account that had no fill yet.
_START = Cursor(f"{_PREFIX}start")


class Fills:
    """The account's executions."""

    def __init__(self, exchange: Exchange, orders: KnownOrders) -> None:
        self._exchange = exchange
        self._orders = orders
        self._tape = Tape()
        self._told: dict[Cursor, frozenset[str]] = {}
        #: When Alpaca first showed no order, or none with our id, where there is a fill.
        self._nameless: dict[str, float] = {}

    async def since(self, cursor: Cursor | None) -> Page[Fill]:
        """Every fill since the bookmark, oldest first. Raises `BrokerUnavailable`."""
        mark = _moment_of(cursor)
        found = await (self._latest() if cursor is None else self._following(mark))
        told = self._told.get(cursor, frozenset()) if cursor is not None else frozenset()
        news = [one for one in self._tape.take(found) if one.activity_id not in told]
        if cursor is not None:
            await self._look_up(news)
        return Page([self._fill(one) for one in news], self._bookmark(found, cursor or _START))

    def _bookmark(self, found: Sequence[Activity], before: Cursor) -> Cursor:
        """The bookmark behind `found`, which begins an overlap ahead of the bookmark `before`."""
        newest = max((one.at for one in found), default=None)
        mark = _moment_of(before)
        if newest is None or (mark is not None and newest < mark):
            return before
        told = frozenset(one.activity_id for one in found if one.at > newest - OVERLAP)
        digest = sha256("\n".join(sorted(told)).encode()).hexdigest()[:16]
        bookmark = Cursor(f"{_PREFIX}{written(newest)}#{digest}")
        self._told.pop(bookmark, None)
        self._told[bookmark] = told
        if len(self._told) > _MARKS:
            del self._told[next(iter(self._told))]
        return bookmark

    # ------------------------------------------------------------------ pages

    async def _latest(self) -> list[Activity]:
        """The fills of the last day that had any."""
        found: dict[str, Activity] = {}
        token = ""
        for _ in range(MOST_PAGES):
            page = await self._page("desc", token)
            found |= {one.activity_id: one for one in page}
            newest = max((one.at for one in found.values()), default=None)
            if len(page) < PAGE or newest is None or page[-1].at < newest - FIRST_LOOK:
                return _in_order(found.values())
            token = page[-1].activity_id
        raise BrokerUnavailable(_QUESTION, "its pages do not come to an end")

    async def _following(self, mark: datetime | None) -> list[Activity]:
        """The fills from a little before the mark on."""
        found: dict[str, Activity] = {}
        token = ""
        for _ in range(MOST_PAGES):
            page = await self._page("asc", token, mark)
            known = len(found)
            found |= {one.activity_id: one for one in page}
            if len(page) < PAGE:
                return _in_order(found.values())
            if len(found) == known:
                break
            token = page[-1].activity_id
        raise BrokerUnavailable(_QUESTION, "its pages do not come to an end")

    async def _page(
        self, direction: str, token: str, mark: datetime | None = None
    ) -> list[Activity]:
        fields = {"direction": direction, "page_size": str(PAGE)}
        if token:
            fields["page_token"] = token
        if mark is not None:
            fields["after"] = written(mark - OVERLAP)
        request = Request("GET", "/account/activities/FILL", fields)
        return await self._exchange.ask(request, _QUESTION, _activities)

    # ------------------------------------------------------------------ orders

    async def _look_up(self, activities: Sequence[Activity]) -> None:
        """Learn the orders that these fills name and that were never seen."""
        unknown = self._unknown(activities)
        if len(unknown) > _FEW:
            fields = {"status": "all", "limit": str(ORDERS_PAGE), "nested": "true"}
            recent = Request("GET", "/orders", {**fields, "direction": "desc"})
            await self._exchange.ask(recent, "for the latest orders", self._learn_all)
            unknown = self._unknown(activities)
        for order_id in unknown:
            # A leg comes with the entry that was asked for before it.
            if not self._is_named(order_id):
                await self._ask_for(order_id)

    def _unknown(self, activities: Iterable[Activity]) -> list[str]:
        ids = dict.fromkeys(one.order_id for one in activities)
        return [order_id for order_id in ids if not self._is_named(order_id)]

    def _is_named(self, order_id: str) -> bool:
        names = self._orders.get(order_id)
        return names is not None and names.client_order_id is not None

    async def _ask_for(self, order_id: str) -> None:
        question = f"for order {order_id}"
        request = Request("GET", path_of(order_id), {"nested": "true"})
        outcome = await self._exchange.send(Lane.QUERY, request)
        if not is_denied(outcome):
            self._exchange.read(outcome, question, self._orders.learn)
        if self._is_named(order_id):
            self._nameless.pop(order_id, None)
            return
        now = self._exchange.clock.monotonic()
        if now - self._nameless.setdefault(order_id, now) < BOOKS_WITHIN:
            raise BrokerUnavailable(question, "it has a fill, and the books do not show it yet")
        _log.warning("fill_without_order", broker_order_id=order_id)

    def _learn_all(self, raw: object) -> None:
        for one in list_of(raw, "orders"):
            try:
                self._orders.learn(one)
            except Unreadable as fault:
                # One that is needed is asked for by its id, and then it matters.
                _log.warning("order_unread", field=fault.field, reason=str(fault))

    def _fill(self, one: Activity) -> Fill:
        names = self._orders.get(one.order_id)
        return Fill(
            Execution(one.execution_id, one.quantity, one.price, one.at, corrects=one.corrects),
            names.symbol if names else one.symbol,
            names.side if names else one.side,
            BrokerOrderId(one.order_id),
            names.client_order_id if names else None,
            one.kind,
            parent=names.parent if names else None,
        )


def _activities(raw: object) -> list[Activity]:
    return [activity_of(one) for one in list_of(raw, "fill activities")]


def _in_order(activities: Iterable[Activity]) -> list[Activity]:
    """Oldest first; of one moment, what takes back stands before the fills but for its own."""
    given = list(activities)
    moments = {one.activity_id: one.at for one in given}

    def place(one: Activity) -> int:
        if one.kind is ExecType.TRADE:
            return 1
        return 2 if moments.get(one.previous) == one.at else 0

    return sorted(given, key=lambda one: (one.at, place(one), one.order_id, one.cumulative))


def _moment_of(cursor: Cursor | None) -> datetime | None:
    if cursor is None or cursor == _START:
        return None
    try:
        moment = datetime.fromisoformat(cursor.removeprefix(_PREFIX).partition("#")[0])
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not cursor.startswith(_PREFIX):
        raise BrokerUnavailable(_QUESTION, "the bookmark is not one of this adapter's")
    return moment
