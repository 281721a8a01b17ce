"""The gate's own rules: asked before every plugin's check, and never switched off. Pure.

An order that only reduces passes halts, doubts, health and account blocks, so that risk can
always be taken off. It does not pass what the broker cannot take, and it does not pass a check
that raises, hangs or gives no verdict (see `answers`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.protocols import Capabilities
from fillwright.types import OrderClass
from fillwright.verdicts import Reject, Resize, Scope, Verdict

UNSUPPORTED = "UNSUPPORTED"
REDUCE_ONLY = "REDUCE_ONLY"
NOTHING_LEFT = "NOTHING_LEFT"
HALTED = "HALTED"
IN_DOUBT = "IN_DOUBT"
NOT_READY = "NOT_READY"
ACCOUNT_BLOCKED = "ACCOUNT_BLOCKED"

_WHOLE = Decimal(1)
#: A desk has one account, so a halt of either holds every order, whatever its name says.
_WHOLE_DESK = frozenset({Scope.DESK, Scope.ACCOUNT})


@dataclass(frozen=True, slots=True)
class ActiveHalt:
    """A halt that stands; `name` is the symbol, the strategy or the account it holds."""

    scope: Scope
    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Conditions:
    """How things stand with the desk, apart from the book."""

    capabilities: Capabilities
    halts: frozenset[ActiveHalt] = frozenset()
    #: Symbols with a request whose outcome is unknown.
    doubtful_symbols: frozenset[str] = frozenset()
    #: Why no new risk is taken (stream down, reconcile overdue); empty when all is well.
    not_ready: str = ""
    allow_resize: bool = False

    def halted(self, scope: Scope, order: Order, account: str) -> "Conditions":
        """These conditions with one more halt, which a check asked for while judging `order`."""
        name = halt_name(scope, order, account)
        return replace(self, halts=self.halts | {ActiveHalt(scope, name)})


def halt_name(scope: Scope, order: Order, account: str) -> str:
    """Whom a halt of this scope holds when it was asked for while judging `order`.

    An order without a strategy has none to halt: the name is empty and holds all such orders.
    """
    if scope is Scope.SYMBOL:
        return order.symbol
    if scope is Scope.STRATEGY:
        return order.strategy or ""
    return account if scope is Scope.ACCOUNT else ""


def house_rules(
    order: Order, book: BookView, conditions: Conditions, *, change: bool
) -> list[tuple[str, Verdict]]:
    """Every objection of the house, each under the name `house`; none means go on."""
    if not change and _is_plain(order, book, conditions):
        return []
    objections: list[Verdict] = list(_unsupported(order, book, conditions.capabilities))
    if change and not conditions.capabilities.replace:
        objections.append(_unsupported_by("a replace", "no replace; cancel and send a new order"))
    if order.quantity is not None and order.quantity <= book.already_filled:
        objections.append(Reject(NOTHING_LEFT, measured=order.quantity, limit=book.already_filled))
    reducing = book.reduces(order)
    if order.reduce_only and not reducing:
        held = _reduced(order, book, allow_resize=conditions.allow_resize)
        objections.append(held)
        # What is left after the resize is judged again from the start.
        reducing = isinstance(held, Resize)
    if not reducing:
        objections.extend(_no_new_risk(order, book, conditions))
    return [("house", objection) for objection in objections]


def _is_plain(order: Order, book: BookView, conditions: Conditions) -> bool:
    """Whether nothing special is asked and nothing special holds: the way of most orders."""
    return (
        not (order.reduce_only or conditions.halts or conditions.not_ready)
        and order.symbol not in conditions.doubtful_symbols
        and not book.account.blocked
        and order.quantity is not None
        and not book.already_filled
        and order.quantity % _lot(order, book) == 0
        and order.order_class is OrderClass.SIMPLE
        and not order.extended_hours
        and order.time_in_force in conditions.capabilities.routes.get(order.type, ())
    )


def _lot(order: Order, book: BookView) -> Decimal:
    instrument = book.instrument(order.symbol)
    return instrument.lot if instrument else _WHOLE


def _unsupported_by(asked: str, takes: str) -> Reject:
    return Reject(UNSUPPORTED, measured=asked, limit=takes, text="the broker does not take it")


def _unsupported(order: Order, book: BookView, takes: Capabilities) -> Iterator[Reject]:
    routes, what = takes.routes, str(order.type)
    if order.notional is not None and not takes.notional:
        yield _unsupported_by("an order by notional", "orders by quantity")
    if order.quantity is None or order.quantity % _lot(order, book):
        routes, what = takes.fractional_routes, f"fractional {order.type}"
    times = routes.get(order.type)
    if not times:
        kinds = ", ".join(sorted(routes)) or "none"
        yield _unsupported_by(what, kinds)
    elif order.time_in_force not in times:
        yield _unsupported_by(f"{what} {order.time_in_force}", ", ".join(sorted(times)))
    if order.order_class not in takes.order_classes:
        yield _unsupported_by(str(order.order_class), ", ".join(sorted(takes.order_classes)))
    if order.extended_hours and order.type not in takes.extended_hours:
        kinds = ", ".join(sorted(takes.extended_hours)) or "none"
        yield _unsupported_by(f"{order.type} in extended hours", kinds)


def _reduced(order: Order, book: BookView, *, allow_resize: bool) -> Verdict:
    """Refuse a reduce-only order that would open or flip, or shrink it where that is allowed."""
    room = book.reducible(order)
    instrument = book.instrument(order.symbol)
    if instrument is not None:
        room = instrument.round_quantity(room)
    measured = order.quantity if order.quantity is not None else order.notional
    if not allow_resize or order.quantity is None or room <= 0:
        return Reject(REDUCE_ONLY, measured=measured, limit=room, text="it would not only reduce")
    total = room + book.already_filled
    return Resize(REDUCE_ONLY, quantity=total, measured=measured, limit=total)


def _no_new_risk(order: Order, book: BookView, conditions: Conditions) -> Iterator[Reject]:
    for halt in sorted(conditions.halts, key=lambda one: (one.scope, one.name)):
        if halt.scope in _WHOLE_DESK or halt.name == halt_name(halt.scope, order, ""):
            text = halt.reason or "only orders that reduce pass; see `fillwright resume`"
            whom = f"{halt.scope} {halt.name}".strip()
            yield Reject(HALTED, measured="new risk", limit=f"halt of {whom}", text=text)
    if order.symbol in conditions.doubtful_symbols:
        text = "an order of this symbol has an unknown outcome; wait for it to be settled"
        yield Reject(IN_DOUBT, measured=order.symbol, limit="no doubt", text=text)
    if conditions.not_ready:
        yield Reject(NOT_READY, measured=conditions.not_ready, limit="ready")
    if book.account.blocked:
        yield Reject(ACCOUNT_BLOCKED, measured="blocked", limit="open", text="ask the broker")
