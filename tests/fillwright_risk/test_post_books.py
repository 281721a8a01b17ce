"""T01, T02, T03, T08, T09: what a comparison with the broker's books shows."""

from datetime import timedelta
from typing import Any

import pytest

from fillwright.errors import ConfigError
from fillwright.findings import (
    BreakKind,
    CashDiffers,
    ExecutionBreak,
    Finding,
    ForeignOrder,
    PositionDiffers,
    WorkingOrder,
)
from fillwright.states import Action, Pending
from fillwright.types import OrdStatus
from fillwright.verdicts import ALLOW
from fillwright_risk.build import build_post_checks, offers
from fillwright_risk.post import POST_CONTROLS
from risk.postkit import (
    NAN,
    NOW,
    D,
    book,
    every,
    foreign,
    kind,
    of_finding,
    state,
)


def position(theirs: str, ours: str = "10") -> PositionDiffers:
    return PositionDiffers("AAPL", D(ours), D(theirs))


def cash(difference: str) -> CashDiffers:
    return CashDiffers("FAKE-1", D(1000), D(1000) + D(difference))


def working(seconds: float, **fields: Any) -> WorkingOrder:
    return WorkingOrder(state(**fields), NOW - timedelta(seconds=seconds))


@pytest.mark.parametrize("what", BreakKind)
def test_t01_any_execution_that_is_not_in_both_halts_the_desk(what: BreakKind) -> None:
    """Books that miss a trade are wrong about everything that follows from it."""
    finding = ExecutionBreak(what, "e-1", "AAPL", "fw-1", "because")
    verdict = of_finding("T01", finding)

    assert kind(verdict) == "halt desk"
    assert (verdict.code, verdict.measured) == ("T01", f"e-1 {what}")


@pytest.mark.parametrize(
    ("theirs", "answer"),
    [("12", "allow"), ("8", "allow"), ("12.000000001", "halt symbol"), ("7.9", "halt symbol")],
)
def test_t02_the_tolerance_at_its_boundary(theirs: str, answer: str) -> None:
    """Fees in coins may be meant; one share more than that is not."""
    verdict = of_finding("T02", position(theirs), tolerance_shares="2")

    assert answer == kind(verdict)


def test_t02_without_a_table_every_difference_counts() -> None:
    """A default tolerance would be somebody's missing share."""
    verdict = of_finding("T02", position("10.000000001"))

    assert kind(verdict) == "halt symbol"
    assert "ledger 10, broker 10.000000001" in verdict.text


@pytest.mark.parametrize("theirs", ["NaN", "Infinity"])
def test_t02_what_is_no_number_is_a_break(theirs: str) -> None:
    """Comparisons with NaN are all false, and false must not mean that all is well."""
    verdict = of_finding("T02", position(theirs), tolerance_shares="100")

    assert kind(verdict) == "halt symbol"
    assert verdict.measured == "unknown"


def test_t02_a_scope_counts() -> None:
    """Coins lose fees, shares do not."""
    table = {"symbol": {"AAPL": {"tolerance_shares": "5", "reaction": "alert"}}}

    assert of_finding("T02", position("15"), **table) is ALLOW
    assert kind(of_finding("T02", position("16"), **table)) == "alert"


@pytest.mark.parametrize(
    ("difference", "answer"),
    [
        ("10", "allow"),
        ("-10", "allow"),
        ("10.01", "warn"),
        ("-10.01", "warn"),
        ("100", "warn"),
        ("100.01", "halt account"),
        ("-100.01", "halt account"),
    ],
)
def test_t03_first_a_warning_then_a_halt(difference: str, answer: str) -> None:
    """Interest is no emergency; a missing sell is."""
    verdict = of_finding("T03", cash(difference), warn_usd="10", halt_usd="100")

    assert answer == kind(verdict)


def test_t03_names_the_usual_causes_by_the_sign() -> None:
    """Whoever is woken by it should know where to look first."""
    more = of_finding("T03", cash("50"), warn_usd="10")
    less = of_finding("T03", cash("-50"), warn_usd="10")

    assert kind(more) == kind(less) == "warn"
    assert "deposit" in more.text
    assert "fee" in less.text


def test_t03_what_is_no_number_is_an_alert() -> None:
    """An unreadable balance is neither right nor a reason to halt by itself."""
    finding = CashDiffers("FAKE-1", D(1000), NAN)

    assert kind(of_finding("T03", finding, warn_usd="10", halt_usd="100")) == "alert"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, "warn_usd"),
        ({"warn_usd": "10", "halt_usd": "5"}, "halt_usd is below warn_usd"),
        ({"warn_usd": "10", "reaction": "halt_symbol"}, "belongs to no symbol"),
        ({"warn_usd": "10", "reaction": "stop"}, "reaction"),
    ],
)
def test_t03_a_table_that_makes_no_sense_is_refused(table: dict[str, str], sentence: str) -> None:
    """A halt that holds nobody would be found out on the worst day."""
    with pytest.raises(ConfigError, match=sentence):
        build_post_checks({"cash_break": table})


def test_t08_an_order_that_nobody_here_sent_is_told() -> None:
    """An order of an unknown hand takes positions in our name."""
    verdict = of_finding("T08", ForeignOrder(foreign()))

    assert kind(verdict) == "alert"
    assert verdict.measured == "BUY 10 AAPL"
    assert of_finding("T08", working(0)) is ALLOW


@pytest.mark.parametrize(("seconds", "answer"), [(60, "allow"), (61, "alert"), (9999, "alert")])
def test_t09_a_request_without_an_answer(seconds: float, answer: str) -> None:
    """An order that hangs between here and there is a position that nobody counts on."""
    finding = working(
        seconds, status=OrdStatus.PENDING_NEW, pending=(Pending(Action.SUBMIT, "no answer"),)
    )

    assert answer == kind(of_finding("T09", finding, in_flight_seconds=60))


@pytest.mark.parametrize(("seconds", "answer"), [(900, "allow"), (901, "alert")])
def test_t09_a_partial_fill_without_progress(seconds: float, answer: str) -> None:
    """Half a hedge is none, and nobody looks at an order that is merely open."""
    finding = working(seconds, status=OrdStatus.PARTIALLY_FILLED, filled=D(4))

    assert answer == kind(of_finding("T09", finding, stalled_seconds=900))


def test_t09_an_order_that_rests_is_not_stuck() -> None:
    """A limit order may wait for months."""
    assert of_finding("T09", working(10**7, status=OrdStatus.NEW, filled=D(0))) is ALLOW


FINDINGS: list[Finding] = [
    ExecutionBreak(BreakKind.MISSING, "e", "AAPL", "fw", ""),
    position("11"),
    cash("5000"),
    ForeignOrder(foreign()),
    working(10**6, status=OrdStatus.PARTIALLY_FILLED),
]


def test_each_finding_has_one_judge() -> None:
    """Two controls that judge one difference halt it twice, and none that does not at all."""
    controls = [c for c in build_post_checks(every()) if hasattr(c, "check_books")]
    judged = [
        [c.code for c in controls if c.check_books(finding, book()) is not ALLOW]
        for finding in FINDINGS
    ]

    assert judged == [["T01"], ["T02"], ["T03"], ["T08"], ["T09"]]


def test_every_control_says_what_it_is_and_what_turns_it_on() -> None:
    """What nobody can name cannot be turned on."""
    offered = {offer.code: offer for offer in offers()}

    for one in POST_CONTROLS:
        assert one.__doc__ is not None
        assert one.__doc__.startswith(f"{one.code}: ")
        assert one.title
        assert offered[one.code].turn_on.startswith(f"write [risk.{one.name}]")
    assert [one.code for one in POST_CONTROLS] == [f"T{n:02}" for n in range(1, 11)]


def test_what_is_on_without_a_table() -> None:
    """The controls that need no number of the owner's watch from the first day on."""
    on = [control.code for control in build_post_checks({})]

    assert on == ["T01", "T02", "T04", "T05", "T06", "T08", "T09", "T10"]
