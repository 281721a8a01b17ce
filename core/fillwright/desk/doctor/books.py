"""Whether the broker's books can be read, and whether its stream and its rate limit are sound."""

from collections.abc import Sequence
from typing import TypeVar

from fillwright.desk.doctor.asking import Unsound, answered, kind_of, need
from fillwright.desk.doctor.case import Case
from fillwright.desk.doctor.findings import Seen, failed, ok, skipped, warning
from fillwright.desk.tasks import NoAnswer
from fillwright.errors import JournalBound
from fillwright.orders import OUR_PREFIX
from fillwright.reports import BrokerOrder, Connected, Cursor, Disconnected, Fill, Page

T = TypeVar("T")

_NETWORK = "Check the network and the broker's own status page, then look again"
_STOOD_DOWN = (
    "Mend what the sentence names: trying again would not help. Keys, and how many streams one "
    "account may have, are the usual reasons"
)
#: Less than this share of the broker's limit left: others use the account too.
_SCARCE = 0.1


async def open_orders(case: Case) -> Seen:
    """Whether open orders can be read."""
    orders = _items(await case.ask(case.adapter.executor.open_orders), BrokerOrder, "open_orders")
    ours = sum((order.client_order_id or "").startswith(OUR_PREFIX) for order in orders)
    return ok(f"{len(orders)} open, {ours} of them sent by a desk")


async def executions(case: Case) -> Seen:
    """Whether executions can be read, from where the journal has read them to the end."""
    since, executor = _cursor(case), case.adapter.executor
    page = await answered(lambda: executor.executions(since), case.clock, case.patience.executions)
    fills = _items(need(page, Page, "executions").items, Fill, "executions")
    need(page.cursor, str, "the cursor of executions")
    where = "since the journal's last look" if since else "at a first look"
    return ok(f"{len(fills)} {where}")


def _cursor(case: Case) -> Cursor | None:
    """The cursor in the journal, if the journal is this account's."""
    sight, account = case.journal, case.account
    if sight is None or account is None:
        return None
    try:
        broker = case.adapter.executor.broker
        sight.check_binding(case.config.mode, broker, account.account_id)
    except JournalBound:
        return None
    return case.ledger.cursor if case.ledger else None


def _items(answer: object, kind: type[T], what: str) -> list[T]:
    """Every item of a list, each of its kind. Raises Unsound."""
    if isinstance(answer, str) or not isinstance(answer, Sequence):
        raise Unsound(f"{what} is {kind_of(answer)}, not a sequence")
    return [need(item, kind, f"one of {what}") for item in answer]


async def stream(case: Case) -> Seen:
    """Whether the stream connects in time."""
    if case.journal is not None and case.journal.holder:
        # Where a broker allows one stream for each account, ours would end the other.
        return skipped("a desk is running on this journal, and its stream is left alone")
    down: list[Disconnected] = []
    try:
        up = await answered(lambda: _connected(case, down), case.clock, case.patience.stream)
    except NoAnswer as fault:
        why = f"; last it said: {down[-1].reason}" if down else ""
        return failed(f"not connected, {fault}{why}", _NETWORK)
    if up:
        return ok("connected")
    if not down:
        return failed("it ended without connecting", _NETWORK)
    said = down[-1]
    if not said.final:
        return failed(f"it ended: {said.reason}", _NETWORK)
    return failed(f"it stood down for good: {said.reason}", _STOOD_DOWN)


async def _connected(case: Case, down: list[Disconnected]) -> bool:
    """Read until the stream stands or has stood down; what it said on the way is noted."""
    async for item in case.adapter.stream.reports():
        if isinstance(item, Connected):
            return True
        if isinstance(item, Disconnected):
            down[:] = [item]
            if item.final:
                return False
    return False


async def rate_limit(case: Case) -> Seen:
    """What the broker said about its count of our requests, beside the answers so far."""
    told, declared = case.rate, case.adapter.executor.capabilities.requests_per_minute
    if told is None or told.limit is None:
        return skipped(f"{case.config.broker} told none; the adapter counts on {declared} a minute")
    left = "" if told.remaining is None else f", {told.remaining} left"
    seen = f"{told.limit} requests{left}; the adapter counts on {declared} a minute"
    if told.limit < declared:
        return warning(seen, "The desk slows down when it is told so; expect fewer orders a minute")
    if told.remaining is not None and told.remaining < told.limit * _SCARCE:
        return warning(seen, "Something else uses this account's requests; find it, or wait")
    return ok(seen)
