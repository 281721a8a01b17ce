"""Put one question to a stranger's code: bounded in time, and its answer taken on no trust."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from fillwright.desk.tasks import NoAnswer, answered_within
from fillwright.protocols import Clock

T = TypeVar("T")

_REFUSAL = re.compile(
    r"\b40[13]\b|\bunauthori[sz]ed\b|\bnot authori[sz]ed\b|\bforbidden\b", re.IGNORECASE
)


class Unsound(Exception):
    """An answer that is not what the protocol promises."""


async def answered(question: Callable[[], Awaitable[T]], clock: Clock, seconds: float) -> T:
    """The answer. Raises `NoAnswer` after so many seconds of the clock, and what the question does.

    A question that does not end when it is cancelled is left behind.
    """
    return await answered_within(_put(question), seconds, clock)


async def _put(question: Callable[[], Awaitable[T]]) -> T:
    task = asyncio.current_task()
    try:
        return await question()
    except asyncio.CancelledError:
        if task is not None and task.cancelling():
            raise
        # Nobody gave it up but itself; else it would look as if the doctor were stopped.
        raise NoAnswer("no answer: the adapter gave its own question up") from None


def is_refusal(fault: BaseException) -> bool:
    """Whether the broker refused the keys: a status of 401 or 403 somewhere in the fault."""
    seen: BaseException | None = fault
    while seen is not None:
        if getattr(seen, "status_code", None) in {401, 403} or _REFUSAL.search(str(seen)):
            return True
        seen = seen.__cause__
    return False


def need(answer: object, kind: type[T], what: str) -> T:
    """The answer itself, if it is of this kind. Raises `Unsound`."""
    if not isinstance(answer, kind):
        raise Unsound(f"{what} is {kind_of(answer)}, not {kind.__name__}")
    return answer


def need_amount(value: object, what: str) -> Decimal:
    """A finite decimal. Raises `Unsound`."""
    amount = need(value, Decimal, what)
    if not amount.is_finite():
        raise Unsound(f"{what} is {amount}")
    return amount


def need_time(value: object, what: str) -> datetime:
    """A time with an offset. Raises `Unsound`."""
    at = need(value, datetime, what)
    if at.utcoffset() is None:
        raise Unsound(f"{what} has no offset")
    return at


def kind_of(answer: object) -> str:
    """What it is, for a sentence."""
    return "None" if answer is None else type(answer).__name__
