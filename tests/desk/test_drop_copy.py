"""The broker's list against the ledger: missing, twice, unlisted, inferred, each told once."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from fillwright.desk.dropcopy import LISTED_WITHIN, ROUNDS, DropCopy
from fillwright.findings import BreakKind
from fillwright.ledger import Change, CursorMoved, Inferred, Reported
from fillwright.lifecycle import adopt
from fillwright.reports import (
    Anomaly,
    AnomalyKind,
    Cursor,
    Evidence,
    Execution,
    ExecutionReport,
    Fill,
    Source,
)
from fillwright.states import Owner
from fillwright.testing import ManualClock
from fillwright.types import BrokerOrderId, ClientOrderId, ExecType, ExecutionId, Side

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ONE = Decimal(1)


class Kept:
    """A drop copy, the time, and what the ledger holds."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.held: set[str] = set()
        self.copy = DropCopy(self.clock, self.held.__contains__)

    def booked(self, name: str, source: Source = Source.STREAM, key: str = "fw-1", *kinds) -> None:
        execution = Execution(ExecutionId(name), ONE, ONE, NOW)
        report = ExecutionReport(
            ExecType.TRADE, "KO", Side.BUY, Evidence(source, "x"), NOW, execution=execution
        )
        surprises = tuple(Anomaly(kind, key, "") for kind in kinds)
        self._heard(Reported(ClientOrderId(key), NOW, report), execution, surprises)

    def inferred(self, name: str) -> None:
        execution = Execution(ExecutionId(name), ONE, ONE, NOW)
        self._heard(Inferred(ClientOrderId("fw-1"), NOW, execution), execution, ())

    def moved(self) -> None:
        self.copy.heard(1, Change(CursorMoved(NOW, Cursor("c"))))

    def _heard(self, fact, execution, surprises) -> None:
        after = adopt(fact.key, "KO", Side.BUY, owner=Owner.OURS, at=NOW)
        self.held.add(execution.execution_id)
        self.copy.heard(1, Change(fact, None, after, execution, surprises))

    def listed(self, name: str) -> None:
        execution = Execution(ExecutionId(name), ONE, ONE, NOW)
        self.copy.listed(Fill(execution, "KO", Side.BUY, BrokerOrderId("b"), None))

    async def rounds(self, count: int, apart: float = LISTED_WITHIN) -> list[tuple[str, str]]:
        found = []
        for _ in range(count):
            await self.clock.run_for(apart)
            found += [(one.what, one.execution_id) for one in self.copy.compared()]
        return found


async def test_what_is_listed_and_booked_is_no_news() -> None:
    """A control that reports agreement hides the difference."""
    kept = Kept()
    kept.booked("e1")
    kept.listed("e1")
    kept.booked("e2", Source.QUERY)

    assert await kept.rounds(10) == []


async def test_what_is_listed_and_not_booked_is_told_once() -> None:
    """A trade that is in no book of ours is a position that nobody watches."""
    kept = Kept()
    kept.listed("e1")
    kept.listed("e1")

    assert await kept.rounds(3) == [(BreakKind.MISSING, "e1")]


@pytest.mark.parametrize(
    ("rounds", "apart", "found"),
    [
        (ROUNDS, LISTED_WITHIN, 0),
        (ROUNDS + 1, LISTED_WITHIN, 1),
        (ROUNDS + 1, LISTED_WITHIN / (ROUNDS + 1), 1),
        (ROUNDS + 1, (LISTED_WITHIN - 1) / (ROUNDS + 1), 0),
    ],
)
async def test_a_list_has_comparisons_and_time_to_show_it(rounds, apart, found) -> None:
    """Lists lag: a halt for each late line would stop the desk every day."""
    kept = Kept()
    kept.booked("e1")

    assert await kept.rounds(rounds, apart) == [(BreakKind.UNLISTED, "e1")] * found


async def test_one_execution_of_two_orders_is_told() -> None:
    """A trade that counts twice doubles the position on paper."""
    kept = Kept()
    kept.booked("e1", Source.QUERY, "fw-1")
    kept.booked("e1", Source.QUERY, "fw-2")

    assert await kept.rounds(1) == [(BreakKind.TWICE, "e1")]


async def test_other_numbers_and_what_was_inferred_are_told() -> None:
    """What rests on one book's word alone is not proven."""
    kept = Kept()
    kept.booked("e1", Source.QUERY, "fw-1", AnomalyKind.DUPLICATE_DIFFERS)
    kept.inferred("inferred:b:1")

    assert await kept.rounds(2) == [
        (BreakKind.DIFFERS, "e1"),
        (BreakKind.INFERRED, "inferred:b:1"),
    ]


async def test_a_replay_keeps_what_the_next_list_must_show() -> None:
    """Old executions would all be called unlisted, or none of the newest ever checked."""
    kept = Kept()
    kept.booked("old")
    kept.moved()
    kept.booked("newer")
    kept.moved()
    kept.booked("newest")
    kept.inferred("told-before")
    kept.copy.replayed()
    kept.moved()
    kept.listed("newest")

    assert await kept.rounds(4) == [(BreakKind.UNLISTED, "newer")]
