"""One process of the simulated machine: what belongs to it, and what it can no longer do."""

from contextvars import ContextVar


class Killed(BaseException):
    """The process that was running here is gone; it unwinds what it was doing."""


class Life:
    """One process, from its start to its death.

    Whatever is scheduled by its code carries it along (`LIFE`), so that it can be dropped.
    """

    __slots__ = ("alive", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.alive = True

    def check(self) -> None:
        """Raise `Killed` in code that still unwinds in a dead process: it reaches no port."""
        if not self.alive:
            raise Killed(f"process {self.number} is dead")

    def end(self) -> None:
        """Run nothing of it any more."""
        self.alive = False


#: Whose code is running; None is the world outside.
LIFE: ContextVar[Life | None] = ContextVar("life", default=None)
