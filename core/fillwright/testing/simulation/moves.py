"""What owners, staff and strangers do in a scenario, and when: drawn from the seed beforehand."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any, Final

from fillwright.orders import Order, OrderChange
from fillwright.plans import Plan, TargetQuantities
from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.plugins import mood

D = Decimal
#: What is traded, and at about which price.
PRICES: Final = {"AAPL": D(100), "MSFT": D(50), "KO": D(20)}
HELD: Final = {"AAPL": D(20), "MSFT": D(20), "KO": D(20)}
_SYMBOLS: Final = tuple(PRICES)
_CENT: Final = D("0.01")
#: How many orders follow one that is alike, how many of these by a slip, and how many at once.
_AGAIN: Final = 0.4
_SLIPS: Final = 0.3
_AT_ONCE: Final = 0.7
_BUYERS: Final = ("BUY", "BUY", "BUY", "SELL")
_SELLERS: Final = ("SELL", "SELL", "SELL", "BUY")


class Do(StrEnum):
    """What may be done."""

    SUBMIT = "submit"
    AGAIN = "again"
    CONFLICT = "conflict"
    CANCEL = "cancel"
    REPLACE = "replace"
    HALT = "halt"
    PLAN = "plan"
    STRANGER = "stranger"
    QUOTE = "quote"
    STAFF = "staff"
    KILL = "kill"
    DRAIN = "drain"
    TAKEOVER = "takeover"
    FORSAKE = "forsake"
    JUMP = "jump"


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that is done at one time."""

    at: float
    do: Do
    #: The intent that it is about.
    name: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Script:
    """Every move of one scenario."""

    def __init__(self, knobs: Knobs, chances: Chances) -> None:
        self._knobs = knobs
        self._chances = chances
        self.orders: dict[str, Order] = {}
        self.plans: dict[str, Plan] = {}
        #: From which the orders' sides are drawn where the standard controls are asked.
        self._sides = chances.of("sides").choice((_BUYERS, _BUYERS, _SELLERS))
        moves = [*self._orders(), *self._owners(), *self._others(), *self._machine()]
        #: In the order of their times.
        self.moves = sorted(moves, key=lambda move: move.at)

    def _time(self, chance: Random, begin: float = 0.0) -> float:
        at = begin + chance.random() * max(self._knobs.horizon - begin, 0.0)
        # Whole seconds, so that things happen at once.
        return float(round(at)) if chance.random() < 0.3 else round(at, 3)  # noqa: PLR2004

    # ------------------------------------------------------------------ owners

    def _orders(self) -> Iterator[Move]:
        at = 0.0
        for number in range(self._knobs.orders):
            chance, name = self._chances.of(f"order/{number}"), f"i{number}"
            again = self._again(name)
            self.orders[name] = again or self._order(chance, name)
            at = self._soon(name, at) if again and at else self._time(chance)
            yield Move(at, Do.SUBMIT, name)
            yield from self._follow_up(chance, name, at)

    def _soon(self, name: str, at: float) -> float:
        """At once, so that both are judged together, or some moments later."""
        chance = self._chances.of(f"order/{name}/soon")
        return at if chance.random() < _AT_ONCE else round(at + 4 * chance.random(), 3)

    def _again(self, name: str) -> Order | None:
        """The newest order once more: its next slice, or a slip of the finger.

        Where the standard controls are asked, for then such orders share their limits.
        """
        chance = self._chances.of(f"order/{name}/again")
        if not self.orders or not self._knobs.controls or chance.random() > _AGAIN:
            return None
        changed: dict[str, Any] = {"intent_id": name}
        if chance.random() > _SLIPS:
            changed["quantity"] = D(chance.randint(1, 9))
        return self.orders[next(reversed(self.orders))].model_copy(update=changed)

    def _order(self, chance: Random, name: str) -> Order:
        symbol, whole = chance.choice(_SYMBOLS), str(chance.randint(1, 12))
        tags = mood(self._knobs, self._chances)
        given: dict[str, Any] = {"symbol": symbol, "intent_id": name, "quantity": whole}
        if chance.random() * 100 < self._knobs.brackets:
            return Order.model_validate(given | _bracket(symbol) | {"tags": tags})
        given["side"] = chance.choice(("BUY", "SELL"))
        given["time_in_force"] = chance.choice(("DAY", "GTC", "GTC", "IOC"))
        limit = chance.choice(("", "", "0.9", "0.999", "1.001", "1.1"))
        if self._knobs.controls:
            whose = self._chances.of(f"order/{name}/whose")
            given |= _whose(whose, symbol, self._sides)
            limit = whose.choice(("", "0.95", "0.95", "0.97", "0.999", "1.001"))
        if limit:
            price = (PRICES[symbol] * D(limit)).quantize(_CENT)
            given |= {"type": "LIMIT", "limit_price": str(price)}
        return Order.model_validate(given | {"tags": tags})

    def _follow_up(self, chance: Random, name: str, at: float) -> Iterator[Move]:
        knobs = self._knobs
        if chance.random() * 100 < knobs.repeats:
            yield Move(at, Do.AGAIN, name)
            yield Move(self._time(chance, at), Do.AGAIN, name)
        if chance.random() * 100 < knobs.replaces:
            change = {"quantity": str(chance.randint(1, 14))}
            if chance.random() < 0.5:  # noqa: PLR2004
                price = PRICES[self.orders[name].symbol] * D(chance.choice(("0.95", "1.05")))
                change = {"limit_price": str(price.quantize(_CENT))}
            facts = {"change": OrderChange.model_validate(change)}
            yield Move(self._time(chance, at), Do.REPLACE, name, facts)
        if chance.random() * 100 < knobs.cancels:
            yield Move(self._time(chance, at), Do.CANCEL, name)

    def _owners(self) -> Iterator[Move]:
        chance, names = self._chances.of("owners"), tuple(self.orders)
        for _ in range(self._knobs.conflicts if names else 0):
            yield Move(self._time(chance), Do.CONFLICT, chance.choice(names))
        for _ in range(self._knobs.halts):
            scope = chance.choice(("desk", "symbol", "symbol"))
            facts: dict[str, Any] = {"scope": scope, "seconds": chance.choice((1.0, 5.0, 1000.0))}
            name = chance.choice(_SYMBOLS) if scope == "symbol" else ""
            yield Move(self._time(chance), Do.HALT, name, facts)
        for number in range(self._knobs.plans):
            name = f"p{number}"
            self.plans[name] = _plan(chance, name)
            yield Move(self._time(chance) / 2, Do.PLAN, name)
        for _ in range(self._knobs.canceled_callers):
            yield Move(self._time(chance), Do.FORSAKE, facts={"which": chance.random()})

    # ------------------------------------------------------------------ others

    def _others(self) -> Iterator[Move]:
        chance, knobs = self._chances.of("others"), self._knobs
        for _ in range(knobs.moves):
            facts = {"cents": chance.randint(-150, 150), "size": chance.choice(("2", "5", "100"))}
            yield Move(self._time(chance), Do.QUOTE, chance.choice(_SYMBOLS), facts)
        for number in range(knobs.strangers):
            yield Move(self._time(chance), Do.STRANGER, f"by-hand-{number}", _theirs(chance))
        for _ in range(knobs.staff):
            act = {"how": chance.choice(_STAFF), "which": chance.random()}
            yield Move(self._time(chance), Do.STAFF, facts=act)

    def _machine(self) -> Iterator[Move]:
        chance, knobs = self._chances.of("machine"), self._knobs
        for _ in range(knobs.kills if not knobs.fragile else 0):
            yield Move(self._time(chance), Do.KILL)
        for _ in range(knobs.drains):
            policy = chance.choice(("keep", "cancel_day", "cancel_all"))
            yield Move(self._time(chance), Do.DRAIN, facts={"policy": policy})
        for _ in range(knobs.takeovers):
            yield Move(self._time(chance), Do.TAKEOVER)
        for _ in range(knobs.jumps):
            seconds = chance.choice(_JUMPS)
            yield Move(self._time(chance), Do.JUMP, facts={"seconds": seconds})


#: How far somebody sets the clock, in seconds.
_JUMPS: Final = (-3600.0, -20.0, -1.0, 1.0, 20.0, 3600.0, 90_000.0)
#: What the venue's staff may do.
_STAFF: Final = (
    *("fill", "fill", "fill", "bust", "correct", "cancel", "reject", "expire"),
    *("suspend", "resume", "stop", "done_for_day"),
)


def _whose(chance: Random, symbol: str, sides: tuple[str, ...]) -> dict[str, Any]:
    """What the controls look at: mostly what opens, and whose it is."""
    side = chance.choice(sides)
    given: dict[str, Any] = {"side": side, "quantity": str(chance.randint(1, 9))}
    given["strategy"] = chance.choice((None, "alpha", "beta"))
    if chance.random() < 0.3:  # noqa: PLR2004
        given |= {"parent_id": f"all-{side}-{symbol}", "parent_quantity": "14"}
    return given | {"reduce_only": chance.random() < (0.3 if side == "SELL" else 0.03)}


def _bracket(symbol: str) -> dict[str, Any]:
    return {
        "side": "BUY",
        "time_in_force": "GTC",
        "order_class": "BRACKET",
        "take_profit": {"limit_price": str(PRICES[symbol] + 5)},
        "stop_loss": {"stop_price": str(PRICES[symbol] - 5)},
    }


def _theirs(chance: Random) -> dict[str, Any]:
    symbol, side = chance.choice(_SYMBOLS), chance.choice(("BUY", "SELL"))
    away = chance.choice(("0.9", "1.1") if side == "BUY" else ("1.1", "0.9"))
    price = (PRICES[symbol] * D(away)).quantize(_CENT)
    order = {"symbol": symbol, "side": side, "quantity": str(chance.randint(1, 6))}
    return {"order": order | {"type": "LIMIT", "limit_price": str(price)}}


def _plan(chance: Random, name: str) -> Plan:
    held = {symbol: str(chance.randint(0, 45)) for symbol in _SYMBOLS}
    given = {"plan_id": name, "target_quantities": held, "execution_urgency": "URGENT"}
    return TargetQuantities.model_validate(given)
