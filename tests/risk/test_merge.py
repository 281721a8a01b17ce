"""Merging verdicts: a refusal is never lost, and nothing ever grows."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.risk.merge import BAD_RESIZE, Decision, HaltWanted, Outcome, merge
from fillwright.verdicts import ALLOW, Halt, Reject, Resize, Scope, Verdict, Warn

D = Decimal
REJECT = Reject("R", measured="1", limit="0")
HALT = Halt("H", scope=Scope.DESK, measured="1", limit="0")


def resize(quantity: object) -> Resize:
    return Resize("Z", quantity=quantity, measured="1", limit="0")  # type: ignore[arg-type]  # strangers give anything


_verdicts = st.one_of(
    st.just(ALLOW),
    st.just(REJECT),
    st.just(HALT),
    st.decimals(allow_nan=True, allow_infinity=True).map(resize),
    st.integers(1, 99).map(lambda n: resize(D(n))),
)
_answers = st.lists(_verdicts, max_size=6).map(
    lambda verdicts: [(f"check-{n}", verdict) for n, verdict in enumerate(verdicts)]
)


@given(_answers, st.booleans())
def test_most_severe_wins_and_no_reason_is_lost(
    answers: list[tuple[str, Verdict]], allow_resize: bool
) -> None:
    """A refusal that another verdict covers up would let money out."""
    decision = merge(answers, quantity=D(100), allow_resize=allow_resize)

    objecting = [name for name, verdict in answers if verdict is not ALLOW]
    assert [reason.check for reason in decision.reasons] == objecting
    if any(isinstance(verdict, Halt) for _, verdict in answers):
        assert decision.outcome is Outcome.HALT
    elif any(isinstance(verdict, Reject) for _, verdict in answers):
        assert decision.outcome is Outcome.REJECT
    if not objecting:
        assert decision.outcome is Outcome.ALLOW


@given(_answers, st.decimals(min_value="0.01", max_value=1000, places=2))
def test_what_leaves_never_grows(answers: list[tuple[str, Verdict]], asked: Decimal) -> None:
    """A resize that grew an order would buy what nobody asked for."""
    decision = merge(answers, quantity=asked, allow_resize=True)

    if decision.outcome is Outcome.RESIZE:
        assert decision.quantity is not None
        assert 0 < decision.quantity < asked
    elif decision.outcome is Outcome.ALLOW:
        assert decision.quantity == asked
    else:
        assert decision.quantity is None


@given(_answers)
def test_resizing_needs_to_be_allowed(answers: list[tuple[str, Verdict]]) -> None:
    """Without the setting, a check that wants less must stop the order."""
    decision = merge(answers, quantity=D(100), allow_resize=False)

    assert decision == merge(answers, quantity=D(100))
    assert decision.may_leave == all(verdict is ALLOW for _, verdict in answers)


def test_smallest_resize_counts() -> None:
    """Following the larger of two resizes would break the stricter limit."""
    answers = [("a", resize(D(50))), ("b", resize(D(20))), ("c", resize(D(30)))]

    decision = merge(answers, quantity=D(100), allow_resize=True)

    assert (decision.outcome, decision.quantity) == (Outcome.RESIZE, D(20))


@pytest.mark.parametrize(
    "wanted", [D(101), D(100), D(0), D(-1), D("NaN"), D("Infinity"), 50, 50.0, "50", None]
)
def test_a_resize_that_does_not_shrink_is_a_refusal(wanted: object) -> None:
    """A broken resize must not be read as consent."""
    decision = merge([("a", resize(wanted))], quantity=D(100), allow_resize=True)

    assert decision.outcome is Outcome.REJECT
    assert decision.reasons[0].code == BAD_RESIZE


def test_a_resize_of_notional_is_a_refusal() -> None:
    """An order by notional has no quantity, so shrinking it would mean guessing one."""
    decision = merge([("a", resize(D(5)))], quantity=None, allow_resize=True)

    assert decision.outcome is Outcome.REJECT


def test_a_resize_stays_above_what_has_traded() -> None:
    """A replace below the filled quantity would leave the order without any meaning."""
    answers = [("a", resize(D(40)))]

    assert not merge(answers, quantity=D(100), floor=D(40), allow_resize=True).may_leave
    assert merge(answers, quantity=D(100), floor=D(39), allow_resize=True).may_leave


def test_every_halt_is_kept() -> None:
    """A lost halt would let the next order of that scope out."""
    other = Halt("H2", scope=Scope.SYMBOL, measured="1", limit="0")

    decision = merge([("a", HALT), ("b", other)], quantity=D(1))

    assert [halt.scope for halt in decision.halts] == [Scope.DESK, Scope.SYMBOL]
    assert [halt.reason.check for halt in decision.halts] == ["a", "b"]


def test_what_was_said_is_kept_in_full() -> None:
    """A decision that lost who said what, and about what, cannot be explained."""
    answers: list[tuple[str, Verdict]] = [
        ("quiet", ALLOW),
        ("warns", Warn("W", measured="1", limit="2", text="close")),
        ("cuts", resize(D(40))),
        ("cuts more", resize(D(30))),
    ]
    said = tuple(verdict.reason(name) for name, verdict in answers[1:] if verdict is not ALLOW)

    resized = merge(answers, quantity=D(100), allow_resize=True)
    refused = merge([*answers, ("no", REJECT)], quantity=D(100), allow_resize=True)
    halted = merge([("stop", HALT), *answers, ("no", REJECT)], quantity=D(100))

    assert resized == Decision(Outcome.RESIZE, D(30), said)
    assert refused == Decision(Outcome.REJECT, None, (*said, REJECT.reason("no")))
    reasons = (HALT.reason("stop"), *said, REJECT.reason("no"))
    wanted = (HaltWanted(Scope.DESK, HALT.reason("stop")),)
    assert halted == Decision(Outcome.HALT, None, reasons, wanted)
    assert merge(answers[:2], quantity=D(100)) == Decision(Outcome.ALLOW, D(100), said[:1])
    assert merge([], quantity=None) == Decision(Outcome.ALLOW, None)


@pytest.mark.parametrize(
    ("outcome", "leaves"),
    [
        (Outcome.ALLOW, True),
        (Outcome.RESIZE, True),
        (Outcome.REJECT, False),
        (Outcome.HALT, False),
    ],
)
def test_only_what_passed_may_leave(outcome: Outcome, leaves: bool) -> None:
    """A halt that reads as a pass sends the order that it stops."""
    assert Decision(outcome).may_leave is leaves


@pytest.mark.parametrize(
    ("wanted", "asked", "flaw"),
    [
        (D(5), None, "an order by notional has no quantity to shrink"),
        (5, D(10), "the quantity is int, not Decimal"),
        (None, D(10), "the quantity is NoneType, not Decimal"),
        (D("NaN"), D(10), "NaN is not a finite number"),
        (D(0), D(10), "nothing would be left to trade"),
        (D(10), D(10), "a resize may only shrink"),
        (D(11), D(10), "a resize may only shrink"),
    ],
)
def test_a_bad_resize_says_what_is_wrong_with_it(
    wanted: object, asked: Decimal | None, flaw: str
) -> None:
    """The author of a check must learn why the answer did not count."""
    (reason,) = merge([("a", resize(wanted))], quantity=asked, allow_resize=True).reasons

    assert (reason.code, reason.check, reason.limit) == (BAD_RESIZE, "a", "0")
    assert reason.measured == str(wanted)
    assert reason.text == f"Z asked for a resize: {flaw}"


def test_a_bad_resize_stops_what_a_good_one_would_cut() -> None:
    """A check that answers nonsense did not agree to the rest."""
    answers = [("good", resize(D(5))), ("bad", resize(D(50)))]

    for one in (answers, answers[::-1]):
        assert merge(one, quantity=D(10), allow_resize=True).outcome is Outcome.REJECT
