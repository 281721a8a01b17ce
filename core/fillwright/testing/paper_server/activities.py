"""Account activities: the fills, page by page.

A fill is told with its order's id and never with a client order id. Busts and corrections: what
the list shows of them is not confirmed. Here a busted fill leaves the list and a corrected one is
replaced by its correction, so that the sum of the list is always what is held; the setting
`list_busts` keeps both and adds the bust or correction itself.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from fillwright.protocols import Json
from fillwright.reports import Fill
from fillwright.testing.paper_server.calls import Call, Fields
from fillwright.testing.paper_server.hours import NEW_YORK
from fillwright.testing.paper_server.moments import nanoseconds, written
from fillwright.testing.paper_server.names import uuid_of
from fillwright.testing.paper_server.refusals import misshapen
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.showing import status_word
from fillwright.testing.paper_server.writing import answer, decimal_text
from fillwright.testing.venue.books import Mark
from fillwright.types import ExecType

_LONGEST_PAGE = 100
_FILL = "FILL"
#: Kinds of which this server has none.
_OTHERS = (
    "TRANS MISC ACATC ACATS CFEE CGD CSD CSW DIV DIVCGL DIVCGS DIVFEE DIVFT DIVNRA DIVROC DIVTW "
    "DIVTXEX FEE INT INTNRA INTTW JNL JNLC JNLS MA NC OPASN OPCA OPCSH OPEXC OPEXP OPTRD PTC PTR "
    "REORG SPIN SPLIT FOPT"
)
_UNDOINGS = MappingProxyType(
    {ExecType.TRADE_CANCEL: "trade_bust", ExecType.TRADE_CORRECT: "trade_correct"}
)


@dataclass(frozen=True, slots=True)
class _Item:
    """One line of the list."""

    number: int
    fill: Fill
    mark: Mark

    @property
    def at(self) -> int:
        return nanoseconds(self.fill.execution.transact_time, self.number)


def list_activities(call: Call) -> Answer:
    """`GET /v2/account/activities`."""
    query = call.query
    types = query.words("activity_types")
    category = query.choice("category", ("", "trade_activity", "non_trade_activity"))
    if types and category:
        raise misshapen("category cannot be used with activity_types")
    for word in types:
        _check_type(word)
    with_fills = (not types or _FILL in types) and category != "non_trade_activity"
    return _page(call, with_fills=with_fills)


def list_activities_of_type(call: Call) -> Answer:
    """`GET /v2/account/activities/{type}`."""
    _check_type(call.name)
    return _page(call, with_fills=call.name == _FILL)


def _check_type(name: str) -> None:
    if name != _FILL and name not in _OTHERS.split():
        raise misshapen("invalid activity type")


def _page(call: Call, *, with_fills: bool) -> Answer:
    query = call.query
    size = query.count("page_size", _LONGEST_PAGE, _LONGEST_PAGE)
    oldest_first = query.choice("direction", ("desc", "asc")) == "asc"
    first, last = _span(query)
    behind = _number_behind(call, query)
    items = [
        item
        for item in _items(call)
        if first < item.at < last
        and (behind is None or (item.number > behind if oldest_first else item.number < behind))
    ]
    if not with_fills:
        items = []
    if not oldest_first:
        items.reverse()
    return answer(200, [_show(call, item) for item in items[:size]])


def _items(call: Call) -> Iterator[_Item]:
    books = call.venue.books
    undone = {fill.execution.corrects for fill in books.fills}
    everything = call.account.settings.list_busts
    for index, fill in enumerate(books.fills):
        bust = fill.exec_type is ExecType.TRADE_CANCEL
        if everything or not (bust or fill.execution.execution_id in undone):
            yield _Item(index + 1, fill, books.marks[index])


def _span(query: Fields) -> tuple[int, int]:
    """Between which two moments, neither included (not confirmed), in nanoseconds."""
    after, until, day = query.moment("after"), query.moment("until"), query.text("date")
    if day is None:
        return -1 if after is None else after, _never() if until is None else until
    if after is not None or until is not None:
        raise misshapen("date cannot be used with after or until")
    return _span_of_day(day)


def _span_of_day(text: str) -> tuple[int, int]:
    """A day in New York, as the ids show it (not confirmed)."""
    try:
        day = date.fromisoformat(text[:10])
        begins = datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)
        ends = begins + timedelta(days=1)
        return nanoseconds(begins.astimezone(UTC)) - 1, nanoseconds(ends.astimezone(UTC))
    except (ValueError, OverflowError):
        raise misshapen("invalid date") from None


def _never() -> int:
    return nanoseconds(datetime.max.replace(tzinfo=UTC)) + 1000


def _number_behind(call: Call, query: Fields) -> int | None:
    """The number of the fill whose id ended the last page; it need not be listed any more."""
    token = query.text("page_token")
    if token is None:
        return None
    _, _, name = token.partition("::")
    fills = call.venue.books.fills
    found = re.fullmatch("[0-9a-f]([0-9a-f]{7})-.*", name)
    number = int(found[1], 16) if found else 0
    if 1 <= number <= len(fills) and _id_of(call, number) == token:
        return number
    raise misshapen("invalid page_token")


def _id_of(call: Call, number: int) -> str:
    """`<yyyymmddHHMMSSmmm in New York>::<uuid>`; the UUID begins with the number of the fill."""
    execution = call.venue.books.fills[number - 1].execution
    local = execution.transact_time.astimezone(NEW_YORK)
    name: str = execution.execution_id
    if not call.account.settings.activity_ids_match:
        name = f"a{number:07x}{uuid_of('activity', name)[8:]}"
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}::{name}"


def _show(call: Call, item: _Item) -> dict[str, Json]:
    fill, mark, books = item.fill, item.mark, call.venue.books
    execution = fill.execution
    shown: dict[str, Json] = {
        "id": _id_of(call, item.number),
        "activity_type": _FILL,
        "transaction_time": written(execution.transact_time, item.number),
        "type": "partial_fill" if mark.leaves else "fill",
        "price": decimal_text(execution.price),
        "qty": decimal_text(execution.quantity),
        "side": fill.side.lower(),
        "symbol": fill.symbol,
        "leaves_qty": decimal_text(mark.leaves),
        "order_id": fill.broker_order_id,
        "cum_qty": decimal_text(mark.filled),
        "order_status": status_word(books.orders[fill.broker_order_id], mark.status),
    }
    if call.account.settings.list_busts and fill.exec_type in _UNDOINGS:
        shown["type"] = _UNDOINGS[fill.exec_type]
        corrected = execution.corrects
        shown["previous_id"] = corrected and _id_of(call, books.fill_index[corrected] + 1)
    return shown
