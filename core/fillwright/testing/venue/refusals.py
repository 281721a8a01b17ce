"""Why the venue says no, in a real broker's words."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from fillwright.errors import DuplicateClientOrderId, OrderRejected
from fillwright.reports import Evidence, Source
from fillwright.types import BrokerOrderId


class Why(StrEnum):
    """The kind of a refusal, for those who must translate it."""

    ACCOUNT_BLOCKED = "account_blocked"
    BAD_LEGS = "bad_legs"
    BAD_PRICE = "bad_price"
    BAD_QUANTITY = "bad_quantity"
    BELOW_MINIMUM = "below_minimum"
    DUPLICATE = "duplicate"
    HALTED = "halted"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    INSUFFICIENT_QUANTITY = "insufficient_quantity"
    NO_QUOTE = "no_quote"
    NOT_CANCELABLE = "not_cancelable"
    NOT_FRACTIONABLE = "not_fractionable"
    NOT_REPLACEABLE = "not_replaceable"
    NOT_SHORTABLE = "not_shortable"
    NOT_TRADABLE = "not_tradable"
    OPPOSITE_SIDE = "opposite_side"
    ORDER_NOT_FOUND = "order_not_found"
    UNKNOWN_SYMBOL = "unknown_symbol"
    UNSUPPORTED = "unsupported"
    WASH_TRADE = "wash_trade"


class Refused(OrderRejected):
    """The venue did not take the request; `why` says of which kind the reason is.

    `facts` are the numbers and ids that the text speaks of, for those who write their own.
    """

    def __init__(
        self, client_order_id: str, why: Why, text: str, **facts: Decimal | BrokerOrderId
    ) -> None:
        self.why = why
        self.facts: Mapping[str, Decimal | BrokerOrderId] = MappingProxyType(facts)
        super().__init__(client_order_id, str(Evidence(Source.RESPONSE, why)), text)


def duplicate(client_order_id: str) -> DuplicateClientOrderId:
    """Make the refusal of a client order id that was used before."""
    evidence = str(Evidence(Source.RESPONSE, Why.DUPLICATE))
    return DuplicateClientOrderId(client_order_id, evidence, "client_order_id must be unique")
