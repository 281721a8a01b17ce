"""What we do with an order, field by field: nothing more changes than a step says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fillwright import lifecycle
from fillwright.accounts import Quote
from fillwright.orders import Order, OrderChange
from fillwright.reports import Anomaly, AnomalyKind, Evidence, Source
from fillwright.states import ENDED, Action, OrderState, Owner, Pending
from fillwright.types import BrokerOrderId, ClientOrderId, OrdStatus, Side
from fillwright.verdicts import Reason

D = Decimal
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)
KEY = ClientOrderId("c")
ORDER = Order(symbol="XYZ", side="BUY", quantity="10")
EVIDENCE = Evidence(Source.QUERY, "q-1")
QUOTE = Quote("XYZ", D(9), D(10), D(1), D(1), NOW)
SUBMIT, CANCEL = Pending(Action.SUBMIT), Pending(Action.CANCEL)
REPLACE = Pending(Action.REPLACE, "", OrderChange(quantity="20"), D(20), ClientOrderId("c-r1"))


def staged() -> OrderState:
    return lifecycle.stage(KEY, ORDER, NOW, "hash")


def standing(status: OrdStatus, **fields: Any) -> OrderState:
    return staged().but(**({"status": status, "base": status} | fields))


def illegal(text: str) -> tuple[Anomaly, ...]:
    return (Anomaly(AnomalyKind.ILLEGAL_TRANSITION, KEY, text),)


def test_a_staged_order_holds_what_was_asked() -> None:
    """A content hash or quantity that is lost here lets another order leave under this name."""
    assert staged() == OrderState(
        KEY,
        "XYZ",
        Side.BUY,
        OrdStatus.STAGED,
        OrdStatus.STAGED,
        D(10),
        NOW,
        order=ORDER,
        content_hash="hash",
    )
    assert lifecycle.stage(KEY, ORDER, NOW).content_hash == ""


def test_an_adopted_order_holds_what_the_books_said() -> None:
    """A stranger's order under our own name would be changed and canceled as if it were ours."""
    facts = {
        "owner": Owner.LEG,
        "quantity": D(7),
        "broker_order_id": BrokerOrderId("b"),
        "parent": ClientOrderId("p"),
        "alias": ClientOrderId("a"),
    }
    adopted = lifecycle.adopt(KEY, "XYZ", Side.SELL, at=NOW, **facts)

    pending = OrdStatus.PENDING_NEW
    expected = OrderState(KEY, "XYZ", Side.SELL, pending, pending, D(7), NOW).but(**facts)
    assert adopted == expected
    bare = lifecycle.adopt(KEY, "XYZ", Side.SELL, owner=Owner.FOREIGN, at=NOW)
    assert (bare.quantity, bare.broker_order_id, bare.parent, bare.alias) == (None,) * 4


def test_refusing_keeps_the_reasons() -> None:
    """A refusal without its reasons cannot be explained, or mended."""
    reasons = (Reason("C01", "1", "0"),)

    assert lifecycle.refuse(staged(), reasons, LATER) == (
        standing(OrdStatus.REFUSED, updated_at=LATER, reasons=reasons),
        (),
    )


def test_sending_keeps_what_the_gate_left_standing() -> None:
    """Without deadline and quantity nobody can say later whether it may go again, and how much."""
    sent, surprises = lifecycle.send(staged(), LATER, D(8), LATER, QUOTE)

    assert surprises == ()
    assert sent == standing(
        OrdStatus.PENDING_NEW,
        updated_at=LATER,
        pending=(SUBMIT,),
        quantity=D(8),
        deadline=LATER,
        arrival=QUOTE,
    )


def test_the_first_quote_at_arrival_stays() -> None:
    """Its cost is measured from there; a second attempt without a quote must not erase it."""
    first, _ = lifecycle.send(staged(), NOW, D(8), LATER, QUOTE)
    back, _ = lifecycle.unsend(first, "refused", NOW)

    again, _ = lifecycle.send(back, LATER, D(8))

    assert (again.arrival, again.deadline) == (QUOTE, None)


def test_proven_unsent_is_staged_again() -> None:
    """A request that is still pending, or a person's turn, would hold the order for good."""
    sent, _ = lifecycle.send(staged(), NOW, D(8))
    doubted = sent.but(manual=True, status=OrdStatus.MANUAL)

    for one in (sent, doubted):
        after, surprises = lifecycle.unsend(one, "no connection", LATER)

        assert surprises == ()
        assert after == staged().but(updated_at=LATER, quantity=D(8), text="no connection")


@pytest.mark.parametrize(
    "fields", [{"broker_order_id": BrokerOrderId("b")}, {"base": OrdStatus.NEW}]
)
def test_what_the_broker_has_is_not_unsent(fields: dict[str, Any]) -> None:
    """Staged again it would leave a second time, beside the one that works."""
    known = standing(OrdStatus.PENDING_NEW, pending=(SUBMIT,), **fields)

    assert lifecycle.unsend(known, "no connection", LATER) == (known, ())


@pytest.mark.parametrize("status", [OrdStatus.CANCELED, OrdStatus.EXPIRED])
def test_what_was_never_sent_ends_with_our_own_proof(status: OrdStatus) -> None:
    """An end without evidence cannot be told from a guess."""
    asked = staged().but(pending=(CANCEL,))

    after, surprises = lifecycle.end_unsent(asked, status, "withdrawn", LATER)

    assert surprises == ()
    assert after == standing(
        status,
        updated_at=LATER,
        evidence=Evidence(Source.NOT_SENT, "withdrawn"),
        text="withdrawn",
    )


@pytest.mark.parametrize("status", [s for s in OrdStatus if s is not OrdStatus.STAGED])
def test_what_may_have_left_does_not_end_as_unsent(status: OrdStatus) -> None:
    """Ended here, it would work at the broker unwatched."""
    known = standing(status)

    after = lifecycle.end_unsent(known, OrdStatus.CANCELED, "withdrawn", LATER)

    assert after == (known, illegal(f"{status} cannot end as unsent"))


def test_a_request_is_kept_once_by_kind() -> None:
    """Two cancels in a row counted as two requests would never both be answered."""
    working = standing(OrdStatus.NEW, pending=(Pending(Action.CANCEL, "timeout"), REPLACE))

    after, surprises = lifecycle.ask(working, CANCEL, LATER)

    assert surprises == ()
    assert after == working.but(
        status=OrdStatus.PENDING_CANCEL, updated_at=LATER, pending=(REPLACE, CANCEL)
    )


def test_doubt_keeps_what_was_asked() -> None:
    """A replace in doubt that forgets its quantity reserves too little."""
    working = standing(OrdStatus.PENDING_REPLACE, base=OrdStatus.NEW, pending=(REPLACE,))

    after, surprises = lifecycle.doubt(working, Action.REPLACE, "timeout", LATER)

    assert surprises == ()
    (pending,) = after.pending
    assert pending == Pending(
        Action.REPLACE, "timeout", REPLACE.change, REPLACE.quantity, REPLACE.alias
    )
    assert (after.status, after.base) == (OrdStatus.IN_DOUBT, OrdStatus.NEW)
    assert after.updated_at == LATER


def test_doubt_about_a_request_that_we_do_not_know_is_doubt() -> None:
    """Dropped, the order would show as working while nobody knows."""
    after, _ = lifecycle.doubt(standing(OrdStatus.NEW), Action.CANCEL, "", LATER)

    assert after.pending == (Pending(Action.CANCEL, "unknown"),)
    assert after.status is OrdStatus.IN_DOUBT


@pytest.mark.parametrize("status", sorted(ENDED))
def test_there_is_no_doubt_about_what_ended(status: OrdStatus) -> None:
    """An ended order in doubt would block its symbol for ever."""
    ended = standing(status)

    assert lifecycle.doubt(ended, Action.CANCEL, "timeout", LATER) == (ended, ())


def test_a_settled_request_leaves_the_others() -> None:
    """A cancel that is forgotten with the replace is never followed up."""
    asked = (Pending(Action.CANCEL, "timeout"), REPLACE)
    doubted = standing(OrdStatus.MANUAL, base=OrdStatus.NEW, pending=asked, manual=True)

    after, surprises = lifecycle.settle(doubted, Action.CANCEL, EVIDENCE, "stands", LATER)

    assert surprises == ()
    assert after == doubted.but(
        status=OrdStatus.PENDING_REPLACE,
        pending=(REPLACE,),
        manual=False,
        evidence=EVIDENCE,
        text="stands",
        updated_at=LATER,
    )


@pytest.mark.parametrize(
    ("filled", "rest", "status", "pending"),
    [
        ("10", (), OrdStatus.FILLED, ()),
        ("10", (CANCEL,), OrdStatus.FILLED, ()),
        ("9", (), OrdStatus.PARTIALLY_FILLED, ()),
        ("9", (CANCEL,), OrdStatus.PENDING_CANCEL, (CANCEL,)),
    ],
)
def test_a_change_that_never_was_lets_a_filled_order_end(
    filled: str, rest: tuple[Pending, ...], status: OrdStatus, pending: tuple[Pending, ...]
) -> None:
    """Left open it would be waited for without end; ended too early, its rest trades unwatched."""
    base = OrdStatus.PARTIALLY_FILLED
    asked = standing(OrdStatus.PENDING_REPLACE, base=base, filled=D(filled))
    asked = asked.but(pending=(*rest, REPLACE))

    after, _ = lifecycle.settle(asked, Action.REPLACE, EVIDENCE, "", LATER)

    assert (after.status, after.pending) == (status, pending)
    assert after.base is (OrdStatus.FILLED if status is OrdStatus.FILLED else base)


def test_nothing_filled_of_nothing_is_not_filled() -> None:
    """An order by notional that the broker fixed at nothing yet has traded nothing."""
    asked = standing(OrdStatus.PENDING_CANCEL, base=OrdStatus.NEW, quantity=D(0))

    after, _ = lifecycle.settle(asked.but(pending=(CANCEL,)), Action.CANCEL, EVIDENCE, "", LATER)

    assert after.status is OrdStatus.NEW


def test_settling_what_ended_changes_nothing() -> None:
    """An answer to an old request must not touch a final order."""
    for status in (OrdStatus.FILLED, OrdStatus.CANCELED):
        ended = standing(status, filled=D(10))

        assert lifecycle.settle(ended, Action.CANCEL, EVIDENCE, "", LATER) == (ended, ())


def test_handing_over_says_why() -> None:
    """A person who is not told why cannot settle it."""
    doubted = standing(OrdStatus.IN_DOUBT, base=OrdStatus.PENDING_NEW)
    doubted = doubted.but(pending=(Pending(Action.SUBMIT, "timeout"),))

    assert lifecycle.hand_over(doubted, "look at it", LATER) == (
        doubted.but(status=OrdStatus.MANUAL, manual=True, text="look at it", updated_at=LATER),
        (),
    )


def test_giving_up_keeps_its_evidence() -> None:
    """An order given up without the reads that allow it is a guess."""
    doubted = standing(OrdStatus.MANUAL, base=OrdStatus.PENDING_NEW, manual=True)
    doubted = doubted.but(pending=(Pending(Action.SUBMIT, "timeout"),))

    assert lifecycle.abandon(doubted, EVIDENCE, LATER) == (
        doubted.but(
            status=OrdStatus.ABANDONED,
            base=OrdStatus.ABANDONED,
            pending=(),
            manual=False,
            given_up=True,
            evidence=EVIDENCE,
            updated_at=LATER,
        ),
        (),
    )


@pytest.mark.parametrize("status", sorted(ENDED))
def test_nothing_of_ours_moves_what_ended(status: OrdStatus) -> None:
    """An ended order that we move is one whose fills nobody expects any more."""
    ended = standing(status)

    assert lifecycle.ask(ended, CANCEL, LATER) == (ended, ())
    assert lifecycle.hand_over(ended, "look", LATER) == (ended, ())
    text = f"{status} cannot become PENDING_NEW"
    assert lifecycle.send(ended, LATER, D(8)) == (ended, illegal(text))


def test_a_step_that_the_table_does_not_know_is_not_taken() -> None:
    """An illegal step that nobody hears of hides a fault of ours."""
    working = standing(OrdStatus.NEW)

    assert lifecycle.refuse(working, (), LATER) == (working, illegal("NEW cannot become REFUSED"))
    # What is a person's turn stays one.
    manual = standing(OrdStatus.MANUAL, base=OrdStatus.NEW, manual=True)
    assert lifecycle.ask(manual, CANCEL, LATER)[0].status is OrdStatus.MANUAL
