"""What seldom happens while checks are asked: the gate itself fails, and late words come."""

from fillwright.risk.answers import CHECK_NO_VERDICT, GATE_FAILED, ask
from fillwright.risk.asking import InlineAsker
from fillwright.risk.house import house_rules
from fillwright.risk.judge import Batch, Judge
from fillwright.risk.recent import RecentOrders
from fillwright.types import Side
from risk.gatekit import CALM, NOW, order, view


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
