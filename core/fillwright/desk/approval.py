"""What the gate said about one order or change, as the desk carries it on to the wire."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from fillwright.verdicts import ApprovedChange, ApprovedOrder, Reason


class Given(NamedTuple):
    """What is known when the gate approved, beyond its proof."""

    #: The price at which the exposure is reserved.
    worst_price: Decimal | None
    #: The conditions under which it was given; others need another approval.
    version: tuple[int, int]
    #: What it counts for in totals, where no worst price is known.
    value: Decimal | None = None
    #: It can only make the position smaller.
    reduces: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """What the gate said, and how things stood when it said so."""

    order: ApprovedOrder | None
    change: ApprovedChange | None
    reasons: tuple[Reason, ...]
    #: The price at which the exposure is reserved.
    worst_price: Decimal | None
    #: The conditions under which it was given; others need another approval.
    version: tuple[int, int]
    #: What it counts for in totals, where no worst price is known.
    value: Decimal | None = None
    #: It can only make the position smaller.
    reduces: bool = False


def larger_of(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """The larger quantity, where there is one."""
    return max((q for q in (one, other) if q is not None), default=None)
