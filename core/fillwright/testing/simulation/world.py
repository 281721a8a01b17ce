"""One scenario: a machine whose processes come and go, a venue that stays, and chaos between.

Phases: chaos, until the horizon; heal, all faults end and everybody asks again; quiesce, until
nothing is under way; check, of everything that holds at rest; and the end in good order.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from fillwright.desk.desk import DeskState
from fillwright.ledger import Ledger
from fillwright.protocols import ClosePolicy
from fillwright.reports import ExecutionReport
from fillwright.testing.fake_broker import Fault, Kind
from fillwright.testing.simulation import invariants
from fillwright.testing.simulation.backend import FakeBackend, MakeBackend, settings_of
from fillwright.testing.simulation.chances import Chances, SeededScript
from fillwright.testing.simulation.clock import START, SimClock
from fillwright.testing.simulation.controls import drawn
from fillwright.testing.simulation.disk import Disk
from fillwright.testing.simulation.figures import Figures
from fillwright.testing.simulation.file_disk import FileDisk
from fillwright.testing.simulation.invariants import Violation
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.life import Life
from fillwright.testing.simulation.loop import SimLoop
from fillwright.testing.simulation.manager import Manager
from fillwright.testing.simulation.moves import PRICES, Do, Move, Script
from fillwright.testing.simulation.network import Network, outside
from fillwright.testing.simulation.outside import Outside
from fillwright.testing.simulation.own import OwnChecks
from fillwright.testing.simulation.owners import Owners
from fillwright.testing.simulation.points import Points
from fillwright.testing.simulation.process import LIMITS, Machine, Process
from fillwright.testing.simulation.staff import Staff, show
from fillwright.testing.simulation.trace import Trace
from fillwright.types import ExecType

#: How long everything may take to come to rest, in seconds.
QUIET_WITHIN: Final = 150
_STEP: Final = 1.0
#: How long the last doubt may take to find out that it is settled, in seconds.
_LAST_DOUBTS: Final = 30
#: Calls that may wait for ever: for an order's end, or until a halt is to be lifted.
_PATIENT: Final = ("submit", "again", "halt")
#: A Monday at 16:00 in New York, in winter.
_CLOSE: Final = datetime(2026, 3, 2, 21, 0, tzinfo=UTC)


class World:
    """Everything in one scenario."""

    def __init__(
        self,
        seed: int,
        knobs: Knobs,
        make_backend: MakeBackend = FakeBackend,
        own: OwnChecks | None = None,
    ) -> None:
        self.seed, self.knobs = seed, knobs
        self.loop = SimLoop(seed, fifo=knobs.fifo)
        self.trace = Trace(self.loop.time)
        chances = self._chances = Chances(seed)
        start = _CLOSE - timedelta(seconds=knobs.horizon / 2) if knobs.closing else START
        # The broker's own time is right, whatever somebody does to the desk's clock.
        true_clock = SimClock(self.loop, start)
        self._script = SeededScript(knobs, chances, tell=self._struck, time=self.loop.time)
        self._script.note = self._fails
        backend = make_backend(settings_of(seed, knobs), self._script, true_clock)
        self.outside = Outside(
            backend.venue, true_clock, list_fills=backend.fills, at_venue=backend.at_venue
        )
        self.outside.departures.settings = drawn(knobs, chances) if own is None else {}
        self.outside.departures.own = own is not None
        calm = knobs.but(**dict.fromkeys(backend.shows, 0))
        self._network = Network(calm, chances, self.outside, self._fails)
        points = Points(
            chances,
            kills=knobs.kills,
            percent=knobs.fragile,
            die=self._died,
        )
        make_disk = FileDisk if knobs.file else Disk
        self._disk = make_disk(backend.binding, knobs, chances, points, self._fails)
        if isinstance(self._disk, FileDisk):
            self.trace.hidden = str(self._disk.base)
        self._machine = Machine(
            seed=seed,
            knobs=knobs,
            chances=chances,
            clock=SimClock(self.loop, start),
            outside=self.outside,
            disk=self._disk,
            network=self._network,
            points=points,
            backend=backend,
            tell=self.trace.note,
            own=own,
        )
        self._script.opening_astray = self._opens_astray
        self._plot = Script(knobs, chances)
        self.owners = Owners(self._plot, chances, self.outside, backend.binding.account)
        self._staff = Staff(self.outside)
        self.manager = Manager(self.loop, self._machine, self.owners)
        self._broken: BaseException | None = None
        backend.venue.listen(self._reported)
        for symbol, price in PRICES.items():
            show(backend.venue, symbol, price, Decimal(5))

    # ------------------------------------------------------------------ the scenario

    async def run(self) -> None:
        """All phases. Raises what does not hold."""
        tending = outside(self.manager.tend())
        passing = outside(self._pass_time())
        try:
            for move in self._plot.moves:
                await self._until(move.at)
                self._do(move)
            await self._until(self.knobs.horizon)
            await self._heal()
            process = await self._quiesce()
            invariants.all_quiet(process.scene)
            await self._end(process)
        finally:
            tending.cancel()
            passing.cancel()

    def close(self) -> None:
        """Remove what it left."""
        self.loop.bury()
        self._disk.close()

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(at - self.loop.time(), 0.0))
        self._look()

    def _opens_astray(self) -> bool:
        return self.outside.opened_at is None and bool(self._machine.clock.shift)

    def _look(self) -> None:
        """Raise what somebody saw inside."""
        for process in self.manager.processes:
            if hasattr(process, "scene"):
                process.scene.raise_broken()
        for fault in (self._broken, self.manager.broken, self.owners.broken, *self.loop.faults):
            if fault is not None:
                raise fault

    async def _pass_time(self) -> None:
        """Move the venue on, and look around."""
        seen = 0
        while True:
            await asyncio.sleep(_STEP)
            if self.outside.venue.open_orders():
                self.outside.venue.step()
            self.manager.look()
            process = self.manager.process
            if process is not None and seen != len(self.trace):
                seen = len(self.trace)
                try:
                    invariants.every_step(process.scene)
                except AssertionError as fault:
                    self._broken = self._broken or fault

    # ------------------------------------------------------------------ moves

    def _do(self, move: Move) -> None:
        process = self.manager.process
        if move.do in _OWNERS:
            self._ask(move, process)
        elif move.do in _MACHINE:
            if process is not None:
                self._do_to(process, move)
        elif move.do is Do.FORSAKE:
            self.trace.note("owner", f"gives up {self.owners.forsake(move.facts['which'])}")
        elif move.do is Do.JUMP:
            self.trace.note("clock", f"jumps {move.facts['seconds']:+} s")
            self._machine.clock.jump(move.facts["seconds"])
            self.outside.departures.jumped = True
        elif move.do is Do.STAFF:
            self.trace.note("staff", f"{move.facts['how']} {self._staff.act(move)}")
        else:
            self._staff.do(move)

    def _ask(self, move: Move, process: Process | None) -> None:
        """Let an owner ask for something, in every process that he believes to be the one."""
        if process is None:
            self.trace.note("owner", f"{move.do} {move.name}: nobody runs")
            if move.do in _NEW:
                self.owners.asked[move.name] = None
            return
        self.trace.note("owner", f"{move.do} {move.name} in {process.mark}")
        if self.outside.halts and move.do in _NEW:
            self.outside.counting.note("halts", "an order was asked for under one")
        self.owners.do(move, process)
        for other in self.manager.processes:
            # Who lost the journal does not know it yet, and gets the same calls.
            if other.losing and other.life.alive and move.do in _NEW:
                self.owners.do(move, other)

    def _do_to(self, process: Process, move: Move) -> None:
        self.trace.note("machine", f"{move.do} {process.mark}")
        self._note_death(f"by a {move.do}")
        if move.do is Do.KILL:
            self.manager.end(process)
        elif move.do is Do.DRAIN:
            self.manager.drain(process, ClosePolicy(move.facts["policy"]))
        else:
            self.manager.supersede(process)

    # ------------------------------------------------------------------ the end

    async def _heal(self) -> None:
        self.trace.note("phase", "heal")
        self.manager.calm = True
        venue, now = self.outside.venue, self.loop.time()
        self.outside.counting.heal(venue, now, self._known)
        for part in (self._network, self._disk, self._machine.clock):
            part.mend()
        self._script.clear()
        self._machine.points.kills = 0
        *earlier, newest = self.manager.processes
        for process in (*earlier, *([newest] if newest.losing else ())):
            # Who lost the journal a moment ago would keep the account's one connection for ever.
            if process.life.alive:
                self.manager.end(process)
        # A disk that failed a moment ago is noticed by then.
        await self._until(self.loop.time() + 2.0)
        process = await self._running()
        if process.hung:
            self.manager.end(process)
            process = await self._running()
        for scope, name in self.outside.halts:
            if (scope, name) not in process.scene.ledger.halts:
                raise Violation(f"the halt of {scope} {name} is forgotten", "I12")
        for halted in process.desk.halts:
            await process.spawn(self.owners.lift(process, halted.scope, halted.name), "resume")
        self.owners.ask_again(process)

    async def _running(self) -> Process:
        for _ in range(QUIET_WITHIN * 4):
            process = self.manager.process
            if process is not None and process.desk.state is DeskState.RUNNING:
                return process
            await self._until(self.loop.time() + 0.25)
        raise Violation(f"no desk runs {QUIET_WITHIN} s after all faults ended", "I14")

    async def _quiesce(self) -> Process:
        """Let time pass until nothing is under way, and a little longer."""
        self.trace.note("phase", "quiesce")
        for _ in range(QUIET_WITHIN):
            await self._until(self.loop.time() + 1.0)
            process = await self._running()
            if invariants.quiet(process.scene) and not self._awaited():
                break
        await (await self._running()).settle_by_hand()
        await self._until(self.loop.time() + 2 * LIMITS.reconcile_every + 1)
        late = self._awaited()
        if late:
            raise Violation(f"calls never returned: {late}", "I14")
        process = await self._running()
        for _ in range(_LAST_DOUBTS):
            if not any(name.startswith("doubt") for name in process.scene.parts.tasks.names):
                break
            # What arrived late may have been settled a moment ago.
            await self._until(self.loop.time() + 1.0)
        if not invariants.quiet(process.scene):
            # Old news came meanwhile; what it claims takes two comparisons more.
            await self._until(self.loop.time() + 2 * LIMITS.reconcile_every)
        newest = self.outside.reports[-1:]
        if newest and newest[0].transact_time == self.outside.clock.now():
            # The venue moved in this very moment: its word is on the way.
            await self._until(self.loop.time() + _STEP / 2)
        return process

    def _awaited(self) -> list[str]:
        """Calls that have not returned, and must."""
        return [name for name in self.owners.waiting() if not name.startswith(_PATIENT)]

    async def _end(self, process: Process) -> None:
        self.trace.note("phase", "end")
        policy = self._chances.of("policy").choice(tuple(ClosePolicy))
        closing = process.spawn(process.close(policy), "close")
        await asyncio.wait([closing])
        closing.result()
        await self.manager.let_go(process)
        self._look()
        self.manager.nothing_runs(process)
        invariants.rest.the_policy_was_followed(process.scene, policy)

    # ------------------------------------------------------------------ news

    def _died(self, life: Life, point: str) -> None:
        self._note_death(f"at {point}")
        self.manager.died(life, point)

    def _note_death(self, how: str) -> None:
        self.outside.counting.note("ends of a process", how)
        if self.outside.halts:
            self.outside.counting.note("halts", "a process ended under one")

    def _fails(self, what: str, text: str) -> None:
        """Something beneath the desk does not do as it should."""
        self.trace.note(what, text)
        self.outside.counting.failed(what, text)

    def _struck(self, key: str, fault: Fault) -> None:
        self.outside.counting.note("faults", f"{fault.fault} on {fault.on}")
        self.trace.note("fault", f"{fault.fault} on {fault.on} {key} {fault.seconds:g} s")
        self._network.held_back(key, fault)
        if fault.fault is Kind.LAG:
            until = self.loop.time() + fault.seconds
            self.outside.behind_until = max(self.outside.behind_until, until)

    def _reported(self, report: ExecutionReport) -> None:
        self.outside.reports.append(report)
        text = f"{report.exec_type} {report.client_order_id} {report.status} {report.filled}"
        self.trace.note("venue", text)
        if self.manager.calm and report.exec_type is ExecType.NEW and report.broker_order_id:
            order = self.outside.venue.books.orders.get(report.broker_order_id)
            self.outside.counting.arrived(order, self._known, self.loop.time())

    @property
    def _known(self) -> Ledger | None:
        """What the journal of the process that runs says; None when none runs."""
        process = self.manager.process
        return process.scene.shadow if process is not None else None

    def figures(self) -> Figures:
        """What happened, counted."""
        return Figures.of(self.outside, seconds=self.loop.time(), asked=len(self.owners.asked))


_NEW: Final = (Do.SUBMIT, Do.AGAIN)
_OWNERS: Final = frozenset({*_NEW, Do.CONFLICT, Do.CANCEL, Do.REPLACE, Do.HALT, Do.PLAN})
_MACHINE: Final = frozenset({Do.KILL, Do.DRAIN, Do.TAKEOVER})
