"""Grants: a named person lets one check's refusal be overridden, in one scope, for a while. Pure.

Rules:
1. A grant is signed: HMAC-SHA256 over every field, with a key that only its owner can read.
2. It names one check, and turns a Reject of that check alone into a remark. No house rule, no halt,
   and no check that raises, hangs, lacks its data or gives no verdict can be granted away.
3. It is of one desk (mode, broker, account), and it ends.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from fillwright.orders import Order
from fillwright.types import text_of
from fillwright.verdicts import Scope

#: No grant holds longer.
LONGEST: Final = timedelta(hours=24)
#: A key has at least so many bytes.
KEY_BYTES: Final = 32
#: What a check may be called in a grant: its id, or its name.
CHECK_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
GRANT_ID: Final = re.compile(r"g-[0-9a-f]{16,32}")
#: Told apart from whatever else the key may sign.
_PURPOSE = b"fillwright grant 1\n"


@dataclass(frozen=True, slots=True)
class Grant:
    """One grant; `signature` is empty until it is signed."""

    id: str
    #: The check by its id (C02) or its name (risk.max_order_notional).
    check: str
    scope: Scope
    #: The symbol, strategy or account; empty for the desk.
    name: str
    at: datetime
    until: datetime
    by: str
    reason: str
    #: Whose desk: mode, broker and account.
    binding: str
    #: The worst case of an order that it may let through, in account currency; None: any.
    up_to_usd: Decimal | None = None
    signature: str = ""

    def covers(self, order: Order, account: str, worst: Decimal | None, now: datetime) -> bool:
        """Whether it holds for this order now; an order whose `worst` is unknown has no bound."""
        if not self.at <= now < self.until:
            return False
        if self.up_to_usd is not None and (worst is None or not worst <= self.up_to_usd):
            return False
        whom = {
            Scope.SYMBOL: order.symbol,
            Scope.STRATEGY: order.strategy,
            Scope.ACCOUNT: account,
            Scope.DESK: "",
        }
        return whom[self.scope] == self.name

    @property
    def whom(self) -> str:
        """Its scope and name, for people."""
        return f"{self.scope} {self.name}".strip()


def signed(grant: Grant, key: bytes) -> Grant:
    """The grant with its signature."""
    return replace(grant, signature=_signature(grant, key))


def is_signed(grant: Grant, key: bytes) -> bool:
    """Whether this key signed exactly this grant."""
    return hmac.compare_digest(grant.signature.encode(), _signature(grant, key).encode())


def _signature(grant: Grant, key: bytes) -> str:
    said = {
        field.name: _text(getattr(grant, field.name))
        for field in fields(grant)
        if field.name != "signature"
    }
    message = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key, _PURPOSE + message, hashlib.sha256).hexdigest()


def _text(value: object) -> str | None:
    if isinstance(value, Decimal):
        return text_of(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return None if value is None else str(value)


def problem_of(grant: Grant, key: bytes, binding: str, now: datetime) -> str:
    """Why a grant does not hold; empty when it does."""
    checks = (
        (not is_signed(grant, key), "its signature is not by this desk's grant key"),
        (grant.binding != binding, f"it is of {grant.binding}, not of {binding}"),
        (now >= grant.until, f"it ran out at {grant.until:%Y-%m-%d %H:%M:%S}Z"),
        (grant.until - grant.at > LONGEST, "it would hold longer than 24 hours"),
        (grant.at > now + timedelta(seconds=5), "it is from the future"),
    )
    return next((problem for wrong, problem in checks if wrong), "")
