"""What a scenario's desk speaks to: one broker's account, behind one kind of transport."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from fillwright.errors import BadInput
from fillwright.protocols import Adapter, Binding, Clock, RateFeed, Rng
from fillwright.reports import Cursor, Fill
from fillwright.testing.chance import SeededRng
from fillwright.testing.fake_broker import FakeBroker, FakeBrokerSettings, Latency
from fillwright.testing.simulation.chances import SeededScript
from fillwright.testing.simulation.knobs import Knobs
from fillwright.testing.simulation.moves import HELD
from fillwright.testing.venue import Venue
from fillwright.types import ExecutionId, Mode


@dataclass(frozen=True, slots=True)
class DeskPorts:
    """What a process lends its adapter, as `AdapterRequest` does in a real one."""

    #: The process' own clock, which somebody may set.
    clock: Clock
    rng: Rng
    rate: RateFeed


class Backend(Protocol):
    """A broker that outlives the desk's processes.

    It shows the faults of the script in its transport's own way: `SeededScript.strike` says which
    one strikes at a request, a report or a connection.
    """

    #: Where orders trade, and what staff and strangers act on.
    venue: Venue
    #: Whose account it is; every journal of the scenario is bound to it.
    binding: Binding
    #: Knobs of the network that it turns into bytes itself, so that nothing else does.
    shows: frozenset[str]

    def connect(self, ports: DeskPorts) -> Adapter:
        """An adapter for a new process."""

    def fills(self, since: Cursor | None) -> Sequence[Fill]:
        """Every execution since the cursor, named as the adapter names them."""

    def at_venue(self, name: ExecutionId) -> ExecutionId:
        """What the venue calls an execution that `fills` has."""


#: Builds the broker of one scenario: settings of its venue, its faults, and its own right time.
MakeBackend = Callable[[FakeBrokerSettings, SeededScript, Clock], Backend]


class FakeBackend:
    """Implement `Backend` with the fake broker's own executor and stream."""

    shows: frozenset[str] = frozenset()

    def __init__(self, settings: FakeBrokerSettings, script: SeededScript, clock: Clock) -> None:
        self.venue = Venue(settings, clock)
        self.binding = Binding(Mode.PAPER, "fake", settings.account_id)
        self._settings = settings
        self._script = script
        self._clock = clock

    def connect(self, ports: DeskPorts) -> Adapter:  # noqa: ARG002  # its clock is the right one
        """The fake broker, with the scenario's faults between."""
        settings = self._settings
        rng = SeededRng(settings.seed)
        return FakeBroker(settings, self._clock, rng=rng, script=self._script, venue=self.venue)

    def fills(self, since: Cursor | None) -> Sequence[Fill]:
        """Every execution since the cursor."""
        return self.venue.executions(since).items

    def at_venue(self, name: ExecutionId) -> ExecutionId:
        """The same."""
        return name


def backend_at(path: str) -> MakeBackend:
    """The backend at an import path like `my_broker.simulated:MyBackend`; empty is the fake broker.

    Raises BadInput for one that cannot be imported, or is no function.
    """
    if not path:
        return FakeBackend
    module, _, name = path.partition(":")
    if not module or not name:
        raise BadInput(
            "--backend", f"{path} is no import path; write it like my_broker.sim:Backend"
        )
    try:
        found: Any = getattr(import_module(module), name)
    except ImportError as fault:
        raise BadInput("--backend", f"{path} cannot be imported: {fault}") from fault
    except AttributeError:
        raise BadInput("--backend", f"{module} has no {name}") from None
    if not callable(found):
        raise BadInput("--backend", f"{path} is not a function or a class")
    made: MakeBackend = found
    return made


def settings_of(seed: int, knobs: Knobs) -> FakeBrokerSettings:
    """The venue of a scenario."""
    most = knobs.latency / 1000
    return FakeBrokerSettings.model_validate(
        {
            "seed": seed,
            "cash": "4000" if knobs.plans else "8000" if knobs.controls else "1000000",
            "positions": {symbol: str(quantity) for symbol, quantity in HELD.items()},
            "volatility": "0",
            "step": 0.0,
            "multiplier": "2",
            "pending_steps": knobs.pending_steps,
            "hours": "us" if knobs.closing else "always",
            "latency": Latency(min=most / 4, max=most),
        }
    )
