"""The fake broker's side of the kill suite: a venue that lives on in a file beside the journal."""

from collections import Counter
from dataclasses import replace as but
from pathlib import Path

from desk.killing import PATIENT, RISK, T_INFLIGHT, Points, Truth
from fillwright.clock import SystemClock, SystemRng
from fillwright.config import DeskConfig
from fillwright.desk.opening import adapter_of
from fillwright.plugins import Registry
from fillwright.protocols import Adapter
from fillwright.testing import Venue
from fillwright.testing.fake_broker import FakeExecutor, read_settings
from fillwright.testing.venue import store
from fillwright.types import Mode

POSITIONS = {
    "AAPL": "60",
    "MSFT": "25",
    "TSLA": "30",
    "XOM": "70",
    "KO": "120",
    "JPM": "40",
    "NFLX": "8",
    "DIS": "50",
}
#: The market that every scene of the suite shares, so that their results can be compared.
MARKET = {
    "cash": "60000",
    "volatility": "0",
    "depth": "7",
    "step": 0.004,
    "positions": POSITIONS,
}
FAKE = {**MARKET, "state": "venue.db", "latency": {"min": 0.001, "max": 0.006}}


class FakeScene:
    """Implement `Scene` on the fake broker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def config(self) -> DeskConfig:
        return DeskConfig(
            mode=Mode.PAPER,
            broker="fake",
            journal="desk.db",
            checks=("risk",),
            folder=self._folder,
            broker_settings=FAKE,
            check_settings={"risk": RISK},
            desk=PATIENT,
        )

    def adapter(self, loaded: DeskConfig, registry: Registry) -> Adapter:
        made = adapter_of(loaded, registry, SystemClock(), SystemRng())
        made.executor.capabilities = but(made.executor.capabilities, t_inflight=T_INFLIGHT)
        return made

    def plant(self, points: Points) -> None:
        points.around_async(FakeExecutor, "submit", "request")
        points.around(Venue, "submit", "arrival")
        points.around(store.Store, "_write", "venue write")

    def truth(self) -> Truth:
        settings = read_settings("fake", FAKE, self._folder)
        venue = Venue(settings, SystemClock(), state=settings.state)
        account = venue.account()
        fills, traded = venue.executions().items, Counter[str]()
        for fill in fills:
            traded[fill.symbol] += fill.execution.quantity  # type: ignore[assignment]
        told = Truth(
            Counter(o.client_order_id for o in venue.orders()),
            {o.client_order_id: str(o.status) for o in venue.orders() if not o.ended},
            {fill.execution.execution_id for fill in fills},
            traded,
            {s: p.quantity for s, p in account.positions.items()},
            account.cash,
        )
        venue.close()
        return told
