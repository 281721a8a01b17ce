"""What a check answers, and the proof that all of them were asked."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from fillwright.orders import Order, OrderChange
from fillwright.types import ClientOrderId, plain, text_of


class Scope(StrEnum):
    """How far a halt reaches."""

    SYMBOL = "symbol"
    STRATEGY = "strategy"
    ACCOUNT = "account"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a check did not simply allow: its code, what it measured, and the limit."""

    code: str
    measured: str
    limit: str
    text: str = ""
    check: str = ""
    #: It stops nothing, whatever else does.
    warning: bool = False

    def __str__(self) -> str:
        who = f" [{self.check}]" if self.check and self.code.startswith("CHECK_") else ""
        what = "warning " if self.warning else ""
        said = f"{what}{self.code}{who}: measured {self.measured}, limit {self.limit}"
        return f"{said} ({self.text})" if self.text else said


@dataclass(frozen=True, slots=True)
class Allow:
    """No objection."""


#: The one Allow that anybody needs.
ALLOW: Final = Allow()


def _shown(value: object) -> str:
    if not isinstance(value, Decimal):
        return str(value)
    return text_of(plain(value)) if value.is_finite() else str(value)


@dataclass(frozen=True, slots=True)
class Warn:
    """No objection, and a remark that is kept with the order; it never stops anything."""

    code: str
    measured: object = field(kw_only=True)
    limit: object = field(kw_only=True)
    text: str = field(default="", kw_only=True)

    def reason(self, check: str = "") -> Reason:
        """The same facts as a Reason, with the check's name."""
        measured, limit = _shown(self.measured), _shown(self.limit)
        return Reason(self.code, measured, limit, self.text, check, warning=True)


@dataclass(frozen=True, slots=True)
class Reject:
    """The order may not leave."""

    code: str
    measured: object = field(kw_only=True)
    limit: object = field(kw_only=True)
    text: str = field(default="", kw_only=True)

    def reason(self, check: str = "") -> Reason:
        """The same facts as a Reason, with the check's name."""
        return Reason(self.code, _shown(self.measured), _shown(self.limit), self.text, check)


@dataclass(frozen=True, slots=True)
class Resize:
    """The order may leave with this smaller quantity, where the configuration allows resizing."""

    code: str
    quantity: Decimal = field(kw_only=True)
    measured: object = field(kw_only=True)
    limit: object = field(kw_only=True)
    text: str = field(default="", kw_only=True)

    def reason(self, check: str = "") -> Reason:
        """The same facts as a Reason, with the check's name."""
        return Reason(self.code, _shown(self.measured), _shown(self.limit), self.text, check)


@dataclass(frozen=True, slots=True)
class Halt:
    """The order may not leave, and no new risk in `scope` until a named person resumes."""

    code: str
    scope: Scope = field(kw_only=True)
    measured: object = field(kw_only=True)
    limit: object = field(kw_only=True)
    text: str = field(default="", kw_only=True)

    def reason(self, check: str = "") -> Reason:
        """The same facts as a Reason, with the check's name."""
        return Reason(self.code, _shown(self.measured), _shown(self.limit), self.text, check)


Verdict = Allow | Warn | Reject | Resize | Halt


@dataclass(frozen=True, slots=True)
class ApprovedOrder:
    """An order that every configured check was asked about and that may leave before `deadline`.

    Only the gate makes one (a test reads the sources for it), so an unchecked submit is a type
    error. `content_hash` binds the approval to the exact order.
    """

    order: Order
    client_order_id: ClientOrderId
    content_hash: str
    approved_at: datetime
    deadline: datetime
    #: What was said and did not stop it: warnings and resizes, in the order of the checks.
    remarks: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ApprovedChange:
    """A replace that passed the gate; `order` is what would stand at the broker afterwards."""

    change: OrderChange
    order: Order
    #: The id that the changed order will have, where the broker wants a new one.
    client_order_id: ClientOrderId
    approved_at: datetime
    deadline: datetime
    remarks: tuple[Reason, ...] = ()
