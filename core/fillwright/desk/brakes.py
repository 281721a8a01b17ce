"""Stop: halt a scope, cancel what is open in it, close what is held, and lift the halt again.

Rules:
1. A halt is durable, and what was out when it was asked for has come back, before anything else.
2. What is canceled or sold goes the way of every order: gate, journal, guard.
3. Nothing is sold on data that cannot be read: where the broker does not answer, where ledger and
   broker differ, or where an order is open or in doubt, the position stays and is told.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from fillwright.accounts import Account
from fillwright.desk.halts import checked_halt, said
from fillwright.desk.handles import Handle
from fillwright.desk.killing import Kill
from fillwright.desk.parts import Parts
from fillwright.desk.tasks import finished_within
from fillwright.errors import BadInput, FillwrightError, NotCancelable
from fillwright.ledger import Halted, Resumed
from fillwright.logs import get_logger
from fillwright.orders import Order
from fillwright.states import OrderState
from fillwright.types import ZERO, ClientOrderId, OrdType, Side, TimeInForce
from fillwright.verdicts import Scope

_log = get_logger(__name__)

#: How long a halt waits for requests that are out already, in seconds.
LANDED_WITHIN = 10.0
#: How long flattening waits for its orders to end, in seconds.
FLAT_WITHIN = 30.0
_WHOLE = frozenset({Scope.DESK, Scope.ACCOUNT})
Cancel = Callable[[ClientOrderId], Awaitable[OrderState]]
CancelAll = Callable[[], Awaitable[Sequence[OrderState]]]


@dataclass(frozen=True, slots=True)
class Left:
    """A position that is left after flattening, and why."""

    symbol: str
    quantity: Decimal
    why: str


class Submits(Protocol):
    """What flattening needs of a desk."""

    async def submit(self, order: Order) -> Handle:
        """Send an order on its way."""


class Brakes:
    """Halts, and what goes with them."""

    def __init__(self, parts: Parts, cancel: Cancel, cancel_all: CancelAll) -> None:
        self._parts = parts
        self._keeper = parts.keeper
        self._clock = parts.clock
        self._cancel = cancel
        self._cancel_all = cancel_all
        #: Set while no sweep is under way that the kill switch asked for.
        self._swept_up = asyncio.Event()
        self._swept_up.set()
        parts.operator.on_kill(self._killed)

    async def halt(
        self, scope: Scope, name: str, *, reason: str, by: str, cancel: bool
    ) -> Sequence[OrderState]:
        """Record a halt, wait for what is out, and cancel what is open if that is wanted."""
        halted = checked_halt(Halted(self._clock.now(), scope, name, reason, by))
        await self._keeper.write_durably(halted)
        await self._landed()
        _log.warning("desk_halted", scope=str(scope), name=name, reason=reason, by=by)
        if not cancel:
            return ()
        if scope in _WHOLE:
            return await self._cancel_all()
        return [await self._canceled(state) for state in self._held_by(scope, name)]

    async def resume(self, scope: Scope, name: str, *, by: str) -> None:
        """Lift a halt. Raises BadInput."""
        if (scope, name) not in self._keeper.ledger.halts:
            raise BadInput(f"halt {scope} {name}".strip(), "no such halt stands")
        said("by", by)
        if scope in _WHOLE:
            self._parts.operator.switch.lift()
        await self._keeper.write_durably(Resumed(self._clock.now(), scope, name, by))
        _log.warning("desk_resumed", scope=str(scope), name=name, by=by)

    def _killed(self, kill: Kill) -> None:
        """The switch was seen: what is out comes back, and what is open is canceled if wanted."""
        if kill.cancel:
            self._swept_up.clear()
            self._parts.tasks.spawn("sweep", self._swept())

    async def _swept(self) -> None:
        try:
            await self._landed()
            await self._cancel_all()
        except FillwrightError as fault:
            _log.error("sweep_failed", reason=str(fault))
        finally:
            self._swept_up.set()

    async def _landed(self) -> None:
        if not await finished_within(self._parts.wire.landed(), LANDED_WITHIN, self._clock):
            _log.error("requests_still_out", seconds=LANDED_WITHIN)

    def _held_by(self, scope: Scope, name: str) -> list[OrderState]:
        orders = (s for s in self._keeper.ledger.orders.values() if not s.ended)
        if scope is Scope.SYMBOL:
            return [state for state in orders if state.symbol == name]
        return [s for s in orders if s.order is not None and s.order.strategy == name]

    async def _canceled(self, state: OrderState) -> OrderState:
        """One order after its cancel was asked for, or as it ended before that."""
        try:
            return await self._cancel(state.client_order_id)
        except NotCancelable:
            return self._keeper.state(state.client_order_id) or state

    # ------------------------------------------------------------------ flatten

    async def flatten(self, desk: Submits, *, reason: str, by: str) -> Sequence[Left]:
        """Close what can be closed. Raises BadInput, BrokerUnavailable."""
        said("reason", reason)
        said("by", by)
        if not self._keeper.ledger.halts.keys() & {(scope, "") for scope in _WHOLE}:
            raise BadInput(
                "flatten", "the desk is not halted", "Halt it first: what is sold stays so"
            )
        if not await finished_within(self._swept_up.wait(), LANDED_WITHIN, self._clock):
            raise BadInput("flatten", "a sweep is under way and would cancel it", "Ask again later")
        await self._parts.reconciler.run()
        account = await self._parts.market.fresh_account()
        why = dict(self._unreadable(account))
        sent: dict[str, Handle] = {}
        _log.warning("flatten_started", positions=len(account.positions), reason=reason, by=by)
        for symbol, position in account.positions.items():
            if symbol not in why and position.quantity:
                sent[symbol] = await desk.submit(self._closing(symbol, position.quantity))
        await finished_within(self._done(sent), FLAT_WITHIN, self._clock)
        why |= {symbol: _told(handle.state) for symbol, handle in sent.items()}
        await self._parts.reconciler.run()
        return list(self._left(await self._parts.market.fresh_account(), why))

    def _unreadable(self, account: Account) -> Iterator[tuple[str, str]]:
        """The symbols whose position is not certain, each with the reason."""
        ledger = self._keeper.ledger
        for symbol in account.positions.keys() | ledger.positions.keys():
            position = account.positions.get(symbol)
            held = position.quantity if position else ZERO
            ours = ledger.positions.get(symbol, ZERO)
            if not held.is_finite() or held != ours:
                yield symbol, f"the broker says {held}, the ledger {ours}; reconcile first"
            elif self._keeper.doubtful.get(symbol, 0) > 0:
                yield symbol, "an order of it is in doubt; wait for it to be settled"
            elif held and any(s.symbol == symbol for s in self._keeper.working()):
                yield symbol, "an order of it is still open; cancel it first"

    def _closing(self, symbol: str, held: Decimal) -> Order:
        return Order(
            intent_id=self._parts.ids.new("flatten"),
            symbol=symbol,
            side=Side.SELL if held > 0 else Side.BUY,
            quantity=abs(held),
            type=OrdType.MARKET,
            time_in_force=TimeInForce.DAY,
            reduce_only=True,
        )

    async def _done(self, sent: dict[str, Handle]) -> None:
        for handle in sent.values():
            await handle.done()

    def _left(self, account: Account, why: dict[str, str]) -> Iterator[Left]:
        for symbol, position in sorted(account.positions.items()):
            if position.quantity:
                yield Left(symbol, position.quantity, why.get(symbol, "it came about meanwhile"))


def _told(state: OrderState) -> str:
    """How a closing order stands."""
    reasons = "; ".join(map(str, state.reasons))
    return f"its order is {state.status}" + (
        f": {reasons or state.text}" if reasons or state.text else ""
    )
