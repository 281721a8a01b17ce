"""A clock that can be set, moved and stopped while a server runs on it."""

from datetime import datetime, timedelta

from fillwright.protocols import Clock


class MovableClock:
    """Implement `Clock` on another one.

    Only the time of day is moved; durations and sleeps are those of the clock beneath.
    """

    def __init__(self, beneath: Clock) -> None:
        self._beneath = beneath
        self._ahead = timedelta(0)
        self._stopped_at: datetime | None = None

    @property
    def frozen(self) -> bool:
        """Whether the time of day stands still."""
        return self._stopped_at is not None

    def now(self) -> datetime:
        """The time of day in UTC."""
        return self._stopped_at or self._beneath.now() + self._ahead

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return self._beneath.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._beneath.sleep(seconds)

    def set(self, moment: datetime) -> None:
        """Show this time from now on."""
        self._ahead = moment - self._beneath.now()
        if self._stopped_at is not None:
            self._stopped_at = moment

    def advance(self, seconds: float) -> None:
        """Jump; below zero is back."""
        self.set(self.now() + timedelta(seconds=seconds))

    def freeze(self) -> None:
        """Let the time of day stand still."""
        self._stopped_at = self.now()

    def run(self) -> None:
        """Let it go on from where it stands."""
        moment = self.now()
        self._stopped_at = None
        self.set(moment)
