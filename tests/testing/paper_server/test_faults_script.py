"""The script, the spoilt documents, the log and the clock, without a server around them."""

import json
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from pydantic import ValidationError

from fillwright.testing import ManualClock, SeededRng
from fillwright.testing.paper_server import PLACES, Faults, Kind, MovableClock, On, SeenLog
from fillwright.testing.paper_server.operations import client_order_id_in, operation, order_id_in
from fillwright.testing.paper_server.request import Request
from fillwright.testing.paper_server.seen import KEPT
from fillwright.testing.paper_server.spoil import spoiled_bytes
from testing.paper_server.web_tools import fault


def script(*faults: Any, seed: int = 1) -> Faults:
    return Faults(SeededRng(seed), faults)


def strikes(faults: Faults, on: On, times: int, **who: str) -> list[int]:
    """At which of so many events something strikes."""
    return [n for n in range(1, times + 1) if faults.strike(on, **who)]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"nth": 3}, [3]),
        ({"every": 2}, [2, 4, 6]),
        ({"times": 2}, [1, 2]),
        ({"every": 2, "times": 1}, [2]),
        ({"probability": 0}, []),
        ({"probability": 1}, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_line_chooses_its_events(choice: dict, expected: list[int]) -> None:
    """A fault at another request than the one meant tests something else."""
    assert strikes(script(fault("submit", "drop_reset", **choice)), On.SUBMIT, 6) == expected


def test_chance_follows_from_the_seed() -> None:
    """A failure that chance found must be found again."""
    line = fault("submit", "drop_reset", probability=0.5)
    first, again, other = (strikes(script(line, seed=s), On.SUBMIT, 40) for s in (1, 1, 2))

    assert first == again != other


def test_any_request_counts_for_request_and_no_message_does() -> None:
    """Revoked keys fail every request; the open stream stays open."""
    faults = script(fault("request", "unauthorized"))

    assert faults.strike(On.SUBMIT)
    assert faults.strike(On.REQUEST)
    assert not faults.strike(On.MESSAGE)
    assert not faults.strike(On.CONNECT)


def test_lines_of_an_account_and_of_an_order_count_only_theirs() -> None:
    """`nth` is the nth request of this order, not of all."""
    line = fault("cancel", "drop_reset", account="PK1*", client_order_id="fw-*", nth=2)
    faults = script(line)
    events = [("PK1A", "fw-1"), ("PK2A", "fw-1"), ("PK1A", "other"), ("PK1B", "fw-2")]

    assert [bool(faults.strike(On.CANCEL, *who)) for who in events] == [False, False, False, True]


def test_the_first_line_that_strikes_wins_and_all_count() -> None:
    """A line behind another one must not shift by one because of it."""
    faults = script(fault("submit", "drop_reset", nth=1), fault("submit", "unavailable", nth=2))

    struck = [faults.strike(On.SUBMIT) for _ in range(3)]

    assert [one and one.fault for one in struck] == [Kind.DROP_RESET, Kind.UNAVAILABLE, None]
    assert [faults.struck(number) for number in (1, 2)] == [1, 1]


def test_lines_are_struck_out_by_number() -> None:
    """A number that now means another line would strike out the wrong one."""
    faults = script(fault("submit", "drop_reset"))
    second = faults.add(fault("submit", "unavailable"))
    faults.remove(1)

    assert [number for number, _, _ in faults.lines()] == [second] == [2]
    for gone in (1, 3):
        with pytest.raises(KeyError):
            faults.remove(gone)
    with pytest.raises(KeyError):
        faults.struck(1)


def test_every_kind_can_happen_somewhere_and_is_refused_elsewhere() -> None:
    """A line that can never strike makes a test that tests nothing."""
    assert set(PLACES) == set(Kind)
    for kind, places in PLACES.items():
        fields = {"seconds": 1, "field": "status"}
        for on in On:
            if on in places:
                fault(on, kind, **fields)
            else:
                with pytest.raises(ValidationError, match="cannot happen on"):
                    fault(on, kind, **fields)


def test_a_script_is_written_while_it_is_read() -> None:
    """Tests write from their own thread while the server strikes."""
    faults = script()
    writers = [Thread(target=_write, args=(faults,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        faults.strike(On.SUBMIT)
    for writer in writers:
        writer.join()

    assert len({number for number, _, _ in faults.lines()}) == 400


def _write(faults: Faults) -> None:
    for _ in range(100):
        faults.add(fault("submit", "drop_reset", probability=0))


ORDER = {"id": "1", "status": "new", "qty": "10.5", "legs": None, "extended_hours": False}


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("field_missing", {"field": "qty"}, {"qty": ...}),
        ("field_missing", {"field": "nope"}, {}),
        ("field_null", {"field": "qty"}, {"qty": None}),
        ("field_null", {"field": "nope"}, {}),
        ("field_set", {"field": "nope", "value": {"a": 1}}, {"nope": {"a": 1}}),
        ("field_retyped", {"field": "qty"}, {"qty": 10.5}),
        ("field_retyped", {"field": "status"}, {"status": ["new"]}),
        ("field_retyped", {"field": "extended_hours"}, {"extended_hours": "false"}),
        ("field_retyped", {"field": "legs"}, {"legs": ""}),
        ("field_set", {"field": "legs.0.qty", "value": 1}, {}),
        ("unknown_status", {}, {"status": "being_considered"}),
    ],
)
def test_one_field_changes_and_no_other(kind: str, fields: dict, expected: dict) -> None:
    """A drift in one field that touches another hides which one broke the client."""
    changed = {k: v for k, v in (ORDER | expected).items() if v is not ...}
    line = fault("orders", kind, **fields)

    assert json.loads(spoiled_bytes(json.dumps(ORDER).encode(), line)) == changed
    assert json.loads(spoiled_bytes(json.dumps([ORDER, ORDER]).encode(), line)) == [changed] * 2
    assert spoiled_bytes(b"", line) == b""
    assert spoiled_bytes(b"[7]", line) == b"[7]"


@pytest.mark.parametrize(
    ("method", "path", "on", "order_id"),
    [
        ("POST", "/v2/orders", On.SUBMIT, None),
        ("GET", "/v2/orders", On.ORDERS, None),
        ("DELETE", "/v2/orders", On.CANCEL_ALL, None),
        ("GET", "/v2/orders:by_client_order_id", On.FIND, None),
        ("GET", "/v2/orders%3Aby_client_order_id", On.FIND, None),
        ("GET", "/v2/orders/x-1", On.ORDER, "x-1"),
        ("PATCH", "/v2/orders/x-1", On.REPLACE, "x-1"),
        ("DELETE", "/v2/orders/x-1", On.CANCEL, "x-1"),
        ("GET", "/v2/account", On.ACCOUNT, None),
        ("GET", "/v2/account/activities/FILL", On.ACTIVITIES, None),
        ("GET", "/v2/positions/AAPL", On.POSITIONS, None),
        ("DELETE", "/v2/positions/AAPL", On.CLOSE_POSITION, None),
        ("GET", "/v2/assets/AAPL", On.ASSETS, None),
        ("GET", "/v2/calendar", On.CLOCK, None),
        ("GET", "/v2/stocks/quotes/latest", On.DATA, None),
        ("GET", "/v1beta3/crypto/us/latest/quotes", On.DATA, None),
        ("GET", "/v2/watchlists", On.REQUEST, None),
        ("OPTIONS", "/v2/orders", On.REQUEST, None),
    ],
)
def test_each_request_is_what_it_asks_for(
    method: str, path: str, on: On, order_id: str | None
) -> None:
    """A fault on cancels that strikes submits breaks the wrong thing."""
    assert (operation(method, path), order_id_in(path)) == (on, order_id)


@pytest.mark.parametrize(
    ("body", "query", "expected"),
    [
        (b'{"client_order_id": "c-1"}', {}, "c-1"),
        (b"", {"client_order_id": "c-2"}, "c-2"),
        (b'{"client_order_id": 7}', {}, ""),
        (b"[1]", {}, ""),
        (b"{", {}, ""),
        (b"\xff", {}, ""),
        (b"[" * 100_000, {}, ""),
    ],
)
def test_the_order_of_a_request_is_read_from_anything(
    body: bytes, query: dict[str, str], expected: str
) -> None:
    """A body that is no order must reach the exchange, which says so, and not end the server."""
    assert client_order_id_in(Request("POST", "/v2/orders", query, {}, body)) == expected


def test_the_log_forgets_the_oldest() -> None:
    """A demo that runs for a month must not eat the machine."""
    log, now = SeenLog(), datetime(2026, 3, 2, tzinfo=UTC)
    for _ in range(KEPT + 5):
        log.write(now, On.ACCOUNT, "GET", "/v2/account")
    first = next(iter(log))

    assert (len(log), first.number) == (KEPT, 6)
    log.clear()
    assert (len(log), log.write(now, On.ACCOUNT, "GET", "/").number) == (0, KEPT + 6)


@pytest.fixture
def clocks() -> tuple[ManualClock, MovableClock]:
    beneath = ManualClock()
    return beneath, MovableClock(beneath)


def test_a_clock_that_is_moved_goes_on_from_there(
    clocks: tuple[ManualClock, MovableClock],
) -> None:
    """A clock that stops when it is set would stop the venue."""
    beneath, clock = clocks
    start = clock.now()
    clock.advance(-60)
    back = clock.now()
    clock.set(start + timedelta(days=1))
    beneath.advance(5)

    assert back == start - timedelta(seconds=60)
    assert clock.now() == start + timedelta(days=1, seconds=5)
    assert clock.monotonic() == beneath.monotonic() == 5.0


def test_a_frozen_clock_can_be_set_and_goes_on_without_a_jump(
    clocks: tuple[ManualClock, MovableClock],
) -> None:
    """Time that stood still must not come back at once when it runs again."""
    beneath, clock = clocks
    start = clock.now()
    clock.freeze()
    beneath.advance(100)
    stood = clock.now()
    clock.advance(1)
    clock.run()
    beneath.advance(2)

    assert stood == start
    assert clock.now() == start + timedelta(seconds=3)
    assert not clock.frozen
