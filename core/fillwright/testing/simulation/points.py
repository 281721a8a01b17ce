"""The points at which a process may die: before and after each step that leaves a mark outside."""

from collections.abc import Callable

from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.life import LIFE, Killed, Life


class Points:
    """Count the points that are reached, and let the process die at some of them.

    Only a process dies: code of the world outside passes every point.
    """

    def __init__(
        self, chances: Chances, *, kills: int, percent: int, die: Callable[[Life, str], None]
    ) -> None:
        self._chances = chances
        self._percent = percent
        self._die = die
        #: How many deaths are left.
        self.kills = kills
        #: How many points were reached.
        self.seen = 0

    def reach(self, name: str) -> None:
        """Pass this point, or die at it. Raises `Killed`."""
        life = LIFE.get()
        if life is None:
            return
        life.check()
        self.seen += 1
        if self.kills and self._chances.hits(f"die/{name}", self._percent):
            self.kills -= 1
            self._die(life, name)
            raise Killed(f"process {life.number} died at {name}")
