"""The matrix: whatever a post-execution plugin of a whole desk does, fills are booked and told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fillwright import Alert, Order, Overrides, Side, hookimpl, open_desk
from fillwright.types import OrdStatus

CONFIG = """
mode = "paper"
broker = "fake"
journal = "desk.db"
checks = ["risk"]

[desk]
check_deadline_seconds = 0.3

[fake]
state = "venue.db"
volatility = "0"

[risk.max_order_notional]
limit_usd = "50000"
"""
RELEASED = threading.Event()


@pytest.fixture(autouse=True)
def released() -> Iterator[None]:
    RELEASED.clear()
    yield
    RELEASED.set()


def raises() -> object:
    raise ZeroDivisionError("a mistake")


def leaves() -> object:
    raise SystemExit(1)


def hangs() -> object:
    RELEASED.wait(60)
    return None


FAULTS: dict[str, tuple[Callable[[], object], str]] = {
    "raises": (raises, "CHECK_RAISED"),
    "leaves": (leaves, "CHECK_RAISED"),
    "hangs": (hangs, "CHECK_HUNG"),
    "says nothing": (lambda: None, "CHECK_NO_VERDICT"),
    "says yes": (lambda: True, "CHECK_NO_VERDICT"),
}


class Faulty:
    """A plugin of all three post-execution hooks."""

    def __init__(self, fault: Callable[[], object]) -> None:
        self._fault = fault

    @hookimpl
    def check_execution(self) -> object:
        return self._fault()

    @hookimpl
    def check_books(self) -> object:
        return self._fault()

    @hookimpl
    def alert_raised(self) -> object:
        return self._fault()


class Pager:
    """Hears every alert."""

    def __init__(self) -> None:
        self.heard: list[Alert] = []

    @hookimpl
    def alert_raised(self, alert: Alert) -> None:
        self.heard.append(alert)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_faulty_plugin_is_named_and_everything_goes_on(tmp_path: Path, fault: str) -> None:
    """One bad plugin must not cost a fill, an alert, or the desk (I25)."""
    (tmp_path / "desk.toml").write_text(CONFIG)
    call, code = FAULTS[fault]
    pager = Pager()
    plugins = [("faulty", Faulty(call)), ("pager", pager)]
    overrides = Overrides(plugins=plugins)
    async with open_desk(tmp_path / "desk.toml", overrides=overrides) as desk:
        first = await desk.submit(Order(symbol="AAPL", side=Side.BUY, quantity="2"))
        done = await asyncio.wait_for(first.done(), 60)
        await _until(lambda: pager.heard)
        second = await desk.submit(Order(symbol="MSFT", side=Side.BUY, quantity="1"))
        again = await asyncio.wait_for(second.done(), 60)

        assert done.status is again.status is OrdStatus.FILLED
        assert {str(q) for q in desk.positions.values()} == {"2", "1"}
        assert desk.state == "running"
    assert {(alert.check, alert.code) for alert in pager.heard} == {("faulty", code)}


async def _until(true: Callable[[], object], tries: int = 3000) -> None:
    """Wait for another thread, in steps; bounded."""
    for _ in range(tries):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came")
