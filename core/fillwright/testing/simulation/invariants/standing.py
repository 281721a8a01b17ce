"""What holds at any time, of desk, venue and everything under way between them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from fillwright.book import BookView
from fillwright.orders import OUR_PREFIX, original_id
from fillwright.risk.exposure import worst_leaves
from fillwright.states import Owner
from fillwright.testing.simulation.invariants.catalogue import Violation, When, invariant
from fillwright.testing.venue import Venue, VenueOrder
from fillwright.types import ZERO, ClientOrderId, OrdStatus, Side

if TYPE_CHECKING:
    from fillwright.testing.simulation.scene import Scene


@dataclass(frozen=True, slots=True)
class Sight:
    """The venue's orders at one moment, asked for once."""

    orders: Sequence[VenueOrder]
    open: Sequence[VenueOrder]

    @classmethod
    def of(cls, venue: Venue) -> Self:
        """As they stand now."""
        orders = venue.orders()
        return cls(orders, [o for o in orders if not (o.ended or o.waits_to_replace)])


def _ours(order: VenueOrder) -> bool:
    return order.client_order_id.startswith(OUR_PREFIX)


@invariant(When.TRANSITION, "I2", "I3")
def one_order_per_intent(sight: Sight) -> None:
    """The venue has at most one order of an intent, its replacements counted as one."""
    made = Counter(o.client_order_id for o in sight.orders if o.replaces is None and _ours(o))
    live = Counter(
        original_id(o.client_order_id)
        for o in sight.open
        if o.status is not OrdStatus.PENDING_NEW and _ours(o)
    )
    for what, counts in (("orders", made), ("live orders", live)):
        for key, count in counts.items():
            if count > 1:
                raise Violation(f"{key} is {count} {what} at the venue")


@invariant(When.TRANSITION, "I7", "I8")
def nothing_ended_that_works(scene: "Scene", sight: Sight) -> None:
    """An order that the broker has open is not ended here, unless it was given up."""
    for order in sight.open:
        state = scene.shadow.orders.get(original_id(order.client_order_id))
        if state is None or order.status is OrdStatus.PENDING_NEW:
            continue
        if state.ended and state.status is not OrdStatus.ABANDONED:
            key = state.client_order_id
            raise Violation(f"{key} is {state.status} here and {order.status} at the venue")


@invariant(When.TRANSITION, "I10", "I22")
def open_orders_are_counted(scene: "Scene", sight: Sight) -> None:
    """What may still trade at the venue is counted, of a pending replace the larger quantity.

    A change that arrives behind the fence counts from the moment on at which it is found.
    """
    for order in sight.open:
        state = scene.ledger.orders.get(original_id(order.client_order_id))
        if state is None or state.ended or order.quantity is None or order.successor is not None:
            continue
        if order.broker_order_id in scene.outside.touched:
            continue
        if _broke_its_promise(scene, state.client_order_id):
            continue
        reach = state.filled + worst_leaves(state)
        if reach < order.filled + order.leaves:
            raise Violation(f"{state.client_order_id} counts {reach} of {order.quantity}")


@invariant(When.TRANSITION, "I10")
def risk_sees_the_worst_case(scene: "Scene", view: BookView, asked: ClientOrderId) -> None:
    """The book on which an order is judged counts at least what is held, open and on its way.

    Legs that the broker made count from the moment on at which it told of them. What was given
    up behind the fence and came all the same counts from the moment on at which it is found.
    """
    outside = scene.outside
    sight, account = Sight.of(outside.venue), outside.venue.account()
    unseen = {
        order.symbol
        for order in sight.orders
        if order.parent and scene.was_unseen(order.broker_order_id)
    }
    for symbol in outside.venue.settings.positions:
        if symbol in outside.stirred or symbol in unseen:
            continue
        held, bought, sold = _true_reach(scene, sight, symbol, asked)
        held += account.quantity(symbol)
        seen = view.exposure(symbol)
        if seen.position + seen.open_buys < held + bought:
            raise Violation(f"{symbol} may reach {held + bought}, and risk counts {seen}")
        if seen.position - seen.open_sells > held - sold:
            raise Violation(f"{symbol} may fall to {held - sold}, and risk counts {seen}")


def _true_reach(
    scene: "Scene", sight: Sight, symbol: str, asked: ClientOrderId
) -> tuple[Decimal, Decimal, Decimal]:
    """What the position has by `asked` and the given up, and what others may still trade."""
    outside = scene.outside
    less, reach = ZERO, {Side.BUY: ZERO, Side.SELL: ZERO}
    at_venue: dict[str, None] = {}
    for order in sight.orders:
        key = original_id(order.client_order_id)
        at_venue[key] = None
        if order.symbol != symbol or order.status is OrdStatus.REPLACED:
            continue
        if key == asked or _is_given_up(scene, key):
            # Fills that the view does not show yet are judged with the order itself.
            less -= order.side.sign * (order.filled - scene.filled_then.get(key, ZERO))
        elif not (order.ended or order.quantity is None or order.shadow or _is_held(order)):
            reach[order.side] += order.leaves
    for name, sent in outside.sent.items():
        if sent.symbol != symbol or name in at_venue or name == asked:
            continue
        if outside.may_arrive(name) and not _is_given_up(scene, name):
            reach[sent.side] += sent.quantity or ZERO
    return less, reach[Side.BUY], reach[Side.SELL]


def _broke_its_promise(scene: "Scene", key: ClientOrderId) -> bool:
    """Whether the broker held a change back, or an answer, for longer than it says it ever does."""
    outside = scene.outside
    late = outside.late_changes.get(key, 0.0) > scene.capabilities.t_inflight
    return late or key in outside.misled


def _is_given_up(scene: "Scene", key: ClientOrderId) -> bool:
    if _broke_its_promise(scene, key):
        return True
    state = scene.shadow.orders.get(key)
    return state is not None and state.status is OrdStatus.ABANDONED


def _is_held(order: VenueOrder) -> bool:
    """Whether it waits for another order: a leg for its entry, a replacement for its turn."""
    return order.status is OrdStatus.PENDING_NEW


@invariant(When.TRANSITION, "I10", "2.2")
def doubts_are_counted(scene: "Scene") -> None:
    """A symbol with a request in doubt is known as such, and no other."""
    keeper = scene.parts.keeper
    doubtful = Counter(s.symbol for s in keeper.ledger.orders.values() if s.in_doubt)
    if +keeper.doubtful != doubtful:
        raise Violation(f"in doubt are {doubtful}, and {+keeper.doubtful} are counted")


@invariant(When.TRANSITION, "I14")
def memory_holds_what_is_open(scene: "Scene") -> None:
    """Settled orders leave the working set, or a long session grows without bound."""
    lingering = [str(s.client_order_id) for s in scene.ledger.orders.values() if s.settled]
    if lingering:
        raise Violation(f"{lingering} are settled and stay in memory")


@invariant(When.TRANSITION, "I15")
def memory_is_the_journal(scene: "Scene") -> None:
    """Each order under way is, to the last field, what the journal's records fold to."""
    for key, state in scene.ledger.orders.items():
        known = scene.shadow.orders.get(key)
        if known != state:
            raise Violation(f"{key} is {state} here, and {known} by the journal")


@invariant(When.TRANSITION, "I11")
def legs_follow_their_parent(scene: "Scene") -> None:
    """Legs stand on the other side of their parent."""
    for state in scene.shadow.orders.values():
        if state.owner is not Owner.LEG or state.parent is None:
            continue
        parent = scene.shadow.orders.get(state.parent)
        if parent is None:
            raise Violation(f"{state.client_order_id} is a leg of nothing")
        if parent.order is None or parent.order.order_class == "OCO":
            continue
        if state.side is not parent.side.opposite:
            raise Violation(f"{state.client_order_id} trades the same way as its entry")


@invariant(When.TRANSITION, "I22")
def a_replace_never_adds_up(sight: Sight) -> None:
    """Of an order and its replacements no more may trade than the largest of them asked for."""
    replaced = {original_id(o.client_order_id) for o in sight.orders if o.replaces and _ours(o)}
    for key in sorted(replaced):
        mine = [o for o in sight.orders if original_id(o.client_order_id) == key]
        chain = [order for order in mine if order.quantity is not None]
        largest = max(order.quantity or ZERO for order in chain)
        filled = max(order.filled for order in chain)
        live = sum((o.leaves for o in chain if not o.ended and not o.waits_to_replace), ZERO)
        if filled + live > max(largest, filled):
            raise Violation(f"{key} may trade {filled + live}, and at most {largest} was asked for")


@invariant(When.TRANSITION, "I16")
def the_same_order_again(first: ClientOrderId, second: ClientOrderId, intent: str) -> None:
    """The same intent is the same order, however often and whenever it comes."""
    if first != second:
        raise Violation(f"intent {intent} is {first} and {second}")


@invariant(When.TRANSITION, "I14", "2.3")
def nothing_waits_beyond_its_deadline(scene: "Scene") -> None:
    """An order that has not left when its time is over ends soon, whatever it was waiting for."""
    now, limits = scene.outside.clock.monotonic(), scene.parts.limits
    longest = limits.send_deadline + _SOON
    for key, state in scene.ledger.orders.items():
        taken = scene.taken_at.get(key)
        if state.status is OrdStatus.STAGED and taken is not None and now - taken > longest:
            raise Violation(f"{key} waits to leave since {now - taken:.0f} s")


@invariant(When.TRANSITION, "I14")
def queues_are_bounded(scene: "Scene") -> None:
    """No queue grows beyond what the desk was told to hold."""
    limit = scene.parts.limits.max_in_flight
    waiting = scene.parts.limiter.waiting
    if len(scene.ledger.orders) > limit + _SPARE or waiting > limit:
        raise Violation(f"{len(scene.ledger.orders)} orders and {waiting} requests are waiting")


#: How long an order may need to notice that its time is over, in seconds.
_SOON = 5.0
#: Orders that others made count besides those that the desk was told to hold.
_SPARE = 100


def quiet(scene: "Scene") -> bool:
    """Whether nothing is under way or in doubt here."""
    orders = scene.ledger.orders.values()
    waiting = any(s.pending for s in orders if not s.manual)
    return not waiting and scene.desk.obstacles == "" and not any(s.missing for s in orders)
