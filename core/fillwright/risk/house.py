"""The gate's own rules: asked before every plugin's check, and never switched off. Pure.

An order that only reduces passes halts, doubts, health and account blocks, so that risk can
always be taken off. It does not pass what the broker cannot take, and it does not pass a check
that raises, hangs or gives no verdict (see `answers`).

Four of them are standard controls: C34 doubt, C35 health, C37 halts, C40 reduce-only.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from fillwright.book import BookView
from fillwright.grants import Grant
from fillwright.orders import Order
from fillwright.protocols import Capabilities
from fillwright.risk.routes import is_ordinary, not_taken
from fillwright.verdicts import Reject, Resize, Scope, Verdict

REDUCE_ONLY = "REDUCE_ONLY"
NOTHING_LEFT = "NOTHING_LEFT"
HALTED = "HALTED"
IN_DOUBT = "IN_DOUBT"
NOT_READY = "NOT_READY"
ACCOUNT_BLOCKED = "ACCOUNT_BLOCKED"
#: Said at the wire: an order that the paper/live guard withheld.
GUARD = "GUARD"

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
    #: What named persons let pass, verified.
    grants: tuple[Grant, ...] = ()

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
    objections: list[Verdict] = list(not_taken(order, book, conditions.capabilities, change=change))
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
        and not book.already_filled
        and is_ordinary(order, book, conditions.capabilities)
    )


def _reduced(order: Order, book: BookView, *, allow_resize: bool) -> Verdict:
    """Refuse a reduce-only order that would open or flip, or shrink it where that is allowed."""
    room = book.reducible(order)
    instrument = book.instrument(order.symbol)
    if instrument is not None:
        room = instrument.round_quantity(room)
    measured = order.quantity if order.quantity is not None else order.notional
    if not allow_resize or order.quantity is None or room <= 0:
        text = "C40: it would not only reduce"
        return Reject(REDUCE_ONLY, measured=measured, limit=room, text=text)
    total = room + book.already_filled
    return Resize(REDUCE_ONLY, quantity=total, measured=measured, limit=total)


def _no_new_risk(order: Order, book: BookView, conditions: Conditions) -> Iterator[Reject]:
    for halt in sorted(conditions.halts, key=lambda one: (one.scope, one.name)):
        if halt.scope in _WHOLE_DESK or halt.name == halt_name(halt.scope, order, ""):
            text = f"C37: {halt.reason or 'only orders that reduce pass; see `fillwright resume`'}"
            whom = f"{halt.scope} {halt.name}".strip()
            yield Reject(HALTED, measured="new risk", limit=f"halt of {whom}", text=text)
    if order.symbol in conditions.doubtful_symbols:
        text = "C34: an order of this symbol has an unknown outcome; wait for it to be settled"
        yield Reject(IN_DOUBT, measured=order.symbol, limit="no doubt", text=text)
    if conditions.not_ready:
        text = "C35: new risk waits for the stream and the books"
        yield Reject(NOT_READY, measured=conditions.not_ready, limit="ready", text=text)
    if book.account.blocked:
        yield Reject(ACCOUNT_BLOCKED, measured="blocked", limit="open", text="ask the broker")
