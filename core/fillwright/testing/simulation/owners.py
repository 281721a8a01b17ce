"""The owners of orders and plans: programs that call the desk in its own process, and wait."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from decimal import Decimal
from functools import partial
from typing import Any, Final

from fillwright.errors import (
    BadInput,
    BrokerUnavailable,
    DeskError,
    IntentConflict,
    JournalError,
    NotSent,
    OrderRefused,
    OrderRejected,
    UnknownOrder,
)
from fillwright.orders import client_order_id_for
from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.invariants import Violation, standing
from fillwright.testing.simulation.life import LIFE
from fillwright.testing.simulation.moves import Do, Move, Script
from fillwright.testing.simulation.outside import Outside
from fillwright.testing.simulation.process import Process
from fillwright.types import ClientOrderId, IntentId
from fillwright.verdicts import Scope

#: What a caller does, from its first step on.
Work = Callable[[], Coroutine[Any, Any, None]]
#: What a caller must be ready for.
EXPECTED: Final = (
    BadInput,
    BrokerUnavailable,
    DeskError,
    JournalError,
    NotSent,
    OrderRefused,
    OrderRejected,
    UnknownOrder,
)


class Owners:
    """Everybody who wants something of the desk; they remember what they asked for."""

    def __init__(self, script: Script, chances: Chances, outside: Outside, account: str) -> None:
        self._script = script
        self._account = account
        self._chances = chances
        self._outside = outside
        self._calls: dict[asyncio.Task[Any], None] = {}
        #: What was handed to any desk so far, and will be asked for again.
        self.asked: dict[str, None] = {}
        self.plans: dict[str, None] = {}
        #: How often somebody asked to lift a halt.
        self._lifted: Counter[tuple[Scope, str]] = Counter()
        #: The first thing that a caller met and must not meet.
        self.broken: BaseException | None = None

    def do(self, move: Move, process: Process) -> None:
        """Carry out a move in the process that runs now."""
        work = {
            Do.SUBMIT: self._submit,
            Do.AGAIN: self._submit,
            Do.CONFLICT: self._conflict,
            Do.CANCEL: self._cancel,
            Do.REPLACE: self._replace,
            Do.HALT: self._halt,
            Do.PLAN: self._plan,
        }[move.do]
        times = 2 if move.do is Do.AGAIN else 1
        for _ in range(times):
            self._call(process, partial(work, process, move), move.do)

    def ask_again(self, process: Process) -> None:
        """Ask a new process for everything that was asked of one before."""
        for name in self.asked:
            again = Move(0.0, Do.SUBMIT, name)
            self._call(process, partial(self._submit, process, again), Do.AGAIN)
        for name in self.plans:
            again = Move(0.0, Do.PLAN, name)
            self._call(process, partial(self._plan, process, again), Do.PLAN)

    def forsake(self, which: float) -> str:
        """Cancel one of the callers that wait."""
        waiting = [task for task in self._calls if not task.done()]
        if not waiting:
            return "nobody"
        task = waiting[int(which * len(waiting))]
        task.cancel()
        return task.get_name()

    def forget(self, process: Process) -> None:
        """Its process ended, and with it who waited there."""
        self._outside.cancels_asked.clear()
        self._calls = {t: None for t in self._calls if not t.get_name().endswith(process.mark)}

    def waiting(self) -> list[str]:
        """Calls that have not returned."""
        return [task.get_name() for task in self._calls if not task.done()]

    def _key_of(self, name: str) -> ClientOrderId:
        return client_order_id_for(self._account, IntentId(name))

    # ------------------------------------------------------------------ calls

    def _call(self, process: Process, work: Work, do: Do) -> None:
        task = process.spawn(self._guarded(work), f"{do} {process.mark}")
        self._calls[task] = None
        task.add_done_callback(self._returned)

    def _returned(self, task: "asyncio.Task[Any]") -> None:
        self._calls.pop(task, None)

    async def _guarded(self, work: Work) -> None:
        try:
            await work()
        except EXPECTED:
            return
        except Exception as fault:  # noqa: BLE001  # told when the scenario ends
            life = LIFE.get()
            if life is None or life.alive:
                self.broken = self.broken or fault

    async def _submit(self, process: Process, move: Move) -> None:
        self.asked[move.name] = None
        order = self._script.orders[move.name]
        try:
            handle = await process.desk.submit(order)
        except IntentConflict:
            if process.losing:
                return  # another process made it, and this one only saw it at the broker
            raise
        standing.the_same_order_again(handle.client_order_id, self._key_of(move.name), move.name)
        await (handle.done() if self._chances.hits("patience", 50) else handle.decided())

    async def _conflict(self, process: Process, move: Move) -> None:
        if await process.desk.find(move.name) is None:
            return  # no record: the intent may begin anew with any content
        other = self._script.orders[move.name].model_copy(update={"quantity": Decimal(77)})
        before = self._outside.requests.total()
        try:
            await process.desk.submit(other)
        except IntentConflict:
            if self._outside.requests.total() != before:
                raise Violation("a conflict sent something", "I16") from None
        else:
            raise Violation(f"{move.name} was taken with other content", "I16")

    async def _cancel(self, process: Process, move: Move) -> None:
        key, desk = self._key_of(move.name), process.desk
        state = desk.order(key).state
        if state.broker_order_id is not None and not state.pending and not state.ended:
            self._outside.cancels_asked[key] = self._outside.clock.monotonic()
        try:
            await desk.cancel(key)
        finally:
            self._outside.cancels_asked.pop(key, None)

    async def _replace(self, process: Process, move: Move) -> None:
        await process.desk.replace(self._key_of(move.name), move.facts["change"])

    async def _halt(self, process: Process, move: Move) -> None:
        scope = Scope(move.facts["scope"])
        lifted = self._lifted[scope, move.name]
        await process.desk.halt(scope, move.name, reason="test", by="owner")
        if lifted == self._lifted[scope, move.name]:  # nobody lifted it while we waited
            self._outside.halts[scope, move.name] = None
            self._outside.counting.note("halts", "halt() returned")
        await process.desk.clock.sleep(move.facts["seconds"])
        await self.resume(process, scope, move.name)

    async def lift(self, process: Process, scope: Scope, name: str) -> None:
        """Lift a halt, unless somebody else does so just now."""
        await self._guarded(partial(self.resume, process, scope, name))

    async def resume(self, process: Process, scope: Scope, name: str) -> None:
        """Lift a halt that stands."""
        known = (scope, name) in self._outside.halts
        self._lifted[scope, name] += 1
        self._outside.departures.attend()
        self._outside.halts.pop((scope, name), None)
        try:
            await process.desk.resume(scope, name, by="owner")
        except BadInput:
            if known and process.fenced:
                # It stands in the process that has the journal now, and was not lifted there.
                self._outside.halts[scope, name] = None
            elif known:
                raise Violation(f"the halt of {scope} {name} is forgotten", "I12") from None
            raise

    async def _plan(self, process: Process, move: Move) -> None:
        self.plans[move.name] = None
        await process.desk.execute(self._script.plans[move.name])
