"""The desk's own past: counts and totals are right, quick, stable, and never silently too short."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.errors import HistoryTooShort
from fillwright.history import NO_HISTORY, Deed, Event, History, Log
from fillwright.history import log as logs
from fillwright.types import Side

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def event(kind: Deed = Deed.SENT, seconds: float = 0, **fields: Any) -> Event:
    at = NOW + timedelta(seconds=seconds)
    facts = {"symbol": "AAPL", "side": Side.BUY, "client_order_id": "fw-1", **fields}
    return Event(kind, at, **facts)


def history(*events: Event) -> History:
    log = Log(events)
    return History(((log, log.end),))


def test_the_time_that_was_asked_for_is_included() -> None:
    """An order at the very edge of a minute must count in one of two minutes at least."""
    past = history(event(seconds=0), event(seconds=10), event(seconds=20))

    assert past.count(Deed.SENT, since=NOW + 10 * SECOND) == 2
    assert past.count(Deed.SENT, since=NOW + 10.001 * SECOND) == 1
    assert past.count(Deed.SENT) == 3


def test_totals_leave_out_what_has_no_price_and_say_so() -> None:
    """A total that silently counts an unknown as nothing hides the largest order of the day."""
    past = history(
        event(quantity=D(2), notional=D(200)),
        event(quantity=D(3), notional=None),
        event(Deed.FILLED, quantity=D(2), notional=D(199)),
    )

    assert past.total(Deed.SENT) == 200
    assert past.quantity(Deed.SENT) == 5
    assert past.unpriced(Deed.SENT) == 1
    assert past.total(Deed.FILLED) == 199


def test_each_filter_counts_by_itself_and_with_others() -> None:
    """A limit for one strategy that also counts another's orders stops the wrong one."""
    past = history(
        event(strategy="alpha", plan="p"),
        event(strategy="alpha", side=Side.SELL, opening=False),
        event(strategy="", symbol="KO"),
        event(Deed.REFUSED, codes=("C01", "C02", "C01")),
        event(Deed.REFUSED, codes=("C02",), symbol="KO"),
    )

    assert past.count(Deed.SENT, strategy="alpha") == 2
    assert past.count(Deed.SENT, strategy="alpha", side=Side.BUY) == 1
    assert past.count(Deed.SENT, strategy="") == 1
    assert past.count(Deed.SENT, strategy=None, symbol="AAPL") == 2
    assert past.count(Deed.SENT, opening=False) == 1
    assert past.count(Deed.SENT, plan="p") == 1
    assert past.count(Deed.REFUSED) == 2
    assert past.count(Deed.REFUSED, code="C02") == 2
    assert past.count(Deed.REFUSED, code="C01", symbol="AAPL") == 1
    assert past.count(Deed.REFUSED, code="C01", symbol="KO") == 0


def test_several_kinds_are_counted_together() -> None:
    """Orders and replaces share a limit; one of them left out is a way around it."""
    past = history(
        event(notional=D(200), strategy="alpha"),
        event(Deed.REPLACED, seconds=1, notional=D(30)),
        event(Deed.FILLED, notional=D(7)),
    )

    assert past.count(Deed.SENT, Deed.REPLACED) == 2
    assert past.value(Deed.SENT, Deed.REPLACED) == 230
    assert past.total(Deed.SENT, Deed.REPLACED, strategy="alpha") == 200
    assert [one.kind for one in past.events(Deed.REPLACED, Deed.SENT)] == [
        Deed.SENT,
        Deed.REPLACED,
    ]


def test_the_order_of_the_filters_says_nothing() -> None:
    """Two ways to ask the same that answer differently are one limit too few."""
    past = history(event(Deed.REFUSED, codes=("C01", "C02")), event(Deed.REFUSED, symbol="KO"))

    assert past.count(Deed.REFUSED, code="C02", symbol="AAPL") == 1
    assert past.count(Deed.REFUSED, symbol="AAPL", code="C02") == 1


def test_a_filter_that_does_not_exist_is_an_error() -> None:
    """A misspelt filter that counts everything, or nothing, is a limit on something else."""
    with pytest.raises(TypeError, match="no filter sybmol"):
        NO_HISTORY.count(Deed.SENT, sybmol="AAPL")  # type: ignore[call-arg]  # as strangers do


def test_the_events_come_oldest_first_and_the_newest_when_there_are_many() -> None:
    """The last fill is what a cool-down is measured from."""
    past = history(*(event(seconds=n, client_order_id=f"fw-{n}") for n in range(5)))

    assert [e.client_order_id for e in past.events(Deed.SENT, most=2)] == ["fw-3", "fw-4"]
    assert len(past.events(Deed.SENT, since=NOW + 3 * SECOND)) == 2
    last = past.last(Deed.SENT)
    assert last is not None
    assert last.client_order_id == "fw-4"
    assert past.last(Deed.FILLED) is None


def test_a_view_never_changes_while_the_desk_goes_on() -> None:
    """Two checks that judge one order must count the same orders before it."""
    log = Log([event()])
    past = History(((log, log.end),))
    log.append(event(seconds=1))
    later = past.plus(lambda: ((log, log.end),))

    assert past.count(Deed.SENT) == 1
    assert later.count(Deed.SENT) == 3  # the first part as it was, and the whole log
    log.append(event(seconds=2))
    assert (past.count(Deed.SENT), later.count(Deed.SENT)) == (1, 3)


def test_a_clock_that_was_set_back_makes_nothing_older() -> None:
    """An hour that is lived twice must not let twice as many orders through."""
    past = history(event(seconds=3600), event(seconds=0), event(seconds=1))

    assert past.count(Deed.SENT, since=NOW + 3600 * SECOND) == 3


def test_what_is_out_of_reach_is_no_zero() -> None:
    """A limit over a week on a desk that remembers a day would pass a week's worth each day."""
    log = Log([event()])
    past = History(((log, log.end),), reach=NOW - timedelta(days=1))

    assert past.count(Deed.SENT, since=NOW - timedelta(hours=23)) == 1
    with pytest.raises(HistoryTooShort, match="declare a longer Window"):
        past.count(Deed.SENT, since=NOW - timedelta(days=2))


def test_pruning_keeps_every_answer_within_the_retention(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by forgetting the old, never by miscounting the new."""
    monkeypatch.setattr(logs, "PRUNE_FROM", 8)
    log = Log()
    for n in range(100):
        log.append(event(seconds=n, quantity=D(n), notional=D(n)))
        if n % 7 == 0:
            half = History(((log, log.end),))
            since = NOW + max(n - 5, 0) * SECOND
            assert half.count(Deed.SENT, since=since) == min(n + 1, 6)
            assert half.total(Deed.SENT, since=since) == sum(range(max(n - 5, 0), n + 1))
        log.prune(timedelta(seconds=10))
    past = History(((log, log.end),))

    assert len(log._kept[1]) < 40
    assert past.total(Deed.SENT, since=NOW + 95 * SECOND) == sum(range(95, 100))
    with pytest.raises(HistoryTooShort):
        past.count(Deed.SENT, since=NOW)


def test_asking_while_another_thread_appends_is_safe() -> None:
    """Checks run in a thread of their own while fills are booked in the loop's."""
    log, stop, wrong = Log(), threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            end = log.end
            past = History(((log, end),))
            counted = past.count(Deed.SENT, symbol="AAPL") + past.count(Deed.SENT, symbol="KO")
            if counted != end or past.quantity(Deed.SENT) != end:
                wrong.append((counted, end))

    readers = [threading.Thread(target=ask) for _ in range(2)]
    for reader in readers:
        reader.start()
    for n in range(3000):
        log.append(event(seconds=n, symbol="AAPL" if n % 3 else "KO", quantity=D(1)))
    stop.set()
    for reader in readers:
        reader.join(30)

    assert wrong == []
    assert log.end == 3000


_events = st.lists(
    st.builds(
        event,
        st.sampled_from(Deed),
        st.integers(0, 100),
        symbol=st.sampled_from(["AAPL", "KO"]),
        side=st.sampled_from(Side),
        strategy=st.sampled_from(["", "alpha"]),
        quantity=st.one_of(st.none(), st.integers(0, 9).map(Decimal)),
        notional=st.one_of(st.none(), st.integers(0, 9).map(Decimal)),
        codes=st.sampled_from([(), ("C01",), ("C02", "C01")]),
    ),
    max_size=40,
)
_kinds = st.lists(st.sampled_from(Deed), min_size=1, max_size=3, unique=True)
_filters = st.fixed_dictionaries(
    {},
    optional={
        "symbol": st.sampled_from([None, "AAPL", "KO"]),
        "side": st.sampled_from([None, *Side]),
        "strategy": st.sampled_from([None, "", "alpha"]),
        "code": st.sampled_from([None, "C01", "C02"]),
    },
)


def plainly(
    events: Sequence[Event], kinds: Sequence[Deed], since: datetime, only: dict[str, Any]
) -> list[Event]:
    """The same question, answered by looking at every event."""
    wanted = {name: value for name, value in only.items() if value is not None}
    code = wanted.pop("code", None)
    return [
        e
        for e in events
        if e.kind in kinds
        and e.at >= since
        and all(getattr(e, name) == value for name, value in wanted.items())
        and (code is None or code in e.codes)
    ]


@given(_events, st.integers(0, 40), _kinds, st.integers(0, 100), _filters)
def test_every_answer_is_what_counting_by_hand_gives(
    events: list[Event], asked_at: int, kinds: list[Deed], seconds: int, only: dict[str, Any]
) -> None:
    """An index that is off by one is a limit that is off by one."""
    events.sort(key=lambda e: e.at)
    log, since = Log(events[:asked_at]), NOW + seconds * SECOND
    earlier = History(((log, log.end),))
    earlier.total(*kinds, since=since, **only)  # the indexes begin half-way
    for one in events[asked_at:]:
        log.append(one)
    past = History(((log, log.end),))
    expected = plainly(events, kinds, since, only)
    before = plainly(events[:asked_at], kinds, since, only)

    assert earlier.count(*kinds, since=since, **only) == len(before)
    assert past.count(*kinds, since=since, **only) == len(expected)
    assert past.total(*kinds, since=since, **only) == sum(e.notional or 0 for e in expected)
    assert past.quantity(*kinds, since=since, **only) == sum(e.quantity or 0 for e in expected)
    assert past.unpriced(*kinds, since=since, **only) == sum(e.notional is None for e in expected)
    complete = all(e.notional is not None for e in expected)
    total = past.total(*kinds, since=since, **only)
    assert past.value(*kinds, since=since, **only) == (total if complete else None)
    last = past.last(*kinds, since=since, **only)
    assert (last.at if last else None) == (expected[-1].at if expected else None)
    found = past.events(*kinds, since=since, **only)
    assert sorted(map(id, found)) == sorted(map(id, expected))
    assert all(one.at <= other.at for one, other in pairwise(found))
