"""What must hold of the standard controls when an order leaves: how often, how many, how alike.

The rules are those of `limits`. Times are those of the judgements, by the desk's clock: what was
judged in one window may bunch up on its way, and that is the broker's rate limit's matter (I18).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import combinations
from typing import TYPE_CHECKING, Final

from fillwright.testing.simulation.invariants.catalogue import Violation, When, invariant
from fillwright.testing.simulation.invariants.limits import Seen
from fillwright.testing.simulation.left import Left, Track
from fillwright.types import ZERO, Side

if TYPE_CHECKING:
    from fillwright.orders import Order

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_WINDOWS: Final = (("second", _SECOND), ("minute", _MINUTE))
_DRIFT_WINDOW: Final = 300
_ANY_BUY: Final = Decimal("Infinity")


def _since(seen: Seen, one: Left, window: timedelta) -> Iterator[Left]:
    """What was judged no later than `one`, and within the window before it."""
    begin: datetime = one.at - window
    for other in seen.left:
        if other.number <= one.number and other.at >= begin:
            yield other


@invariant(When.BROKER, "I9", "C16", "C17")
def orders_leave_no_faster(seen: Seen) -> None:
    """In no second and no minute more orders and changes pass than may, restarts included."""
    for one in seen.left:
        if not one.opening:
            continue
        for name, window in _WINDOWS:
            judged = list(_since(seen, one, window))
            order = one.order
            groups = {
                "account": judged,
                "symbol": [o for o in judged if o.order.symbol == order.symbol],
                "strategy": [o for o in judged if o.order.strategy == order.strategy],
            }
            for scope, group in groups.items():
                limit = seen.limit("order_rate", f"{scope}_per_{name}")
                _no_more(len(group), limit, f"orders of one {scope} in a {name}")
            changes = sum(other.change for other in judged)
            limit = seen.limit("message_rate", f"changes_per_{name}")
            _no_more(changes if one.change else 0, limit, f"changes in a {name}")


def _no_more(count: int, limit: Decimal | None, text: str) -> None:
    if limit is not None and count > limit:
        raise Violation(f"{count} {text}, and the limit is {limit}")


@invariant(When.BROKER, "I9", "C22")
def no_more_are_open(seen: Seen) -> None:
    """No more orders are open than may be on one side, in one symbol, and in all."""
    order = seen.one.order
    groups = (
        ("side_orders", lambda o: (o.symbol, o.side) == (order.symbol, order.side)),
        ("symbol_orders", lambda o: o.symbol == order.symbol),
        ("account_orders", lambda _: True),
    )
    for setting, wanted in groups:
        newest = seen.newest(lambda one, wanted=wanted: wanted(one.order))  # type: ignore[misc]
        if newest is not None:
            alive = [track for track in seen.before(newest, wanted) if track.alive]
            _no_more(len(alive), seen.limit("open_orders", setting), f"open by {setting}")


@invariant(When.BROKER, "I9", "C18")
def executions_are_looked_at(seen: Seen) -> None:
    """So many orders of one strategy, symbol and side fill, and no more, until a person looks."""
    limit, departures = (
        seen.limit("repeated_execution", "max_orders"),
        seen.scene.outside.departures,
    )
    order = seen.one.order
    if limit is None or departures.jumped:
        return

    def alike(other: "Order") -> bool:
        mine, theirs = (order.symbol, order.side), (other.symbol, other.side)
        return mine == theirs and other.strategy == order.strategy

    newest = seen.newest(lambda one: alike(one.order) and not one.change)
    if newest is None:
        return
    mine = [t for t in seen.before(newest, alike) if t.number > departures.attended]
    _no_more(sum(t.alive or bool(t.filled) for t in mine), limit, "filled unattended")


@invariant(When.BROKER, "I9", "C19")
def nothing_leaves_twice_by_a_slip(seen: Seen) -> None:
    """The same order under another intent does not leave within moments, restarts included.

    The same is what was asked alike: two orders that a control made equally small are not.
    """
    seconds = seen.limit("duplicate_order", "window_seconds")
    window = timedelta(seconds=float(seconds or 0))
    for one in seen.left:
        if not one.opening or not window:
            continue
        for other in _since(seen, one, window):
            alike = _asks(other.asked) == _asks(one.asked)
            if alike and other.key != one.key:
                apart = (one.at - other.at).total_seconds()
                raise Violation(f"{one.key} is {other.key} again, {apart:g} s later")


def _asks(order: "Order") -> tuple[object, ...]:
    kind = (order.type, order.time_in_force, order.limit_price, order.stop_price)
    return (order.symbol, order.side, order.quantity, order.notional, *kind)


@invariant(When.BROKER, "I9", "C05")
def our_prices_do_not_walk(seen: Seen) -> None:
    """No price of ours stands farther from the best of our own in the window than it may."""
    pct = seen.limit("price_drift", "max_drift_pct")
    if pct is None:
        return
    window = timedelta(seconds=seen.setting("price_drift", "window_seconds") or _DRIFT_WINDOW)
    for one in seen.left:
        price, order = one.order.limit_price, one.order
        if price is None or not one.opening:
            continue
        prices = [
            other.order.limit_price
            for other in _since(seen, one, window)
            if (other.order.symbol, other.order.side) == (order.symbol, order.side)
            and other.order.limit_price is not None
        ]
        best = min(prices) if order.side is Side.BUY else max(prices)
        if abs(price - best) * 100 > pct * best:
            raise Violation(f"{one.key} left at {price}, and our best was {best}")


@invariant(When.BROKER, "I9", "C29")
def we_do_not_trade_with_ourselves(seen: Seen) -> None:
    """No two orders of ours work on both sides of one symbol at prices that meet."""
    working = [t for t in seen.tracks if t.resting is not None and t.certain]
    for one, other in combinations(working, 2):
        if one.order.symbol != other.order.symbol or one.order.side is other.order.side:
            continue
        buy, sell = (one, other) if one.order.side is Side.BUY else (other, one)
        if _price(buy, _ANY_BUY) >= _price(sell, ZERO):
            raise Violation(f"{buy.key} and {sell.key} may trade with each other")


def _price(track: Track, unbounded: Decimal) -> Decimal:
    price = None if track.resting is None else track.resting.limit_price
    return unbounded if price is None else price
