"""The machine's service manager: it starts the desk's process again whenever it ended."""

import asyncio
from typing import Final

from fillwright.desk.desk import DeskState
from fillwright.errors import FillwrightError, JournalError
from fillwright.protocols import ClosePolicy
from fillwright.testing.simulation import invariants
from fillwright.testing.simulation.life import Life
from fillwright.testing.simulation.loop import SimLoop
from fillwright.testing.simulation.moves import Do
from fillwright.testing.simulation.owners import Owners
from fillwright.testing.simulation.process import Machine, Process

#: So short a time passes only when everything that can run has run.
_SETTLED: Final = 0.001
#: How long a caller may take to find out that its desk is closed: a plan that sleeps, a question
#: and a request that wait for their answers.
_CALLS_END: Final = 25.0


class Manager:
    """Every process of one scenario, one after the other, and now and then two at once."""

    def __init__(self, loop: SimLoop, machine: Machine, owners: Owners) -> None:
        self._loop = loop
        self._machine = machine
        self._owners = owners
        self.processes: list[Process] = []
        #: Faults have ended: what ends now is started again at once.
        self.calm = False
        #: The first thing that broke here.
        self.broken: BaseException | None = None

    @property
    def process(self) -> Process | None:
        """The process that runs now and takes calls."""
        for process in reversed(self.processes):
            if process.ready:
                return process
        return None

    async def tend(self) -> None:
        """Keep a process running."""
        chance = self._machine.chances.of("tend")
        while True:
            process = Process(self._machine, len(self.processes) + 1)
            self.processes.append(process)
            await self._start(process)
            await process.ended.wait()
            if process.losing:
                continue
            if process.closed:
                await self.let_go(process)
                self._check_end(process)
            self.end(process)
            await asyncio.sleep(0.5 if self.calm else chance.choice((0.0, 0.2, 1.0, 4.0)))

    def look(self) -> None:
        """Restart a desk that failed."""
        process = self.process
        if process is not None and process.desk.state is DeskState.FAILED:
            self._machine.tell("machine", f"{process.mark} is to be restarted")
            process.ended.set()

    def died(self, life: Life, point: str) -> None:
        """A process reached the point at which it dies."""
        process = self.processes[life.number - 1]
        self._machine.tell("machine", f"{process.mark} dies at {point}")
        self.end(process)

    def end(self, process: Process) -> None:
        """End a process at once."""
        self._owners.forget(process)
        process.die()

    def drain(self, process: Process, policy: ClosePolicy) -> None:
        """Tell a process to end in good order."""
        process.spawn(self._drained(process, policy), "drain")

    def supersede(self, process: Process) -> None:
        """Let another process take the journal over while this one goes on."""
        process.ready, process.losing = False, True
        process.ended.set()

    async def let_go(self, process: Process) -> None:
        """Give callers of a desk that is closed the time to find out."""
        await asyncio.sleep(_SETTLED)
        if self._loop.running(process.life):
            await asyncio.sleep(_CALLS_END)

    def nothing_runs(self, process: Process) -> None:
        """Look at what a desk that was closed left behind."""
        # An owner may sleep on after the desk's end.
        left = [t for t in self._loop.running(process.life) if not t.startswith(Do.HALT)]
        invariants.rest.nothing_is_left_running(process.scene, left)

    async def _start(self, process: Process) -> None:
        tell = self._machine.tell
        # Of two that lost the journal, only the second can still believe that it holds it.
        losing = (p for p in reversed(self.processes) if p.losing and p.life.alive)
        holder = next(losing, None)
        tell("machine", f"{process.mark} starts{', taking over' if holder else ''}")
        task = process.spawn(process.start(holder), "start")
        waiter = asyncio.ensure_future(process.ended.wait())
        try:
            await asyncio.wait((task, waiter), return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiter.cancel()
        if not task.done() or process.ended.is_set():
            return
        fault = task.exception()
        if fault is None:
            tell("machine", f"{process.mark} runs")
            process.scene.takes_over()
            if self.calm or self._machine.chances.hits("ask_again", 50):
                self._owners.ask_again(process)
            return
        # A journal's own sentence names the process that holds it.
        why = type(fault).__name__ if isinstance(fault, JournalError) else fault
        tell("machine", f"{process.mark} cannot start: {why}")
        process.ended.set()
        if not isinstance(fault, FillwrightError):
            self.broken = self.broken or fault

    async def _drained(self, process: Process, policy: ClosePolicy) -> None:
        try:
            await process.close(policy)
        except FillwrightError as fault:
            self._machine.tell("machine", f"{process.mark} ends badly: {fault}")

    def _check_end(self, process: Process) -> None:
        try:
            self.nothing_runs(process)
        except AssertionError as fault:
            self.broken = self.broken or fault
