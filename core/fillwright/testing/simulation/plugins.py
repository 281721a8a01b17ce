"""Strangers' code in a simulation: checks that misbehave on purpose, and how they are asked.

Each order says in its tags what the checks do with it; what they said is remembered outside of
any process, so that an order that leaves can be held against it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from fillwright.book import BookView
from fillwright.orders import Order
from fillwright.risk import ThreadAsker
from fillwright.risk.judge import Batch, Judge
from fillwright.testing.simulation.chances import Chances
from fillwright.testing.simulation.knobs import Knobs
from fillwright.verdicts import ALLOW, Allow, Halt, Reject, Scope


@dataclass(frozen=True)
class Plugin:
    """A hook implementation as the desk asks it."""

    name: str
    call: Callable[..., object]


def _raise() -> object:
    raise RuntimeError("a check that fails")


#: What a check does with an order that carries this tag.
MOODS: Final[dict[str, Callable[[], object]]] = {
    "raise": _raise,
    "none": lambda: None,
    "nan": lambda: Reject("NAN", measured=Decimal("NaN"), limit=float("nan")),
    "true": lambda: True,
    "class": lambda: Allow,
    "refuse": lambda: Reject("STERN", measured="1", limit="0"),
    "halt": lambda: Halt("STERN", scope=Scope.SYMBOL, measured="1", limit="0"),
}
#: The check never answers; the simulated asker knows what that means.
HANG: Final = "hang"
_BAD: Final = ("raise", "none", "nan", "true", "class")
_STERN: Final = ("refuse", "refuse", "halt")


def mood(knobs: Knobs, chances: Chances) -> tuple[str, ...]:
    """The tags of one order."""
    if chances.hits("hung_checks", knobs.hung_checks):
        return (HANG,)
    for knob, words in (("bad_checks", _BAD), ("stern_checks", _STERN)):
        if chances.hits(knob, getattr(knobs, knob)):
            # Some turn bad only when the order is to be changed or judged again.
            when = chances.of(f"{knob}/when").choice(("", "", "2:"))
            return (when + chances.of(f"{knob}/which").choice(words),)
    return ()


class Checks:
    """The checks of one desk: one that looks at the book, and one that does as the tags say."""

    def __init__(self, look: Callable[[BookView, Order], None], tell: Callable[..., None]) -> None:
        self._look = look
        self._tell = tell
        self._asked: dict[str, int] = {}

    def plugins(self) -> tuple[Plugin, ...]:
        """As the gate asks them."""
        return (Plugin("witness", self._witness), Plugin("moody", self._moody))

    def _witness(self, order: Order, book: BookView) -> object:
        self._look(book, order)
        return ALLOW

    def _moody(self, order: Order, _book: BookView) -> object:
        self._tell(order, allowed=False)
        tag = order.tags[0] if order.tags else ""
        times = self._asked[str(order.intent_id)] = self._asked.get(str(order.intent_id), 0) + 1
        if tag.startswith("2:"):
            tag = tag.removeprefix("2:") if times > 1 else ""
        if tag:
            return MOODS[tag]()
        self._tell(order, allowed=True)
        return ALLOW


def watchers(knobs: Knobs, chances: Chances, saw: Plugin) -> tuple[Plugin, ...]:
    """The post-execution checks: one that may raise, then the one that looks."""

    def unreliable(*_given: object) -> object:
        if chances.hits("bad_watchers", knobs.bad_watchers):
            raise RuntimeError("a watcher that fails")
        return ALLOW

    return (Plugin("unreliable", unreliable), saw)


class SimAsker(ThreadAsker):
    """The gate's asker with its thread played by the loop, so that a hang takes virtual time."""

    def __init__(self, deadline: float) -> None:
        super().__init__(deadline)
        #: Called when the facts for some orders were read, which are judged a moment later.
        self.begins: Callable[[], None] = lambda: None

    def _begin(self, judge: Judge, batch: Batch, hand_over: Callable[[Batch], None]) -> None:
        self.begins()
        asyncio.get_running_loop().call_soon(self._judge, judge, batch, hand_over)

    def _judge(self, judge: Judge, batch: Batch, hand_over: Callable[[Batch], None]) -> None:
        questions = batch.questions
        hangs = (n for n, q in enumerate(questions) if q.proposal.order.tags == (HANG,))
        first = next(hangs, None)
        if first is None:
            judge.run(batch)
            hand_over(batch)
            return
        # A thread that hangs has judged those before, and never hands over.
        judge.run(Batch(questions[:first], batch.conditions, batch.judged, batch.mark))
        batch.mark.question, batch.mark.check = first, "moody"
