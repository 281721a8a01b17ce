"""Whatever goes wrong inside a check, and however long it takes, refuses the order."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.risk import Asker, InlineAsker, ThreadAsker
from fillwright.types import Side
from fillwright.verdicts import ALLOW, Allow, Halt, Reject, Resize
from risk.gatekit import (
    CALM,
    EVERYTHING,
    REJECT,
    D,
    Desk,
    Named,
    code,
    gate,
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


class Shouting(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text either")


async def a_coroutine() -> Allow:
    return ALLOW


class Claiming(Allow):
    """Not an Allow, whatever it says."""


FAULTS: dict[str, tuple[Callable[..., Any], str]] = {
    "raises": (raising(ValueError("two\nlines")), "CHECK_RAISED"),
    "raises what has no text": (raising(Shouting()), "CHECK_RAISED"),
    "exits": (raising(SystemExit(3)), "CHECK_RAISED"),
    "is cancelled": (raising(asyncio.CancelledError()), "CHECK_RAISED"),
    "compares NaN": (lambda o, b: ALLOW if D("NaN") < 1 else REJECT, "CHECK_RAISED"),
    "returns None": (lambda o, b: None, "CHECK_NO_VERDICT"),
    "returns True": (lambda o, b: True, "CHECK_NO_VERDICT"),
    "returns the class": (lambda o, b: Allow, "CHECK_NO_VERDICT"),
    "returns a subclass": (lambda o, b: Claiming(), "CHECK_NO_VERDICT"),
    "returns a coroutine": (lambda o, b: a_coroutine(), "CHECK_NO_VERDICT"),
    "returns a generator": (lambda o, b: (one for one in "ab"), "CHECK_NO_VERDICT"),
    "has no code": (lambda o, b: Reject("", measured=1, limit=1), "CHECK_BAD_VERDICT"),
    "has no text of its own": (
        lambda o, b: Reject("R", measured=1, limit=1, text=3),  # type: ignore[arg-type]  # as strangers do
        "CHECK_BAD_VERDICT",
    ),
    "has no scope": (
        lambda o, b: Halt("H", scope="desk", measured=1, limit=1),  # type: ignore[arg-type]  # as strangers do
        "CHECK_BAD_VERDICT",
    ),
    "measured NaN": (
        lambda o, b: Resize("Z", quantity=D(1), measured=D("NaN"), limit=1),
        "CHECK_BAD_VERDICT",
    ),
    "measured float NaN": (
        lambda o, b: Resize("Z", quantity=D(1), measured=float("nan"), limit=1),
        "CHECK_BAD_VERDICT",
    ),
    "resizes to NaN": (
        lambda o, b: Resize("Z", quantity=D("NaN"), measured=1, limit=1),
        "BAD_RESIZE",
    ),
    "measured what has no text": (
        lambda o, b: Reject("R", measured=Shouting(), limit=1),
        "CHECK_RAISED",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_refuses_and_names_the_check(fault: str, asker: Asker) -> None:
    """Whatever is no clear verdict must stop the order, reducing or not."""
    call, wanted = FAULTS[fault]
    desk = Desk(view("10"), replace(CALM, allow_resize=True))
    asking = gate(EVERYTHING, Named("broken", call), EVERYTHING, desk=desk, asker=asker)

    for side in Side:
        answer = await asking.ask(proposal(order(side)))

        assert (answer.order, code(answer)) == (None, wanted)
        assert answer.decision.reasons[0].check == "broken"
    assert desk.reserved == []


async def test_a_check_that_makes_a_bad_order_is_told_in_our_words() -> None:
    """The reason is a link to somebody else's manual, with what was written in front of it."""

    def bad(_order: object, _book: object) -> object:
        return Order.model_validate({"symbol": "A", "side": "BUY", "quantity": 1.5, "x": "s3cret"})

    answer = await gate(Named("broken", bad)).ask(proposal(order()))

    measured = answer.decision.reasons[0].measured
    assert measured == (
        'ValidationError: Order.quantity: write it as a string, like "10.5": float is not exact '
        "(and 1 more)"
    )


async def test_the_fault_is_told_in_one_short_line() -> None:
    """A reason that runs over lines or pages cannot be read in a journal."""
    broken = Named("broken", raising(ValueError("a\nb " + "x" * 500)))

    answer = await gate(broken).ask(proposal(order()))

    measured = answer.decision.reasons[0].measured
    assert measured.startswith("ValueError: a b x")
    assert len(measured) <= 200


class TestHangs:
    """A check that never answers."""

    @pytest.fixture
    def released(self) -> Iterator[threading.Event]:
        event = threading.Event()
        yield event
        event.set()

    async def test_a_hang_refuses_names_the_check_and_stays(
        self, released: threading.Event
    ) -> None:
        """A frozen loop could cancel nothing; a forgotten hang would let orders pass unasked."""

        def hangs(asked: Order, _book: BookView) -> object:
            if asked.quantity == 2:
                released.wait(60)
            return ALLOW

        asker, desk = ThreadAsker(0.05), Desk(view("10"))
        asking = gate(EVERYTHING, Named("sleepy", hangs), desk=desk, asker=asker)
        batch = [proposal(order(quantity=str(n))) for n in (1, 2, 3)]
        before, stuck, behind = await asyncio.gather(*map(asking.ask, batch))
        reducing = await asking.ask(proposal(order(Side.SELL)))

        assert before.order is not None
        assert desk.reserved == [before.order]
        for answer in (stuck, behind, reducing):
            assert (answer.order, code(answer)) == (None, "CHECK_HUNG")
            assert answer.decision.reasons[0].measured == "sleepy"
        assert asker.hung == "sleepy"

    async def test_an_answer_after_the_deadline_is_void(self, released: threading.Event) -> None:
        """A verdict that comes when the order was refused already must not revive it."""
        awake = threading.Event()

        def hangs(_order: Order, _book: BookView) -> object:
            released.wait(60)
            awake.set()
            return ALLOW

        desk, asker = Desk(view()), ThreadAsker(0.02)
        asking = gate(Named("sleepy", hangs), desk=desk, asker=asker)
        answer = await asking.ask(proposal(order()))
        released.set()
        await asyncio.to_thread(awake.wait, 10)
        later = await asking.ask(proposal(order()))

        assert (code(answer), code(later)) == ("CHECK_HUNG", "CHECK_HUNG")
        assert desk.reserved == []

    async def test_a_slow_batch_is_no_hang(self) -> None:
        """Many quick checks that together take long must not stop the desk for good."""
        pause = threading.Event()

        def slow(_order: Order, _book: BookView) -> object:
            pause.wait(0.01)
            return ALLOW

        asker = ThreadAsker(0.1)
        asking = gate(Named("slow", slow), asker=asker)
        answers = await asyncio.gather(*(asking.ask(proposal(order())) for _ in range(30)))
        asking.close()

        assert all(answer.order is not None for answer in answers)
        assert asker.hung == ""

    async def test_two_orders_at_the_same_check_are_no_hang(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A busy desk, looked at twice at the same place of two orders, must not stop for good."""
        looks: list[Callable[[], object]] = []

        def call_later(_delay: float, call: Callable[..., object], *given: object) -> object:
            looks.append(partial(call, *given))
            return SimpleNamespace(cancel=looks.clear)

        monkeypatch.setattr(asyncio.get_running_loop(), "call_later", call_later)
        entered: SimpleQueue[threading.Event] = SimpleQueue()

        def held(_order: Order, _book: BookView) -> object:
            release = threading.Event()
            entered.put(release)
            release.wait(60)
            return ALLOW

        asker = ThreadAsker(60)
        asking = gate(Named("held", held), asker=asker)
        for _ in range(2):
            asked = asyncio.ensure_future(asking.ask(proposal(order())))
            release = await asyncio.to_thread(entered.get)
            looks.pop()()
            release.set()
            answer = await asked
            assert answer.order is not None
        assert asker.hung == ""

        stuck = asyncio.ensure_future(asking.ask(proposal(order())))
        release = await asyncio.to_thread(entered.get)
        looks.pop()()
        looks.pop()()
        release.set()
        assert code(await stuck) == "CHECK_HUNG"
        asking.close()
