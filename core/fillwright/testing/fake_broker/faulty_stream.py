"""Faults between the venue's stream and the desk."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from fillwright.protocols import Clock, TradingStream
from fillwright.reports import Connected, Disconnected, ExecutionReport, Gap, StreamItem
from fillwright.testing.fake_broker.faults import Late
from fillwright.testing.fake_broker.script import Fault, FaultScript, Kind, On

#: How long a report that is to come after the next one waits for one, when nothing else is said.
_REORDER_AT_MOST = 1.0


class FaultyStream:
    """Implement `TradingStream` on another one, with the script's faults."""

    def __init__(self, inner: TradingStream, script: FaultScript, clock: Clock, late: Late) -> None:
        self._inner = inner
        self._script = script
        self._clock = clock
        self._late = late
        self._out: deque[StreamItem] = deque()
        self._news = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._done = False
        #: Until then nothing passes; what comes is lost, or kept when the silence holds.
        self._mute_until: datetime | None = None
        self._holds = False
        self._held: list[ExecutionReport] = []
        self._swapped: list[ExecutionReport] = []

    async def reports(self) -> AsyncIterator[StreamItem]:
        """Yield what the script lets through."""
        await self._stop()
        self._out.clear()
        self._reader = asyncio.get_running_loop().create_task(self._read(), name="fake-faults")
        while True:
            while self._out:
                yield self._out.popleft()
            if self._done:
                return
            self._news.clear()
            await self._news.wait()

    async def close(self) -> None:
        """Stop, and end the iterator."""
        await self._inner.close()
        await self._stop()
        self._done = True
        self._news.set()

    async def _stop(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
            self._reader = None

    async def _read(self) -> None:
        async for item in self._inner.reports():
            if isinstance(item, ExecutionReport):
                self._report(item)
            elif isinstance(item, Connected):
                self._connected(item)
            else:
                self._put(item)
        self._done = True
        self._news.set()

    def _put(self, item: StreamItem) -> None:
        self._out.append(item)
        self._news.set()

    def _connected(self, item: Connected) -> None:
        fault = self._script.strike(On.CONNECT)
        if fault is None or fault.fault is Kind.SILENT:
            self._put(item)
        if fault is not None:
            self._interrupt(fault)

    def _report(self, report: ExecutionReport) -> None:
        if self._mute_until is not None and self._clock.now() < self._mute_until:
            if self._holds:
                self._held.append(report)
            return
        fault = self._script.strike(On.REPORT, report.client_order_id or "")
        if fault is None:
            self._pass(report)
        elif fault.fault is Kind.DUPLICATE:
            self._pass(report)
            self._pass(report)
        elif fault.fault is Kind.DELAY:
            self._late.after(fault.seconds, lambda: self._pass(report))
        elif fault.fault is Kind.REORDER:
            self._swapped.append(report)
            self._late.after(fault.seconds or _REORDER_AT_MOST, self._release)
        elif fault.fault is Kind.GAP:
            self._put(Gap("a report could not be read", self._clock.now()))
        elif fault.fault is not Kind.DROP:
            self._interrupt(fault)
            if fault.hold:
                self._held.append(report)

    def _pass(self, report: ExecutionReport) -> None:
        self._put(report)
        self._release()

    def _release(self) -> None:
        swapped, self._swapped = self._swapped, []
        for report in swapped:
            self._put(report)

    def _interrupt(self, fault: Fault) -> None:
        """Begin a disconnection or a silence."""
        now = self._clock.now()
        self._mute_until = now + timedelta(seconds=fault.seconds)
        self._holds = fault.hold and fault.fault is Kind.SILENT
        if fault.fault is Kind.DISCONNECT:
            self._swapped.clear()
            self._put(Disconnected("connection lost", now))
            self._late.after(fault.seconds, self._reconnect)
        else:
            self._late.after(fault.seconds, self._speak)

    def _reconnect(self) -> None:
        self._connected(Connected(self._clock.now()))

    def _speak(self) -> None:
        held, self._held = self._held, []
        for report in held:
            self._put(report)
