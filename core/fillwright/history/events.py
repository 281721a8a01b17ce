"""The words of the desk's own past: what was done, and the facts that are kept of it."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypedDict

from fillwright.types import Side


class Deed(StrEnum):
    """What an event says."""

    #: An order left, or is about to; proven not to have left, it is no event.
    SENT = "sent"
    #: A change left; quantity and notional are what it added, zero when it took away.
    REPLACED = "replaced"
    CANCEL_SENT = "cancel_sent"
    #: Our gate said no.
    REFUSED = "refused"
    #: The broker said no.
    REJECTED = "rejected"
    FILLED = "filled"
    IN_DOUBT = "in_doubt"


class Event(NamedTuple):
    """One thing that happened to one order of this desk."""

    kind: Deed
    at: datetime
    symbol: str
    side: Side
    client_order_id: str
    quantity: Decimal | None = None
    #: In account currency: at the worst price for what was sent, at its price for a fill.
    notional: Decimal | None = None
    #: The order's own limit or stop price, or the price of the fill.
    price: Decimal | None = None
    #: "" for an order without one; so is `plan`.
    strategy: str = ""
    plan: str = ""
    #: On REFUSED: the code of each reason.
    codes: tuple[str, ...] = ()
    #: Whether it could make the position larger when it was approved.
    opening: bool = True
    #: Whose child the order is; "" for none.
    parent: str = ""
    #: How much the children of its parent may trade together, as the order says.
    parent_quantity: Decimal | None = None


class Only(TypedDict, total=False):
    """Which events count; what is absent or None is not asked."""

    symbol: str | None
    side: Side | None
    #: "" for orders without a strategy; the same for a plan.
    strategy: str | None
    plan: str | None
    parent: str | None
    parent_quantity: Decimal | None
    opening: bool | None
    #: A refusal for this reason, perhaps among others.
    code: str | None


FILTERS = tuple(Only.__annotations__)
