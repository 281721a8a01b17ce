"""The desk's state machine again, through the real alpaca-py and real sockets.

`TRY_ALPACA_EXAMPLES` and `TRY_STEPS` make it look further, with other examples each time.
"""

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from alpacakit.world import AlpacaWorld
from desk.test_state_machine import DeskMachine
from fillwright.testing.paper_server import On


class AlpacaMachine(DeskMachine):
    """One account at the paper server; desks, adapters and connections come and go."""

    @initialize(pending_steps=st.sampled_from([0, 0, 2]), seed=st.integers(0, 9))
    def begin(self, pending_steps: int, seed: int) -> None:
        self.world = AlpacaWorld(pending_steps=pending_steps, seed=seed)
        self.run(self.world.begin())
        self.run(self.world.ready())

    def venue_takes_back(self, data: st.DataObject, *, correct: bool) -> None:
        """Whether Alpaca streams busts is not known; `test_updates` has what can be said."""

    async def _heal_and_look(self) -> None:
        await super()._heal_and_look()
        made = [s for s in self.world.server.requests if s.on is not On.CONNECT and not s.fault]
        refused = [seen for seen in made if seen.status == 429]
        # A desk that starts behind another one learns from its first answer how much is left.
        assert len(refused) <= self.world.opened, "more requests than the broker takes"


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of doubts and disconnects are what is wanted here, and no news."""
    log = logging.getLogger("fillwright")
    level = log.level
    log.setLevel(logging.CRITICAL)
    yield
    log.setLevel(level)


EXAMPLES = int(os.environ.get("TRY_ALPACA_EXAMPLES", "15"))
SHRINKS = "TRY_NO_SHRINK" not in os.environ
TestAlpacaDesk = AlpacaMachine.TestCase
TestAlpacaDesk.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=int(os.environ.get("TRY_STEPS", "30")),
    deadline=None,
    derandomize="TRY_ALPACA_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    report_multiple_bugs=False,
    phases=[p for p in Phase if SHRINKS or p is not Phase.shrink],
)
