"""One process of the desk: it opens what it finds, runs, and ends well or badly."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar

from fillwright.book import BookView
from fillwright.desk.desk import Desk
from fillwright.desk.market import account_of
from fillwright.desk.parts import Parts
from fillwright.desk.planning import PlanSettings
from fillwright.desk.settings import Ports, Settings
from fillwright.desk.watchers import Watchers
from fillwright.errors import NotManual
from fillwright.orders import Order, client_order_id_for
from fillwright.plans import Urgency
from fillwright.protocols import ClosePolicy, Limits, RateFeed, Record
from fillwright.states import OrderState
from fillwright.testing.chance import SeededIds, SeededRng
from fillwright.testing.simulation.backend import Backend, DeskPorts
from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.clock import SimClock
from fillwright.testing.simulation.controls import Controls, Data, resizes
from fillwright.testing.simulation.disk import Disk, SimJournal
from fillwright.testing.simulation.file_disk import FileDisk, FileJournal
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.life import LIFE, Life
from fillwright.testing.simulation.line import Hookup, Line, Tap, as_told
from fillwright.testing.simulation.network import Network
from fillwright.testing.simulation.outside import Outside
from fillwright.testing.simulation.own import OwnChecks
from fillwright.testing.simulation.plugins import Checks, Plugin, SimAsker, watchers
from fillwright.testing.simulation.points import Points
from fillwright.testing.simulation.scene import Scene
from fillwright.types import IntentId

T = TypeVar("T")
LIMITS = Limits(
    send_deadline=20.0, reconcile_every=10.0, silence=2.0, ready_within=5.0, quote_max_age=5.0
)
PLAN = PlanSettings(deadlines=dict.fromkeys(Urgency, 20.0), funds_within=8.0, cancel_within=8.0)


@dataclass(frozen=True)
class Machine:
    """What every process of one scenario finds."""

    seed: int
    knobs: Knobs
    chances: Chances
    clock: SimClock
    outside: Outside
    disk: Disk | FileDisk
    network: Network
    points: Points
    backend: Backend
    tell: Callable[[str, str], None]
    #: The checks that are asked in place of the standard controls that a scenario draws.
    own: OwnChecks | None = None


class Process:
    """A desk with everything that runs in its process, its owners' calls included."""

    journal: SimJournal | FileJournal
    scene: Scene
    desk: Desk

    def __init__(self, machine: Machine, number: int) -> None:
        self._machine = machine
        self.number = number
        #: How its tasks' names end.
        self.mark = f"#{number}"
        self.life = Life(number)
        self._context = Context()
        self._context.run(LIFE.set, self.life)
        self._asker = SimAsker(LIMITS.check_deadline)
        self._rate = RateFeed()
        #: Whether the desk is open and takes calls.
        self.ready = False
        #: Another process is about to take the journal over, or has.
        self.losing = False
        #: It closed the desk in good order.
        self.closed = False
        #: Set when it ended, well or badly.
        self.ended = asyncio.Event()

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        """Run something inside the process."""
        loop = asyncio.get_running_loop()
        return loop.create_task(work, name=name, context=self._context.copy())

    @property
    def hung(self) -> bool:
        """Whether a check of its desk never answered."""
        return bool(self._asker.hung)

    async def start(self, holder: "Process | None" = None) -> None:
        """Open adapter, journal and desk, and take the journal from `holder` where there is one.

        Raises what keeps it from starting.
        """
        hookup, line = self._connect()
        machine, clock = self._machine, self._machine.clock
        try:
            await account_of(hookup, clock)
            takeover = holder is not None
            if holder is not None:
                holder.note_durable()
            self.journal = machine.disk.open(clock, self._appended, takeover=takeover)
            if holder is not None and hasattr(holder, "scene"):
                holder.scene.superseded = True
        except BaseException:
            await hookup.close()
            raise
        journal = self.journal
        scene = Scene(machine.outside, journal, lambda: journal.durable_seq)
        self.scene = scene
        line.show(scene)
        parts = self._parts(hookup)
        scene.watch(parts)
        self.desk = scene.desk = Desk(parts)
        self._rate.listen(self.desk.heed_rate)
        try:
            await self.desk.start()
        except BaseException:
            await self.desk.aclose()
            raise
        self.ready = True

    def die(self) -> None:
        """End at once: nothing of it runs again, and the disk keeps what it had."""
        if not self.life.alive:
            return
        self.note_durable()
        self.life.end()
        self.ready = False
        if hasattr(self, "journal"):
            self._machine.disk.release(self.journal, lost=True)  # type: ignore[arg-type]  # its own
        self.ended.set()

    def note_durable(self) -> None:
        """What is durable now must be found by every process from now on.

        What the disk made of its end is no longer its own word.
        """
        outside = self._machine.outside
        if hasattr(self, "journal") and self.life.alive and not self.fenced:
            outside.durable = max(outside.durable, self.journal.durable_seq)

    @property
    def fenced(self) -> bool:
        """Whether another process took the journal over."""
        return hasattr(self, "scene") and self.scene.superseded

    async def close(self, policy: ClosePolicy) -> None:
        """End in good order. Raises what the journal says at the end."""
        self.ready = False
        lost = True
        try:
            await self.desk.aclose(policy)
            lost, self.closed = False, True
        finally:
            self._machine.disk.release(self.journal, lost=lost)  # type: ignore[arg-type]  # its own
            self.ended.set()

    async def settle_by_hand(self) -> None:
        """Let a person look at what waits for one, and close what never arrived."""
        for state in list(self.scene.ledger.orders.values()):
            key = state.client_order_id
            if state.manual and self._machine.outside.venue.find(key) is None:
                self._machine.tell("person", f"settles {key}")
                self.scene.settling = key
                settled = self.desk.settle(key, reason="it never arrived", by="somebody")
                with suppress(NotManual):  # the broker's word came first
                    await self.spawn(settled, "settle")

    # ------------------------------------------------------------------ inside

    def _connect(self) -> tuple[Hookup, Line]:
        machine = self._machine
        chance = SeededRng(f"adapter/{machine.seed}/{self.number}")
        adapter = machine.backend.connect(DeskPorts(machine.clock, chance, self._rate))
        told = as_told(adapter.executor.capabilities, machine.knobs)
        clock = machine.outside.clock
        line = Line(adapter, told, network=machine.network, points=machine.points, clock=clock)
        return Hookup(adapter, line, Tap(adapter.stream, machine.network)), line

    def _parts(self, hookup: Hookup) -> Parts:
        machine = self._machine
        seed = f"{machine.seed}/{self.number}"
        ports = Ports(
            machine.clock,
            SeededIds(seed),
            SeededRng(seed),
            self._asker,
        )
        checks = Checks(self._judged, self.scene.verdict)
        self._asker.begins = self.scene.views
        controls = self._controls()
        self.scene.controls = tuple(one.name for one in controls.checks)
        saw = Plugin("witness", self.scene.told_of)
        return Parts(
            hookup,
            self.journal,
            machine.backend.binding,
            ports=ports,
            settings=Settings(LIMITS, PLAN, self._resizes()),
            checks=(*checks.plugins(), *controls.checks),
            sources=controls.sources,
            watchers=Watchers(
                (*watchers(machine.knobs, machine.chances, saw), *controls.executions),
                (Plugin("observer", _look_away), *controls.observers),
                books=controls.books,
            ),
        )

    def _controls(self) -> Controls:
        machine, scene = self._machine, self.scene
        data = Data(machine.clock, machine.outside.clock, machine.network.loses_data)
        if machine.own is not None:
            return machine.own.loaded(data=data, tell=scene.answered)
        return Controls.of(machine.outside.departures.settings, data=data, tell=scene.control)

    def _resizes(self) -> bool:
        own = self._machine.own
        if own is not None:
            return own.config.desk.allow_resize
        return resizes(self._machine.knobs, self._machine.seed)

    def _judged(self, view: BookView, order: Order) -> None:
        account = self._machine.backend.binding.account
        key = client_order_id_for(account, IntentId(str(order.intent_id)))
        self.scene.judges(view, key, order)

    def _appended(self, record: Record) -> None:
        self._machine.tell("journal", f"{record.seq} {record.kind} {record.key}")
        if hasattr(self, "scene"):
            self.scene.appended(record)


def _look_away(_state: OrderState, _anomalies: object) -> None:
    raise RuntimeError("an observer that fails")
