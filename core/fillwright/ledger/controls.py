"""What people steer a desk with, as facts and their fold: halts, arming, grants, limit changes."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from fillwright.grants import Grant
from fillwright.verdicts import Scope


@dataclass(frozen=True, slots=True)
class Halted:
    """No new risk in this scope."""

    at: datetime
    scope: Scope
    name: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """A named person lifted a halt."""

    at: datetime
    scope: Scope
    name: str
    by: str


@dataclass(frozen=True, slots=True)
class Armed:
    """A live desk began to send under this token."""

    at: datetime
    by: str
    until: datetime
    nonce: str


@dataclass(frozen=True, slots=True)
class Disarmed:
    """A token ended; it never arms again."""

    at: datetime
    nonce: str
    reason: str


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant was verified, and counts from now on until it ends."""

    at: datetime
    grant: Grant


@dataclass(frozen=True, slots=True)
class GrantRevoked:
    """A grant counts no more."""

    at: datetime
    id: str
    by: str


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """A setting of a check has another value than desk.toml says, until it is revoked."""

    at: datetime
    id: str
    #: Like risk.max_order_notional.limit_usd.
    path: str
    #: The new value, the one that counted before, and what desk.toml says, as JSON; "" for none.
    value: str
    old: str
    written: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class LimitRevoked:
    """A setting is what desk.toml says again."""

    at: datetime
    path: str
    by: str
    reason: str = ""


ControlFact = (
    Halted | Resumed | Armed | Disarmed | Granted | GrantRevoked | LimitChanged | LimitRevoked
)


class Controls:
    """How a desk is steered now."""

    def __init__(self) -> None:
        self.halts: dict[tuple[Scope, str], Halted] = {}
        self.armed: Armed | None = None
        #: The tokens that ended.
        self.spent: set[str] = set()
        self.grants: dict[str, Granted] = {}
        #: Every grant that ever counted: none counts twice.
        self.known_grants: set[str] = set()
        self.limits: dict[str, LimitChanged] = {}
        self.known_limits: set[str] = set()

    def apply(self, fact: ControlFact) -> None:
        """Take in one fact."""
        match fact:
            case Halted():
                self.halts[fact.scope, fact.name] = fact
            case Resumed():
                self.halts.pop((fact.scope, fact.name), None)
            case Armed():
                self.armed = fact
            case Disarmed():
                self.spent.add(fact.nonce)
                self.armed = None
            case Granted():
                self.grants[fact.grant.id] = fact
                self.known_grants.add(fact.grant.id)
            case GrantRevoked():
                self.grants.pop(fact.id, None)
                self.known_grants.add(fact.id)
            case LimitChanged():
                self.limits[fact.path] = fact
                self.known_limits.add(fact.id)
            case LimitRevoked():
                self.limits.pop(fact.path, None)
            case _:
                assert_never(fact)
