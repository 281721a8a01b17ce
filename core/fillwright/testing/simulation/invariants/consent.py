"""What must hold of whoever has a say when an order leaves: controls, halts, doubts, lists.

The rules are those of `limits`.
"""

from typing import TYPE_CHECKING, Any, Final

from fillwright.risk.answers import CHECK_BAD_VERDICT, CHECK_NO_VERDICT, CHECK_RAISED
from fillwright.testing.simulation.invariants.catalogue import Violation, When, invariant
from fillwright.testing.simulation.invariants.limits import Seen
from fillwright.verdicts import Reject, Scope, Verdict

if TYPE_CHECKING:
    from fillwright.orders import Order

_WIDE: Final = frozenset({Scope.DESK, Scope.ACCOUNT})
_NO_ANSWERS: Final = frozenset({CHECK_RAISED, CHECK_NO_VERDICT, CHECK_BAD_VERDICT})


@invariant(When.BROKER, "I9")
def every_control_allowed_it(seen: Seen) -> None:
    """Each configured control was asked about what leaves, and allowed just that."""
    one, departures = seen.one, seen.scene.outside.departures
    said = departures.said.get(one.order.content().decode(), {})
    for name, allowed in said.items():
        if not allowed:
            raise Violation(f"{one.key} left, and {name} had not allowed it")
    if one.opening:
        silent = [name for name in seen.scene.controls if name not in said]
        if silent:
            raise Violation(f"{one.key} left, and nobody asked {', '.join(silent)}")


@invariant(When.TRANSITION, "I9")
def an_own_check_answers(name: str, verdict: Verdict) -> None:
    """A check of a desk.toml answers with a sound verdict, whatever the day is like."""
    if isinstance(verdict, Reject) and verdict.code in _NO_ANSWERS:
        raise Violation(f"{name}: {verdict.code}, {verdict.measured}")


@invariant(When.BROKER, "I12", "C37")
def a_controls_halt_holds(seen: Seen) -> None:
    """Since a control asked for a halt, and until somebody resumes, no new risk leaves under it."""
    if not seen.one.opening:
        return
    now = seen.scene.outside.clock.monotonic()
    for (scope, name), at in seen.scene.halts_said.items():
        # Its record is made in the callback behind the one in which the control was asked.
        if at < now and (scope in _WIDE or name == _held_by(scope, seen.one.order)):
            raise Violation(f"{seen.one.key} left under a halt of {scope} {name}")


def _held_by(scope: Scope, order: "Order") -> str:
    return order.symbol if scope is Scope.SYMBOL else order.strategy or ""


@invariant(When.BROKER, "I10", "C34")
def no_new_risk_beside_a_doubt(seen: Seen) -> None:
    """While the outcome of another order of the symbol is unknown, no new risk in it leaves.

    What is in doubt itself goes again without it: its exposure was never let go of.
    """
    one = seen.one
    mine = seen.scene.ledger.orders.get(one.key)
    if mine is not None and mine.in_doubt:
        return
    for state in seen.scene.ledger.orders.values():
        own = state.client_order_id == one.key
        if one.opening and not own and state.symbol == one.order.symbol and state.in_doubt:
            raise Violation(f"{one.key} left while {state.client_order_id} is in doubt")


@invariant(When.BROKER, "I10", "C35")
def no_new_risk_unprepared(seen: Seen) -> None:
    """New risk leaves only while the stream is heard and the books were compared."""
    reason = seen.scene.parts.health.reason
    if seen.one.opening and reason:
        raise Violation(f"{seen.one.key} left while {reason}")


@invariant(When.BROKER, "I9", "C23", "C24")
def only_what_is_listed_leaves(seen: Seen) -> None:
    """What is restricted, or not permitted to a strategy, does not leave, even when it reduces."""
    order = seen.one.order
    restricted = seen.scene.outside.departures.settings.get("restricted", {})
    permitted = seen.scene.outside.departures.settings.get("permission", {})
    listed = [
        order.side in restricted.get("sides", ("BUY", "SELL"))
        and (
            order.symbol in restricted.get("symbols", ())
            or not _among(order.symbol, restricted.get("allow_only"))
        ),
    ]
    if seen.one.opening or order.strategy is not None:
        # A person, who has no strategy, may take risk off.
        listed.append(not _among(order.symbol, permitted.get("symbols")))
        listed.append(not _among(order.strategy, permitted.get("strategies")))
    if any(listed):
        raise Violation(f"{seen.one.key} left, and {order.symbol} may not trade")


def _among(one: str | None, listed: Any) -> bool:  # noqa: ANN401  # a list of desk.toml, or none
    return listed is None or one in listed


@invariant(When.BROKER, "I12", "C40")
def reduce_only_only_reduces(seen: Seen) -> None:
    """An order that may only reduce never leaves when it could open or flip a position."""
    if seen.one.order.reduce_only and seen.one.opening:
        raise Violation(f"{seen.one.key} is to reduce only, and could open or flip")
