"""The desk cannot tell its facts, callers leave, the gate closes: nobody waits, nothing passes."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from fillwright.book import BookView
from fillwright.risk import Conditions, ThreadAsker
from fillwright.verdicts import ALLOW, Scope
from risk.gatekit import EVERYTHING, REJECT, Desk, Named, code, gate, order, proposal, view


class Failing(Desk):
    """Facts that cannot be told from one question on."""

    def __init__(self, book: BookView, *, good: int) -> None:
        super().__init__(book)
        self._good = good

    def conditions(self) -> Conditions:
        self._good -= 1
        if self._good < 0:
            raise RuntimeError("the ledger is broken")
        return super().conditions()


@pytest.mark.parametrize("good", [0, 1])
async def test_without_conditions_every_order_of_the_batch_is_refused(good: int) -> None:
    """Before the checks or behind them: nobody knows whether the desk is halted."""
    desk = Failing(view(), good=good)
    asking = gate(EVERYTHING, desk=desk)

    answers = await asyncio.gather(*(asking.ask(proposal(order())) for _ in range(3)))

    assert [(answer.order, code(answer)) for answer in answers] == [(None, "BOOK_FAILED")] * 3
    assert desk.reserved == []


async def test_without_conditions_nothing_is_shown_to_pass() -> None:
    """A rehearsal that says yes while nothing is known is believed."""
    asking = gate(EVERYTHING, desk=Failing(view(), good=0))

    shown = await asking.preview([proposal(order()), proposal(order())])

    assert [(one.may_leave, one.reasons[0].code) for one in shown] == [(False, "BOOK_FAILED")] * 2


class Held(Named):
    """A check that answers when the test says so."""

    def __init__(self, answer: object) -> None:
        super().__init__("held", self._call)
        self.asked, self.free = threading.Event(), threading.Event()
        self._answer = answer

    def _call(self, *_: object) -> object:
        self.asked.set()
        assert self.free.wait(60)
        return self._answer

    async def wait(self) -> None:
        """Until a check is asked."""
        await asyncio.to_thread(self.asked.wait, 60)


async def cancelled(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_callers_that_left_while_checks_ran_have_nothing_reserved() -> None:
    """An approval that nobody takes counts against the buying power for good."""
    desk, held, asker = Desk(view()), Held(ALLOW), ThreadAsker(60)
    asking = gate(held, desk=desk, asker=asker)
    gone = asyncio.create_task(asking.ask(proposal(order())))
    stays = asyncio.create_task(asking.ask(proposal(order(), name="c-2")))
    await held.wait()
    await cancelled(gone)
    held.free.set()

    answer = await stays
    asker.close()

    assert desk.reserved == [answer.order]


async def test_a_rehearsal_that_nobody_waits_for_holds_nothing_up() -> None:
    """The gate waits for a caller who is gone, and no order leaves from then on."""
    held, asker = Held(ALLOW), ThreadAsker(60)
    asking = gate(held, asker=asker)
    gone = asyncio.create_task(asking.preview([proposal(order())]))
    await held.wait()
    await cancelled(gone)
    held.free.set()

    answer = await asking.ask(proposal(order()))
    asker.close()

    assert answer.order is not None


async def test_closing_answers_everybody_once() -> None:
    """Under way, in the queue, rehearsed or gone: whoever is left waiting keeps the desk open."""
    held, asker = Held(ALLOW), ThreadAsker(60)
    asking = gate(held, asker=asker)
    under_way = [asyncio.create_task(asking.ask(proposal(order()))) for _ in range(2)]
    await held.wait()
    waits = [asyncio.create_task(asking.ask(proposal(order()))) for _ in range(2)]
    shown = [asyncio.create_task(asking.preview([proposal(order())] * 2)) for _ in range(2)]
    await asyncio.sleep(0)
    await cancelled(under_way[0], waits[0], shown[0])

    asking.close()
    held.free.set()
    answers = await asyncio.gather(under_way[1], waits[1])
    decisions: Sequence[Any] = await shown[1]

    assert [code(answer) for answer in answers] == ["GATE_CLOSED"] * 2
    assert [one.reasons[0].code for one in decisions] == ["GATE_CLOSED"] * 2


async def test_a_refusal_stays_what_it_was_when_a_halt_comes_meanwhile() -> None:
    """Told that the desk is halted, nobody looks at the limit that was broken."""
    desk = Desk(view())

    def refuses(*_: object) -> object:
        desk.now = desk.now.halted(Scope.DESK, order(), "A1")
        return REJECT

    answer = await gate(Named("limit", refuses), desk=desk).ask(proposal(order()))

    assert (answer.order, code(answer)) == (None, "R")


async def test_what_was_approved_is_sent_again_under_the_rules_of_today() -> None:
    """A resend would pass a halt that was ordered while its first sending was in doubt."""
    desk = Desk(view())
    asking = gate(EVERYTHING, desk=desk)
    asked = proposal(order())
    again = asking.renew(asked)
    desk.now = desk.now.halted(Scope.DESK, asked.order, "A1")

    refused = asking.renew(asked)

    assert again.order is not None
    assert (refused.order, code(refused)) == (None, "HALTED")
