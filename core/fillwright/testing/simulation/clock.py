"""The desk's clock in a simulation: the loop's time, and a time of day that somebody may set."""

import asyncio
from datetime import UTC, datetime, timedelta

from fillwright.testing.simulation.life import LIFE

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


class SimClock:
    """Implement `Clock` on the running loop.

    `jump` moves the time of day alone, as an operator or a time server does; durations and
    timers go on as they were.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime = START) -> None:
        self._loop = loop
        self._time = loop.time
        self._start = start
        self._shift = timedelta()
        #: Asked for many times before the loop's time moves: at which one, and what it was.
        self._asked_at = -1.0
        self._now = start

    def now(self) -> datetime:
        """The time of day in UTC."""
        at = self._time()
        if at != self._asked_at:
            self._now = self._start + self._shift + timedelta(seconds=at)
            self._asked_at = at
        return self._now

    def monotonic(self) -> float:
        """Seconds since the loop was made."""
        return self._time()

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop's time."""
        life = LIFE.get()
        if life is not None:
            life.check()
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = self._loop.create_future()
        alarm = self._loop.call_later(seconds, _wake, woken)
        try:
            await woken
        finally:
            alarm.cancel()

    @property
    def shift(self) -> float:
        """How far it is off, in seconds."""
        return self._shift.total_seconds()

    def jump(self, seconds: float) -> None:
        """Set the time of day so much forwards, or backwards."""
        self._set(self._shift + timedelta(seconds=seconds))

    def mend(self) -> None:
        """Set it right."""
        self._set(timedelta())

    def _set(self, shift: timedelta) -> None:
        self._shift = shift
        self._asked_at = -1.0


def _wake(sleeper: "asyncio.Future[None]") -> None:
    if not sleeper.done():
        sleeper.set_result(None)
