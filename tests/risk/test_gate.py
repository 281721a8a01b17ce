"""The gate: every check is asked, whatever goes wrong refuses, and sequence is kept."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillwright.book import BookView
from fillwright.orders import Order, OrderChange, content_hash
from fillwright.risk import Asker, Gate, InlineAsker, Outcome, ThreadAsker
from fillwright.types import OrdType, Side
from fillwright.verdicts import ALLOW, Halt, Reject, Resize, Scope
from risk.gatekit import (
    CALM,
    EVERYTHING,
    NOW,
    REJECT,
    D,
    Desk,
    Named,
    StillClock,
    code,
    gate,
    limit_order,
    order,
    proposal,
    raising,
    view,
)


@pytest.fixture(params=["inline", "thread"])
def asker(request: pytest.FixtureRequest) -> Iterator[Asker]:
    made: Asker = InlineAsker() if request.param == "inline" else ThreadAsker(10)
    yield made
    made.close()


async def test_an_allowed_order_is_approved_and_reserved(asker: Asker) -> None:
    """Approved and not reserved, a second order would pass the same limit."""
    desk, asked = Desk(view()), order()

    answer = await gate(EVERYTHING, desk=desk, asker=asker).ask(proposal(asked))

    assert answer.order is not None
    assert desk.reserved == [answer.order]
    assert (answer.order.order, answer.order.content_hash) == (asked, content_hash(asked))
    assert (answer.order.approved_at, answer.change) == (NOW, None)


async def test_no_checks_is_a_refusal(asker: Asker) -> None:
    """A desk whose checks were lost on the way must not trade without them."""
    answer = await gate(asker=asker).ask(proposal(order()))

    assert code(answer) == "NO_CHECKS"
    assert answer.order is None


async def test_every_check_is_asked_and_all_reasons_stay() -> None:
    """A user who sees one reason at a time mends one reason at a time."""
    checks = [Named("a", lambda o, b: REJECT), EVERYTHING, Named("b", raising(OSError()))]

    answer = await gate(*checks).ask(proposal(order()))

    assert [reason.check for reason in answer.decision.reasons] == ["a", "b"]


class Limit:
    """At most `limit` shares bought, orders under way included; it counts who is asked."""

    name = "limit"

    def __init__(self, limit: int) -> None:
        self.limit = D(limit)

    def call(self, order: Order, book: BookView) -> object:
        held = book.exposure(order.symbol)
        total = held.position + held.open_buys + (order.quantity or 0)
        return ALLOW if total <= self.limit else Reject("L", measured=total, limit=self.limit)


async def test_two_orders_in_one_batch_do_not_both_pass(asker: Asker) -> None:
    """Two orders inside one ack latency that each fit alone would break the limit together."""
    desk = Desk(view())
    asking = Gate([Limit(15)], asker, facts=desk, clock=StillClock())

    answers = await asyncio.gather(*(asking.ask(proposal(order())) for _ in range(3)))

    assert [answer.order is not None for answer in answers] == [True, False, False]
    assert len(desk.reserved) == 1


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=12),
    st.integers(1, 100),
)
def test_a_batch_decides_as_one_by_one(quantities: list[int], limit: int) -> None:
    """How orders happen to be bundled must not change what passes."""

    async def decided(*, together: bool) -> list[bool]:
        asking = Gate([Limit(limit)], InlineAsker(), facts=Desk(view()), clock=StillClock())
        asked = [proposal(order(quantity=str(quantity))) for quantity in quantities]
        if together:
            answers = await asyncio.gather(*(asking.ask(one) for one in asked))
        else:
            answers = [await asking.ask(one) for one in asked]
        return [answer.order is not None for answer in answers]

    assert asyncio.run(decided(together=True)) == asyncio.run(decided(together=False))


async def test_a_resize_is_judged_again_as_what_it_became() -> None:
    """A shrunk order that no check saw could break another check's rule."""

    def shrinks(asked: Order, _book: BookView) -> object:
        if asked.quantity == 10:
            return Resize("Z", quantity=D("3.5"), measured=D(10), limit=D(5))
        return ALLOW

    def whole(asked: Order, _book: BookView) -> object:
        return ALLOW if asked.quantity == 10 else REJECT

    desk = Desk(view(), replace(CALM, allow_resize=True))
    alone = await gate(Named("z", shrinks), desk=desk).ask(proposal(order()))
    refused = await gate(Named("z", shrinks), Named("w", whole), desk=desk).ask(proposal(order()))

    assert alone.order is not None
    assert (alone.decision.outcome, alone.order.order.quantity) == (Outcome.RESIZE, D("3.5"))
    assert alone.order.content_hash == content_hash(alone.order.order)
    assert [remark.code for remark in alone.order.remarks] == ["Z"]
    assert (refused.order, [r.code for r in refused.decision.reasons]) == (None, ["Z", "R"])


async def test_a_resize_that_is_not_allowed_refuses_with_its_own_reason() -> None:
    """Shrinking is opted into; without that the order is not what its owner asked for."""
    smaller = Named("z", lambda o, b: Resize("Z", quantity=D(1), measured=10, limit=1))

    answer = await gate(smaller).ask(proposal(order()))

    assert (answer.order, code(answer)) == (None, "Z")


async def test_a_change_is_approved_as_a_change() -> None:
    """A change approved as an order would be sent as a second order."""
    change = OrderChange(quantity="20")
    after = change.applied_to(order())
    desk = Desk(view(), replace(CALM, allow_resize=True))
    half = Named(
        "half",
        lambda o, b: (
            ALLOW if o.quantity == 15 else Resize("Z", quantity=D(15), measured=1, limit=1)
        ),
    )

    plain = await gate(EVERYTHING).ask(proposal(after, change=change))
    less = await gate(half, desk=desk).ask(proposal(after, change=change))

    assert plain.order is None
    assert plain.change is not None
    assert (plain.change.change, plain.change.order) == (change, after)
    assert less.change is not None
    assert less.change.change.quantity == less.change.order.quantity == D(15)


async def test_a_halt_is_latched_and_stops_the_rest_of_its_batch(asker: Asker) -> None:
    """Between a halt and its record no further new risk may slip out."""
    halt = Halt("H", scope=Scope.SYMBOL, measured="1", limit="0")
    stops = Named("stops", lambda o, b: halt if o.quantity == 10 else ALLOW)
    desk = Desk(view("5"))
    asking = gate(stops, desk=desk, asker=asker)

    first, second, reducing = await asyncio.gather(
        asking.ask(proposal(order())),
        asking.ask(proposal(order(quantity="1"))),
        asking.ask(proposal(order(Side.SELL, "1"))),
    )
    later = await asking.ask(proposal(order(quantity="1")))

    assert first.decision.outcome is Outcome.HALT
    assert [wanted.reason.check for wanted in desk.latched] == ["stops"]
    assert (code(second), code(later)) == ("HALTED", "HALTED")
    assert reducing.order is not None


async def test_a_halt_that_comes_while_checks_run_counts() -> None:
    """After a halt returned, an order that was being judged must not leave."""
    desk = Desk(view("5"))

    def halted_meanwhile(asked: Order, _book: BookView) -> object:
        desk.now = CALM.halted(Scope.DESK, asked, "A1")
        return ALLOW

    asking = gate(Named("slow", halted_meanwhile), desk=desk)
    opening = await asking.ask(proposal(order()))
    desk.now = CALM
    reducing = await asking.ask(proposal(order(Side.SELL, "5")))

    assert (opening.order, code(opening)) == (None, "HALTED")
    assert reducing.order is not None


async def test_a_check_that_changes_the_order_is_caught() -> None:
    """An order changed after other checks had seen it was never checked."""

    def tampers(asked: Order, _book: BookView) -> object:
        asked.__dict__["quantity"] = D(1_000_000)
        return ALLOW

    desk = Desk(view())
    answer = await gate(Named("tampers", tampers), desk=desk).ask(proposal(order()))

    assert (answer.order, code(answer), desk.reserved) == (None, "ORDER_CHANGED", [])


async def test_missing_facts_refuse_only_what_they_are_missing_for() -> None:
    """Without a book nothing can be judged; and one bad symbol must not stop the desk."""

    class Half(Desk):
        def book_for(self, asked: Any) -> BookView:
            if asked.order.symbol == "MSFT":
                raise KeyError("MSFT")
            return super().book_for(asked)

        def reserve(self, approved: Any, book: BookView) -> None:
            if approved.order.side is Side.SELL:
                raise RuntimeError("not reserved")
            super().reserve(approved, book)

    asking = gate(EVERYTHING, desk=Half(view("10")))
    answers = await asyncio.gather(
        asking.ask(proposal(order(symbol="MSFT"))),
        asking.ask(proposal(order())),
        asking.ask(proposal(order(Side.SELL))),
    )

    assert [answer.order is not None for answer in answers] == [False, True, False]
    assert (code(answers[0]), code(answers[2])) == ("BOOK_FAILED", "BOOK_FAILED")


async def test_a_broken_rule_of_the_house_refuses_only_its_order() -> None:
    """A lot of zero in one instrument must not refuse everybody else's orders."""
    book = view()
    broken = replace(book.instruments["AAPL"], lot=Decimal(0))
    desk = Desk(replace(book, instruments={"MSFT": broken}))
    asking = gate(EVERYTHING, desk=desk)

    bad, good = await asyncio.gather(
        asking.ask(proposal(order(symbol="MSFT"))), asking.ask(proposal(order()))
    )

    assert (code(bad), good.order is not None) == ("GATE_FAILED", True)


async def test_a_cancelled_caller_leaves_nothing_reserved(asker: Asker) -> None:
    """A reservation that belongs to nobody would block buying power for good."""
    desk = Desk(view())
    asking = gate(EVERYTHING, desk=desk, asker=asker)
    unwanted = asyncio.create_task(asking.ask(proposal(order())))
    await asyncio.sleep(0)
    unwanted.cancel()
    with pytest.raises(asyncio.CancelledError):
        await unwanted

    wanted = await asking.ask(proposal(order()))

    assert desk.reserved == [wanted.order]


async def test_a_closed_gate_refuses() -> None:
    """After closing, an approval would go to a desk that no longer sends or records."""
    asking = gate(EVERYTHING)
    waiting = asyncio.create_task(asking.ask(proposal(order())))
    await asyncio.sleep(0)
    asking.close()

    assert code(await waiting) == "GATE_CLOSED"
    assert code(await asking.ask(proposal(order()))) == "GATE_CLOSED"
    assert [d.may_leave for d in await asking.preview([proposal(order())])] == [False]


async def test_a_preview_reserves_nothing_and_keeps_sequence(asker: Asker) -> None:
    """A rehearsal that reserved, or that forgot what came before, would mislead."""
    desk = Desk(view())
    asking = Gate([Limit(15)], asker, facts=desk, clock=StillClock())
    asked = [proposal(limit_order("100")) for _ in range(2)]

    preview, real = await asyncio.gather(asking.preview(asked), asking.ask(asked[0]))
    again = await asking.preview([])

    assert real.order is not None
    assert [decision.may_leave for decision in preview] in ([True, False], [False, False])
    assert len(desk.reserved) == 1
    assert again == ()


async def test_many_orders_come_back_in_order(asker: Asker) -> None:
    """More orders than one batch holds must not lose or mix up any answer."""
    odd = Named("odd", lambda o, b: ALLOW if int(o.quantity) % 2 else REJECT)
    asking = gate(odd, asker=asker)

    answers = await asyncio.gather(
        *(asking.ask(proposal(order(quantity=str(n)))) for n in range(1, 301))
    )

    assert [answer.order is not None for answer in answers] == [n % 2 == 1 for n in range(1, 301)]


def test_stop_orders_are_judged_like_any_other() -> None:
    """An order type that the gate forgot would leave unchecked."""
    asked = order(type=OrdType.STOP, stop_price="110")

    answer = asyncio.run(gate(Named("no", lambda o, b: REJECT)).ask(proposal(asked)))

    assert answer.order is None
