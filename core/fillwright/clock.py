"""The real clock, ids and chance: the only place that asks the machine for them."""

import asyncio
import random
import time
import uuid
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the loop."""
        await asyncio.sleep(seconds)


class SystemIds:
    """Random names."""

    def new(self, kind: str) -> str:
        """`kind` and 32 random hexadecimal digits."""
        return f"{kind}-{uuid.uuid4().hex}"


class SystemRng:
    """The machine's chance."""

    def __init__(self) -> None:
        self._random = random.SystemRandom()

    def random(self) -> float:
        """A number in [0, 1)."""
        return self._random.random()
