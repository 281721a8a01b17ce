"""The state file: what was answered is there, after a clean end and after a SIGKILL."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fillwright.errors import ConfigError, DuplicateClientOrderId
from fillwright.orders import OrderChange
from fillwright.testing import ManualClock, Venue, VenueSettings
from fillwright.testing.venue import Phase
from fillwright.types import OrdStatus
from testing.venue_tools import Bench, D, limit

_LEGS_FAR = {"take_profit": {"limit_price": "400"}, "stop_loss": {"stop_price": "90"}}


def _picture(venue):
    account = venue.account()
    return (
        [order.snapshot() for order in venue.orders()],
        venue.executions(),
        account,
        [(o.held, o.claim, o.rank, o.watermark, o.triggered) for o in venue.orders()],
    )


def _reopen(bench, state, **settings):
    bench.venue.close()
    again = Bench(state=state, **settings)
    again.clock.advance((bench.clock.now() - again.clock.now()).total_seconds())
    return again


def test_reopening_finds_everything_and_goes_on(tmp_path):
    """A venue that forgets an accepted order lets a restarted desk send it again."""
    state = tmp_path / "venue.db"
    settings = {
        "depth": "10",
        "volatility": "0",
        "pending_steps": 3,
        "positions": {"MSFT": "9", "KO": "-5"},
    }
    bench = Bench(state=state, **settings)
    bench.send("BUY 10 AAPL", "full")
    bench.send("BUY 25 AAPL", "part")
    bench.send("BUY $1000.50 NVDA", "notional")
    bench.send("BUY 12 AMZN", "bracket", order_class="BRACKET", **_LEGS_FAR)
    bench.send("SELL 9 MSFT", "trail", type="TRAILING_STOP", trail_percent="2.5")
    old = bench.send("BUY 1 TSLA", "old", **limit("50"))
    bench.venue.replace(old.broker_order_id, OrderChange.model_validate({"limit_price": "51"}))
    bench.venue.control.halt("IBM")
    before = _picture(bench.venue)
    again = _reopen(bench, state, **settings)
    assert _picture(again.venue) == before
    assert again.said == []
    with pytest.raises(DuplicateClientOrderId):
        again.send("BUY 1 AAPL", "full")
    again.venue.step(3)
    assert again.venue.find("part").status is OrdStatus.FILLED
    assert again.venue.find("old").limit_price == 51
    assert [leg.status for leg in _legs(again.venue)] == [OrdStatus.NEW] * 2
    ids = [f.execution.execution_id for f in again.venue.executions().items]
    assert len(set(ids)) == len(ids)


def _legs(venue):
    return [venue.order(leg) for leg in venue.find("bracket").legs]


def test_the_venue_trades_on_while_nobody_looks(tmp_path):
    """Time does not stop at the broker because the desk was killed."""
    state = tmp_path / "venue.db"
    settings = {"depth": D(10), "volatility": D(0), "step": 0.05}
    clock = ManualClock()
    venue = Venue(VenueSettings(**settings), clock, state=state)
    bench = Bench()
    bench.venue = venue
    bench.send("BUY 25 AAPL", "part")
    day = bench.send("BUY 1 AAPL", "day", **limit("50"))
    assert day.status is OrdStatus.NEW
    venue.close()
    clock.advance(86_400)
    again = Venue(VenueSettings(**settings), clock, state=state)
    assert again.find("part").status is OrdStatus.FILLED
    assert again.find("day").status is OrdStatus.EXPIRED


def test_halts_blocks_and_sessions_survive(tmp_path):
    """A halt that a restart lifts is no halt."""
    state = tmp_path / "venue.db"
    bench = Bench(state=state)
    bench.venue.control.halt("AAPL")
    bench.venue.control.block()
    bench.venue.control.close_session()
    again = _reopen(bench, state)
    books = again.venue._books
    assert list(books.halted) == ["AAPL"]
    assert (books.blocked, books.phase, books.manual_session) == (True, Phase.CLOSED, True)


def test_files_are_private(tmp_path):
    """Positions are nobody else's business."""
    state = tmp_path / "deep" / "venue.db"
    Bench(state=state).send("BUY 1 AAPL")
    for path in state.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(state.parent.stat().st_mode) == 0o700


def test_a_second_user_is_refused(tmp_path):
    """Two venues in one file would sell the same shares twice."""
    state = tmp_path / "venue.db"
    bench = Bench(state=state)
    with pytest.raises(ConfigError, match="is in use by another process"):
        Bench(state=state)
    bench.venue.close()
    Bench(state=state).venue.close()


def test_another_process_is_refused(tmp_path):
    """The lock must hold between processes, not only inside one."""
    state = tmp_path / "venue.db"
    with _child(state) as child:
        assert child.stdout.readline()
        with pytest.raises(ConfigError, match="is in use by another process"):
            Bench(state=state)
        child.kill()
        child.wait()
    assert Bench(state=state).venue.orders()


@pytest.mark.parametrize("content", [b"not a database at all, but text\n" * 200, None])
def test_a_file_that_is_something_else(tmp_path, content):
    """Writing into somebody's file would destroy it."""
    state = tmp_path / "venue.db"
    if content is None:
        state.mkdir()
    else:
        state.write_bytes(content)
    with pytest.raises(ConfigError, match=r"venue\.db"):
        Bench(state=state)
    if content is not None:
        assert state.read_bytes() == content


def test_a_file_of_another_account(tmp_path):
    """Positions of one account must not appear in another."""
    state = tmp_path / "venue.db"
    Bench(state=state).venue.close()
    with pytest.raises(ConfigError, match="belongs to"):
        Bench(state=state, account_id="FAKE-2")


def test_a_failed_write_stops_the_venue(tmp_path):
    """An answer for something that was not kept would be a lie after the restart."""
    bench = Bench(state=tmp_path / "venue.db")
    bench.send("BUY 1 AAPL")
    said = len(bench.said)
    bench.venue._store._database.execute("PRAGMA query_only=ON")
    for _ in range(2):
        with pytest.raises(Exception, match="cannot be written") as failed:
            bench.send("BUY 1 AAPL")
        assert not isinstance(failed.value, sqlite3.Error)
    assert len(bench.said) == said


_CHILD = """
import sys
from pathlib import Path
from fillwright.clock import SystemClock
from fillwright.orders import Order
from fillwright.testing import Venue, VenueSettings
venue = Venue(VenueSettings(), SystemClock(), state=Path(sys.argv[1]))
for number in range(100000):
    fields = {"type": "LIMIT", "limit_price": "1"} if number % 5 == 1 else {}
    name = f"child-{number}"
    order = venue.submit(Order(symbol="AAPL", side="BUY", quantity="1", **fields), name)
    print(name, order.broker_order_id, order.filled, flush=True)
    if not fields:
        venue.submit(Order(symbol="AAPL", side="SELL", quantity="1"), name + "s")
        print(name + "s", "-", "1", flush=True)
    else:
        venue.cancel(order.broker_order_id)
        print("canceled", name, "-", flush=True)
"""


class _child:  # noqa: N801 (reads as a verb)
    def __init__(self, state: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(state)], stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.mark.parametrize("lines", [1, 7, 40, 153, 400])
def test_what_was_acknowledged_survives_a_sigkill(tmp_path, lines):
    """An order that the desk was told of and that is gone is the worst of both worlds."""
    state = tmp_path / "venue.db"
    with _child(state) as child:
        heard = [child.stdout.readline().split() for _ in range(lines)]
        os.kill(child.pid, signal.SIGKILL)
        # The last line may be cut anywhere, and then it was not heard.
        rest = child.stdout.read().splitlines(keepends=True)
        heard += [line.split() for line in rest if line.endswith("\n")]
    with closing(Bench(state=state, step=0).venue) as venue:
        for name, second, filled in heard:
            if name == "canceled":
                assert venue.find(second).status is OrdStatus.CANCELED
                continue
            order = venue.find(name)
            assert order is not None
            assert second in ("-", order.broker_order_id)
            assert filled in ("-", "0") or order.filled == D(filled)
        traded = sum(
            (f.execution.quantity * f.side.sign for f in venue.executions().items), start=D(0)
        )
        assert venue.account().quantity("AAPL") == traded
        spent = sum(f.execution.quantity * f.execution.price * f.side.sign for f in _items(venue))
        assert venue.account().cash == 100_000 - spent


def _items(venue):
    return venue.executions().items
