"""What seldom happens while checks are asked: the gate itself fails, and late words come."""

from dataclasses import replace

import pytest

from fillwright.accounts import Position, Quote
from fillwright.book import Exposure
from fillwright.risk.answers import CHECK_NO_VERDICT, GATE_CLOSED, GATE_FAILED, ask
from fillwright.risk.asking import InlineAsker, ThreadAsker
from fillwright.risk.deeds import worth
from fillwright.risk.house import house_rules
from fillwright.risk.judge import Batch, Judge
from fillwright.risk.recent import RecentOrders
from fillwright.types import Side
from risk.gatekit import CALM, NOW, D, account, order, quote, view


class Broken(Judge):
    """A judge that fails outside of any check."""

    def __init__(self, fault: BaseException) -> None:
        super().__init__(())
        self._fault = fault

    def run(self, batch: Batch) -> None:
        raise self._fault


def test_a_gate_that_fails_itself_refuses_what_is_left() -> None:
    """Whatever ends the judging, an order without a judgement may not leave."""
    for fault in (RuntimeError("odd"), SystemExit(3), KeyboardInterrupt()):
        batch, told = Batch((), CALM), list[Batch]()

        InlineAsker().ask(Broken(fault), batch, told.append)

        assert told == [batch]
        assert batch.fault is not None
        assert batch.fault.code == GATE_FAILED


async def test_an_asker_that_was_never_asked_is_closed_and_refuses() -> None:
    """A desk that is closed before its first order must end, and approve nothing afterwards."""
    asker, told = ThreadAsker(1), list[Batch]()
    asker.close()

    asker.ask(Judge(()), Batch((), CALM), told.append)

    assert [batch.fault.code for batch in told if batch.fault] == [GATE_CLOSED]


@pytest.mark.parametrize(
    ("quote_", "held", "worth_"),
    [
        (quote("99", "101"), None, 1010),
        (quote(None, None), Position("AAPL", D(5), market_price=D(90)), 900),
        (quote("NaN", "101"), Position("AAPL", D(5), average_price=D(80)), 800),
        (quote(None, None), None, None),
    ],
)
def test_an_order_without_a_worst_price_counts_by_the_last_that_was_seen(
    quote_: Quote, held: Position | None, worth_: int | None
) -> None:
    """Counted as nothing, it leaves the day's limit as it was."""
    positions = {"AAPL": held} if held else {}
    book = view(price=quote_, account=replace(account(), positions=positions))
    unpriced = Exposure(unpriced=1)

    assert worth(order(), book, unpriced) == worth_
    assert worth(order(quantity=None, notional="500"), book, unpriced) is None


def test_an_answer_that_can_only_be_awaited_is_no_verdict() -> None:
    """A promise that is read as consent lets every order pass."""

    class Promise:
        def __await__(self):
            raise AssertionError("nobody waits for it")

    async def later():
        raise AssertionError("nobody waits for it")

    for answer in (Promise(), later(), (n for n in ())):
        verdict = ask(lambda *_, given=answer: given, order(), view())

        assert verdict.code == CHECK_NO_VERDICT
        assert verdict.text == "a check is not asynchronous"


def test_reduce_only_holds_where_the_rules_are_unknown() -> None:
    """An order that would flip a position must not pass because its lot is not known."""
    book = view("4", instrument=None)
    asked = order(Side.SELL, "10", reduce_only=True)

    said = [verdict.code for _, verdict in house_rules(asked, book, CALM, change=False)]

    assert "REDUCE_ONLY" in said


def test_an_order_that_is_approved_anew_takes_one_place() -> None:
    """Counted twice, a resend looks like a duplicate of itself and is refused."""
    recent = RecentOrders()
    for number in (1, 1, 2):
        recent.add(order(), f"c-{number}", NOW, 0.0)

    assert [one.client_order_id for one in recent.alike(order(), 0.0)] == ["c-1", "c-2"]
