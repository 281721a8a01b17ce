"""What happens later on virtual time, in the world outside of every process."""

import asyncio
from collections.abc import Callable

from fillwright.testing.simulation.network import outside


class Later:
    """The loop's time, and what it brings."""

    @staticmethod
    def time() -> float:
        """Virtual seconds."""
        return asyncio.get_running_loop().time()

    @staticmethod
    async def sleep(seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    @staticmethod
    def after(seconds: float, work: Callable[[], None]) -> None:
        """Do `work` when this time has passed, whoever lives then."""
        outside(_wait(seconds, work))


async def _wait(seconds: float, work: Callable[[], None]) -> None:
    await asyncio.sleep(seconds)
    work()
