"""What a scenario's desk speaks to: one broker's account, behind one kind of transport."""

from collections.abc import Callable, Sequence
from typing import Protocol

from fillwright.protocols import Adapter, Binding, Clock
from fillwright.reports import Cursor, Fill
from fillwright.testing.chance import SeededRng
from fillwright.testing.fake_broker import FakeBroker, FakeBrokerSettings
from fillwright.testing.simulation.chances import SeededScript
from fillwright.testing.venue import Venue
from fillwright.types import Mode


class Backend(Protocol):
    """A broker that outlives the desk's processes.

    It shows the faults of the script in its transport's own way: `SeededScript.strike` says which
    one strikes at a request, a report or a connection.
    """

    #: Where orders trade, and what staff and strangers act on.
    venue: Venue
    #: Whose account it is; every journal of the scenario is bound to it.
    binding: Binding

    def connect(self) -> Adapter:
        """An adapter for a new process."""

    def fills(self, since: Cursor | None) -> Sequence[Fill]:
        """Every execution since the cursor, named as the adapter names them."""


#: Builds the broker of one scenario: settings of its venue, its faults, and its own right time.
MakeBackend = Callable[[FakeBrokerSettings, SeededScript, Clock], Backend]


class FakeBackend:
    """Implement `Backend` with the fake broker's own executor and stream."""

    def __init__(self, settings: FakeBrokerSettings, script: SeededScript, clock: Clock) -> None:
        self.venue = Venue(settings, clock)
        self.binding = Binding(Mode.PAPER, "fake", settings.account_id)
        self._settings = settings
        self._script = script
        self._clock = clock

    def connect(self) -> Adapter:
        """The fake broker, with the scenario's faults between."""
        settings = self._settings
        rng = SeededRng(settings.seed)
        return FakeBroker(settings, self._clock, rng=rng, script=self._script, venue=self.venue)

    def fills(self, since: Cursor | None) -> Sequence[Fill]:
        """Every execution since the cursor."""
        return self.venue.executions(since).items
