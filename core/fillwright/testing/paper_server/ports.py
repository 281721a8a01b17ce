"""What the parts of one running server share."""

from dataclasses import dataclass

from fillwright.testing.fake_broker.faults import Late
from fillwright.testing.paper_server.faults import Faults
from fillwright.testing.paper_server.movable_clock import MovableClock
from fillwright.testing.paper_server.sockets import Patience, Refuse


@dataclass(frozen=True, slots=True)
class Ports:
    """The script, the time, and what can be done with connections."""

    faults: Faults
    clock: MovableClock
    #: What happens later; it ends with the server.
    late: Late
    patience: Patience
    refuse: Refuse
