"""Merge what the checks said into one decision. Pure.

Rules:
1. The most severe verdict wins: Halt, then Reject, then Resize, then Allow.
2. Every reason is kept, in the order of the checks; a warning is a reason that stops nothing.
3. A resize counts only where the configuration allows it, and may only shrink; of several the
   smallest counts. Anything else that calls itself a resize is a refusal.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from fillwright.types import ZERO, decimal_from
from fillwright.verdicts import Allow, Halt, Reason, Reject, Resize, Scope, Verdict, Warn

BAD_RESIZE = "BAD_RESIZE"


class Outcome(StrEnum):
    """What becomes of the order, least severe first."""

    ALLOW = "ALLOW"
    RESIZE = "RESIZE"
    REJECT = "REJECT"
    HALT = "HALT"


@dataclass(frozen=True, slots=True)
class HaltWanted:
    """A check asks that a scope takes no new risk; `reason.check` is who asks."""

    scope: Scope
    reason: Reason


@dataclass(frozen=True, slots=True)
class Decision:
    """All verdicts on one order as one."""

    outcome: Outcome
    #: What may leave; None for a refusal, and for an order by notional.
    quantity: Decimal | None = None
    reasons: tuple[Reason, ...] = ()
    halts: tuple[HaltWanted, ...] = ()

    @property
    def may_leave(self) -> bool:
        """Whether the order, perhaps with a smaller quantity, passed."""
        return self.outcome in _PASSED


_PASSED = frozenset({Outcome.ALLOW, Outcome.RESIZE})


def merge(
    answers: Iterable[tuple[str, Verdict]],
    *,
    quantity: Decimal | None,
    floor: Decimal = ZERO,
    allow_resize: bool = False,
) -> Decision:
    """Merge `answers`, pairs of a check's name and its verdict.

    `quantity` is what the order asks for (None: it asks by notional); a resize stays above
    `floor`, which is what a replaced order has already traded.
    """
    reasons: list[Reason] = []
    halts: list[HaltWanted] = []
    sizes: list[Decimal] = []
    refused = False
    for check, verdict in answers:
        if isinstance(verdict, Allow):
            continue
        reason = verdict.reason(check)
        if isinstance(verdict, Resize):
            flaw = _flaw(verdict.quantity, quantity, floor)
            reason = reason if not flaw else _bad(verdict, flaw, check)
            refused = refused or bool(flaw) or not allow_resize
            sizes += [] if flaw else [decimal_from(verdict.quantity)]
        elif isinstance(verdict, Halt):
            halts.append(HaltWanted(verdict.scope, reason))
        elif not isinstance(verdict, Warn):
            refused = True
        reasons.append(reason)
    if halts:
        return Decision(Outcome.HALT, None, tuple(reasons), tuple(halts))
    if refused:
        return Decision(Outcome.REJECT, None, tuple(reasons))
    if sizes:
        return Decision(Outcome.RESIZE, min(sizes), tuple(reasons))
    return Decision(Outcome.ALLOW, quantity, tuple(reasons))


def _flaw(wanted: object, asked: Decimal | None, floor: Decimal) -> str:
    """Why a resize cannot be followed; empty when it can."""
    if asked is None:
        return "an order by notional has no quantity to shrink"
    if not isinstance(wanted, Decimal):
        return f"the quantity is {type(wanted).__name__}, not Decimal"
    try:
        decimal_from(wanted)
    except ValueError as fault:
        return str(fault)
    if wanted <= floor:
        return "nothing would be left to trade"
    return "" if wanted < asked else "a resize may only shrink"


def _bad(verdict: Resize, flaw: str, check: str) -> Reason:
    said = Reject(
        BAD_RESIZE,
        measured=str(verdict.quantity),
        limit=verdict.limit,
        text=f"{verdict.code} asked for a resize: {flaw}",
    )
    return said.reason(check)
