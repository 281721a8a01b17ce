"""Ask one check and take nothing on trust: whatever is no sound verdict becomes a refusal.

A refusal of this kind holds for an order that only reduces, too: an exception, a hang or a
missing verdict of any check means that no byte of that order leaves.
"""

import inspect
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from fillwright.book import BookView
from fillwright.errors import fault_text
from fillwright.orders import Order
from fillwright.verdicts import ALLOW, Allow, Halt, Reject, Resize, Scope, Verdict, Warn

CHECK_RAISED = "CHECK_RAISED"
CHECK_NO_VERDICT = "CHECK_NO_VERDICT"
CHECK_BAD_VERDICT = "CHECK_BAD_VERDICT"
CHECK_HUNG = "CHECK_HUNG"
NO_CHECKS = "NO_CHECKS"
#: A fault of the gate itself, or of the facts that it was given.
GATE_FAILED = "GATE_FAILED"
GATE_CLOSED = "GATE_CLOSED"

_WANTED = "Allow, Warn, Reject, Resize or Halt"
_VERDICTS = frozenset({Allow, Warn, Reject, Resize, Halt})


class Check(Protocol):
    """One check as the gate asks it; `fillwright.plugins.NamedHook` is one."""

    @property
    def name(self) -> str:
        """How it is shown in verdicts."""

    @property
    def call(self) -> Callable[..., object]:
        """Takes the order and the view, by position."""


def ask(call: Callable[..., object], order: Order, book: BookView) -> Verdict:
    """Ask one check; never raises."""
    try:
        answer = call(order, book)
        return ALLOW if answer is ALLOW else sound(answer)
    except BaseException as fault:  # noqa: BLE001 - even SystemExit of a check only refuses
        return Reject(CHECK_RAISED, measured=fault_text(fault), limit="no exception")


def sound(answer: object) -> Verdict:
    """The answer itself when it is a verdict through and through, else the refusal it becomes.

    Raises whatever the verdict's own facts raise when they are written as text.
    """
    if type(answer) not in _VERDICTS:
        return _no_verdict(answer)
    if isinstance(answer, Warn | Reject | Resize | Halt):
        flaw = _flaw(answer)
        if flaw:
            return Reject(CHECK_BAD_VERDICT, measured=flaw, limit="a sound verdict")
        answer.reason()
        return answer
    return ALLOW


def _no_verdict(answer: object) -> Reject:
    if inspect.isawaitable(answer) or inspect.isgenerator(answer):
        close = getattr(answer, "close", None)
        if callable(close):
            close()
        kind = type(answer).__name__
        return Reject(
            CHECK_NO_VERDICT, measured=kind, limit=_WANTED, text="a check is not asynchronous"
        )
    measured = "None" if answer is None else type(answer).__name__
    return Reject(CHECK_NO_VERDICT, measured=measured, limit=_WANTED)


def _flaw(verdict: Warn | Reject | Resize | Halt) -> str:
    # What a check fills in is not held to the annotations, so look at it as plain objects.
    facts: dict[str, object] = {name: getattr(verdict, name) for name in _FACTS}
    code, text, scope = facts["code"], facts["text"], getattr(verdict, "scope", Scope.DESK)
    if not isinstance(code, str) or not code:
        return "the code is no text"
    if not isinstance(text, str):
        return "the text is no text"
    if type(scope) is not Scope:
        return f"the scope is {type(scope).__name__}, not Scope"
    if isinstance(verdict, Resize) and any(map(_is_nan, (facts["measured"], facts["limit"]))):
        return f"{code} measured NaN"
    return ""  # a refusal on a measured NaN stays the refusal that it is


_FACTS = ("code", "text", "measured", "limit")


def _is_nan(value: object) -> bool:
    if isinstance(value, Decimal):
        return value.is_nan()
    return isinstance(value, float) and math.isnan(value)
