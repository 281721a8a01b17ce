"""The table itself: complete, closed at its ends, and obeyed by every step."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fillwright import lifecycle
from fillwright.lifecycle import NEXT
from fillwright.orders import Order
from fillwright.reports import AnomalyKind, Evidence, Execution, ExecutionReport, Source
from fillwright.states import ENDED, Action, OrderState, Pending
from fillwright.types import BrokerOrderId, ClientOrderId, ExecType, ExecutionId, OrdStatus, Side

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
ORDER = Order(symbol="XYZ", side="BUY", quantity="10")
FINAL = ENDED - {OrdStatus.ABANDONED}
SILENT = frozenset({ExecType.TRADE, ExecType.TRADE_CANCEL, ExecType.TRADE_CORRECT})


def said(kind: ExecType, status: OrdStatus | None, filled: int) -> ExecutionReport:
    return ExecutionReport(
        kind,
        "XYZ",
        Side.BUY,
        Evidence(Source.STREAM, "1"),
        NOW,
        ClientOrderId("c"),
        BrokerOrderId("b"),
        status=status,
        filled=Decimal(filled),
    )


reports = st.builds(
    said,
    st.sampled_from(sorted(set(ExecType) - SILENT)),
    st.none() | st.sampled_from(OrdStatus),
    st.integers(0, 10),
)
fills = st.integers(1, 12)
own = st.sampled_from(
    [
        "send",
        "unsend",
        "refuse",
        "cancel",
        "replace",
        "doubt",
        "doubt cancel",
        "settle",
        "hand",
        "abandon",
        "expire",
    ]
)


def own_step(word: str, state: OrderState) -> lifecycle.Step:
    evidence = Evidence(Source.QUERY, "q")
    steps = {
        "send": lambda: lifecycle.send(state, NOW, Decimal(10)),
        "unsend": lambda: lifecycle.unsend(state, "refused", NOW),
        "refuse": lambda: lifecycle.refuse(state, (), NOW),
        "cancel": lambda: lifecycle.ask(state, Pending(Action.CANCEL), NOW),
        "replace": lambda: lifecycle.ask(state, Pending(Action.REPLACE), NOW),
        "doubt": lambda: lifecycle.doubt(state, Action.SUBMIT, "timeout", NOW),
        "doubt cancel": lambda: lifecycle.doubt(state, Action.CANCEL, "timeout", NOW),
        "settle": lambda: lifecycle.settle(state, Action.CANCEL, evidence, "", NOW),
        "hand": lambda: lifecycle.hand_over(state, "look", NOW),
        "abandon": lambda: lifecycle.abandon(state, evidence, NOW),
        "expire": lambda: lifecycle.end_unsent(state, OrdStatus.EXPIRED, "late", NOW),
    }
    return steps[word]()


def lives(moves: list[object]) -> list[OrderState]:
    """Every state that an order goes through."""
    state = lifecycle.stage(ClientOrderId("c"), ORDER, NOW)
    seen = [state]
    for number, move in enumerate(moves):
        if isinstance(move, ExecutionReport):
            state, _ = lifecycle.report(state, move)
        elif isinstance(move, str):
            state, _ = own_step(move, state)
        else:
            execution = Execution(ExecutionId(f"e{number}"), Decimal(move), Decimal(1), NOW)
            report = said(ExecType.TRADE, None, 0)
            state, _ = lifecycle.fill(state, execution, report)
        seen.append(state)
    return seen


moves = st.lists(reports | own | fills, max_size=25)


def test_every_status_has_a_row() -> None:
    """A status without a row would make every move from it legal or a crash."""
    assert set(OrdStatus) == set(NEXT)


def test_an_order_without_requests_shows_the_brokers_word() -> None:
    """Shown as a person's turn or as doubt, a working order would block its symbol."""
    assert all(lifecycle.shown(status, ()) is status for status in OrdStatus)


def test_final_rows_are_empty() -> None:
    """A final status with a way out lets an ended order come back to life."""
    assert all(not NEXT[status] for status in FINAL)


@given(moves)
def test_every_move_is_in_the_table(moves: list[object]) -> None:
    """A move that the table does not know means that the table is decoration."""
    seen = lives(moves)

    for before, after in pairwise(seen):
        assert before.status is after.status or after.status in NEXT[before.status]


@given(moves)
def test_ended_orders_stay_ended(moves: list[object]) -> None:
    """Whatever the broker says, an order that ended stays ended."""
    ended = None
    for state in lives(moves):
        if ended is not None:
            assert state.status is ended
        if state.status in FINAL:
            ended = state.status


@given(moves)
def test_quantity_law(moves: list[object]) -> None:
    """Leaves that do not fit quantity and fills free exposure that is still at the broker."""
    for state in lives(moves):
        if state.ended:
            assert state.leaves == 0
        else:
            assert state.leaves == max(state.quantity - state.filled, 0)


@given(moves)
def test_fills_never_get_lost(moves: list[object]) -> None:
    """A fill that is dropped in some state is a position that nobody knows."""
    booked = sum(Decimal(move) for move in moves if isinstance(move, int))

    assert lives(moves)[-1].filled == booked


@given(moves)
def test_doubt_ends_by_evidence_only(moves: list[object]) -> None:
    """An order in doubt that we ourselves call rejected may be live at the broker."""
    words = frozenset({OrdStatus.REJECTED, OrdStatus.CANCELED, OrdStatus.EXPIRED})
    seen = lives(moves)
    for before, after, move in zip(seen, seen[1:], moves, strict=False):
        if before.in_doubt and after.status in words:
            assert isinstance(move, ExecutionReport)


def test_a_canceled_word_after_the_fill_is_reported() -> None:
    """Contradicting ends that nobody hears of hide that one of them is wrong."""
    filled = lives(["send", 10])[-1]

    after, anomalies = lifecycle.report(filled, said(ExecType.CANCELED, None, 10))

    assert after.status is OrdStatus.FILLED
    assert [a.kind for a in anomalies] == [AnomalyKind.ILLEGAL_TRANSITION]


def test_abandoned_order_that_appears_is_reported_and_lives() -> None:
    """An order that we gave up and the broker has must be canceled, so it must be seen."""
    abandoned = lives(["send", "doubt", "abandon"])[-1]
    assert abandoned.status is OrdStatus.ABANDONED

    after, anomalies = lifecycle.report(abandoned, said(ExecType.NEW, None, 0))

    assert after.status is OrdStatus.NEW
    assert [a.kind for a in anomalies] == [AnomalyKind.LATE_ACCEPT]
    assert (lives(["send", "doubt"])[-1].given_up, after.given_up) == (False, True)
