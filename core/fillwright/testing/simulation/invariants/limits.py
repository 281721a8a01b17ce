"""What must hold of the standard controls when an order leaves: sizes, positions, capital.

Rules:
1. Measured is what left and what the venue shows, never what the desk believes; every price is
   taken at the least that it can have been, so that a violation is certain.
2. An order is held to what was judged before it, whenever that left: the order of judgement is
   the order in which limits fill up.
3. What only reduces may pass a limit, so only departures that are certainly `opening` count as
   passing one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from fillwright.testing.simulation.controls import VOLUME
from fillwright.testing.simulation.invariants.catalogue import Violation, When, invariant
from fillwright.testing.simulation.left import Left, Track, is_opening
from fillwright.testing.simulation.moves import HELD, PRICES
from fillwright.types import ZERO, Side

if TYPE_CHECKING:
    from fillwright.orders import Order
    from fillwright.testing.simulation.scene import Scene

#: What holds where a control has no table, or its table no such setting.
_DEFAULTS: Final = {
    ("max_order_quantity", "limit_shares"): "10000",
    ("max_short_position", "limit_shares"): "0",
    ("price_collar", "max_away_pct"): "10",
    ("duplicate_order", "window_seconds"): "5",
    ("open_orders", "side_orders"): "20",
    ("open_orders", "account_orders"): "500",
}
#: No quote of a scenario stands farther from a symbol's price.
WANDERS: Final = Decimal("1.51")
_LOWEST: Final = Decimal("0.9")
_NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Seen:
    """One departure, all that left before it, and the venue at that moment."""

    scene: "Scene"
    one: Left
    #: What left, in the order of judgement.
    left: list[Left]
    tracks: list[Track]

    @classmethod
    def of(cls, scene: "Scene", one: Left) -> "Seen":
        """Look around; what the departure is, is entered into it."""
        outside = scene.outside
        departures, orders = outside.departures, outside.venue.orders()
        tracks = departures.tracks(orders, under_way=outside.may_arrive, given_up=scene.is_given_up)
        symbol = one.order.symbol
        stirred = symbol in outside.stirred
        one.opening = not stirred and is_opening(one, tracks, HELD.get(symbol, ZERO))
        return cls(scene, one, departures.in_order(), tracks)

    def setting(self, table: str, name: str) -> Any:  # noqa: ANN401  # as TOML has it
        """What a table says; None when it says nothing and has no default."""
        said = self.scene.outside.departures.settings.get(table, {})
        return said.get(name, _DEFAULTS.get((table, name)))

    def limit(self, table: str, name: str) -> Decimal | None:
        """The same as a number."""
        value = self.setting(table, name)
        return None if value is None else Decimal(str(value))

    def newest(self, wanted: Callable[["Left"], bool] = lambda _: True) -> Left | None:
        """The departure judged last of those that are opening."""
        found = [one for one in self.left if one.opening and wanted(one)]
        return found[-1] if found else None

    def before(self, one: Left, wanted: Callable[["Order"], bool]) -> list[Track]:
        """Every order that was judged no later than `one`."""
        return [t for t in self.tracks if t.number <= one.number and wanted(t.order)]


def least(symbol: str) -> Decimal:
    """Below every price of a scenario."""
    return PRICES[symbol] * _LOWEST


def open_part(track: Track, number: int) -> Decimal:
    """What it may still trade, as little as a judgement can have known."""
    return max(track.reach(number) - track.filled, ZERO) if track.alive else ZERO


def _hold(measured: Decimal, limit: Decimal | None, text: str) -> None:
    if limit is not None and measured > limit:
        raise Violation(f"{text}: {measured}, and the limit is {limit}")


@invariant(When.BROKER, "I9", "C01", "C02")
def no_order_is_too_large(seen: Seen) -> None:
    """No single order or change leaves for more shares or money than its limit."""
    one = seen.one
    quantity = one.order.quantity
    if one.opening and quantity is not None:
        shares = seen.limit("max_order_quantity", "limit_shares")
        _hold(quantity, shares, f"shares of {one.key}")
        worth = seen.limit("max_order_notional", "limit_usd")
        _hold(quantity * one.price, worth, f"value of {one.key}")


@invariant(When.BROKER, "I9", "C04")
def no_price_is_far_away(seen: Seen) -> None:
    """No limit price leaves that is outside of the collar of every quote there was."""
    one, pct = seen.one, seen.limit("price_collar", "max_away_pct")
    price = one.order.limit_price
    if not one.opening or price is None or pct is None:
        return
    middle = PRICES[one.order.symbol]
    nearest = min(max(price, middle - WANDERS), middle + WANDERS)
    _hold(abs(price - nearest) * 100 / nearest, pct, f"percent of {one.key} from the market")


@invariant(When.BROKER, "I10", "C08", "C09")
def positions_stay_within_their_limits(seen: Seen) -> None:
    """However all that is open fills, no position is longer or shorter than its limit."""
    symbol, side = seen.one.order.symbol, seen.one.order.side
    newest = seen.newest(lambda one: (one.order.symbol, one.order.side) == (symbol, side))
    if newest is None or not seen.one.opening:
        return
    held = seen.scene.outside.venue.account().quantity(symbol)
    mine = seen.before(newest, lambda order: (order.symbol, order.side) == (symbol, side))
    parts = [(open_part(track, newest.number), track) for track in mine]
    reach = sum((part for part, _ in parts), ZERO)
    if side is Side.BUY:
        shares = seen.limit("max_long_position", "limit_shares")
        _hold(held + reach, shares, f"{symbol} may be long")
        value = max(held, ZERO) * least(symbol)
        value += sum((part * track.versions[0].price for part, track in parts), ZERO)
        _hold(value, seen.limit("max_long_position", "limit_usd"), f"{symbol} may be worth")
    else:
        shares = seen.limit("max_short_position", "limit_shares")
        _hold(reach - held, shares, f"{symbol} may be short")


@invariant(When.BROKER, "I10", "C10", "C11")
def exposure_stays_within_its_limit(seen: Seen) -> None:
    """All that is held and open together is worth no more than the account, or a sector, may."""
    newest = seen.newest()
    if newest is None or seen.scene.outside.stirred:
        return
    _hold(_gross(seen, newest, PRICES), seen.limit("gross_exposure", "limit_usd"), "gross")
    for sector in (("AAPL", "MSFT"), ("KO",)):
        mine = seen.newest(lambda one, sector=sector: one.order.symbol in sector)  # type: ignore[misc]
        if mine is not None:
            limit = seen.limit("sector_exposure", "limit_usd")
            _hold(_gross(seen, mine, sector), limit, f"sector of {sector[0]}")


def _gross(seen: Seen, newest: Left, symbols: Iterable[str]) -> Decimal:
    account, among = seen.scene.outside.venue.account(), frozenset(symbols)
    total = sum((abs(account.quantity(symbol)) * least(symbol) for symbol in among), ZERO)
    for track in seen.before(newest, lambda order: order.symbol in among):
        price = min(one.price for one in track.versions)
        total += open_part(track, newest.number) * price
    return total


@invariant(When.BROKER, "I10", "C06", "C07")
def volumes_stay_within_their_limits(seen: Seen) -> None:
    """What is open on one side, and all that was traded and is open, is a part of the volume."""
    one = seen.one
    if not one.opening:
        return
    symbol, side = one.order.symbol, one.order.side
    newest = seen.newest(lambda left: (left.order.symbol, left.order.side) == (symbol, side))
    average = seen.limit("average_volume", "max_pct")
    if newest is not None and average is not None:
        mine = seen.before(newest, lambda order: (order.symbol, order.side) == (symbol, side))
        total = sum((open_part(track, newest.number) for track in mine), ZERO)
        _hold(total, VOLUME * average / 100, f"open {side} {symbol}")
    newest = seen.newest(lambda left: left.order.symbol == symbol)
    part = seen.limit("participation", "max_pct")
    if newest is not None and part is not None and not seen.scene.outside.departures.jumped:
        mine = seen.before(newest, lambda order: order.symbol == symbol)
        total = sum((max(track.filled, track.reach(newest.number)) for track in mine), ZERO)
        _hold(total, VOLUME * part / 100, f"our part of {symbol}")


@invariant(When.BROKER, "I10", "C13")
def the_days_capital_is_bounded(seen: Seen) -> None:
    """All that was put to work in a day is worth no more than its limit, restart or not."""
    newest = seen.newest()
    if newest is None:
        return
    day = _day(newest)
    today = [t for t in seen.tracks if all(_day(one) == day for one in t.versions)]
    total = sum((track.worth(newest.number, opening=True) for track in today), ZERO)
    _hold(total, seen.limit("daily_capital", "limit_usd"), "capital of the day")


def _day(one: Left) -> date:
    return one.at.astimezone(_NEW_YORK).date()


@invariant(When.BROKER, "I11", "C14")
def a_basket_is_worth_what_it_may(seen: Seen) -> None:
    """All orders of one plan, or of one parent, are worth no more than their limit."""
    order = seen.one.order
    for name, setting, whose in (
        ("plan_id", "plan_usd", order.plan_id),
        ("parent_id", "parent_usd", order.parent_id),
    ):
        limit = seen.limit("basket_notional", setting)
        if whose is None or limit is None:
            continue
        newest = seen.newest(
            lambda one, name=name, whose=whose: (  # type: ignore[misc]
                getattr(one.order, name) == whose and not one.change
            )
        )
        if newest is not None:
            total = sum((t.worth(newest.number) for t in _of(seen, name, whose)), ZERO)
            _hold(total, limit, f"value of {whose}")


@invariant(When.BROKER, "I11", "C15")
def children_stay_within_their_parent(seen: Seen) -> None:
    """What the children of one parent filled and may fill is no more than it asks for."""
    order = seen.one.order
    family = _of(seen, "parent_id", order.parent_id) if order.parent_id else []
    if not family or not all(track.certain for track in family):
        return
    newest = seen.newest(lambda one: one.order.parent_id == order.parent_id)
    if newest is not None:
        mine = [track for track in family if track.number <= newest.number]
        total = sum((max(t.filled, t.reach(newest.number)) for t in mine if t.alive), ZERO)
        total += sum((track.filled for track in mine if not track.alive), ZERO)
        _hold(total, newest.order.parent_quantity, f"children of {order.parent_id}")


def _of(seen: Seen, name: str, whose: str) -> list[Track]:
    return [track for track in seen.tracks if getattr(track.order, name) == whose]


@invariant(When.BROKER, "I10", "C31")
def buys_are_paid_with_settled_cash(seen: Seen) -> None:
    """Buys cost no more than the cash of the morning, whatever was sold since."""
    floor, outside = seen.limit("settled_cash", "floor_usd"), seen.scene.outside
    newest = seen.newest(lambda one: one.order.side is Side.BUY)
    if floor is None or newest is None or outside.stirred:
        return
    cost = ZERO
    for track in seen.before(newest, lambda order: order.side is Side.BUY):
        price = min(one.price for one in track.versions)
        cost += track.filled * least(track.order.symbol)
        cost += open_part(track, newest.number) * price
    _hold(cost, outside.venue.settings.cash - floor, "cost of all buys")
