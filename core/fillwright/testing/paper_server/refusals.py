"""How the API says no: status, code, message and further fields.

Alpaca calls status and code stable and messages not. The code 40010001 means a duplicate
client_order_id and other misshapen requests alike, and 401 has no code.
"""

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from fillwright.errors import FillwrightError
from fillwright.protocols import Json
from fillwright.testing.paper_server.request import Answer
from fillwright.testing.paper_server.writing import answer, decimal_text
from fillwright.testing.venue import Refused, Venue, Why
from fillwright.types import ZERO

FORBIDDEN = (403, 40310000)
MISSHAPEN = (422, 40010001)
NOT_FOUND = (404, 40410000)
UNPROCESSABLE = (422, 42210000)

_KINDS: Mapping[Why, tuple[int, int]] = MappingProxyType(
    dict.fromkeys(Why, UNPROCESSABLE)
    | dict.fromkeys(
        (
            *(Why.ACCOUNT_BLOCKED, Why.INSUFFICIENT_FUNDS, Why.INSUFFICIENT_QUANTITY),
            *(Why.NO_QUOTE, Why.NOT_FRACTIONABLE, Why.NOT_SHORTABLE, Why.OPPOSITE_SIDE),
            Why.WASH_TRADE,
        ),
        FORBIDDEN,
    )
    | {Why.DUPLICATE: MISSHAPEN, Why.ORDER_NOT_FOUND: NOT_FOUND}
)


class ApiError(FillwrightError):
    """One answer that is a refusal."""

    def __init__(self, kind: tuple[int, int | None], message: str, **fields: Json) -> None:
        self.status, self.code = kind
        self.message = message
        self.fields = fields
        super().__init__(f"{self.status}: {message}")

    @property
    def body(self) -> dict[str, Json]:
        """The JSON of the answer."""
        code: dict[str, Json] = {} if self.code is None else {"code": self.code}
        return {**code, "message": self.message, **self.fields}

    def answer(self) -> Answer:
        """The answer itself."""
        return answer(self.status, self.body)


def forbidden(message: str, **fields: Json) -> ApiError:
    """The account may not do this now."""
    return ApiError(FORBIDDEN, message, **fields)


def misshapen(message: str) -> ApiError:
    """The request cannot be understood."""
    return ApiError(MISSHAPEN, message)


def not_found(message: str) -> ApiError:
    """There is no such thing."""
    return ApiError(NOT_FOUND, message)


def unprocessable(message: str, **fields: Json) -> ApiError:
    """The request is understood, and against the rules."""
    return ApiError(UNPROCESSABLE, message, **fields)


def from_venue(refused: Refused, venue: Venue, symbol: str) -> ApiError:
    """Tell the venue's refusal of an order in the API's words."""
    if refused.why is Why.INSUFFICIENT_FUNDS:
        # The set of further fields is not confirmed.
        return forbidden(
            "insufficient buying power",
            buying_power=decimal_text(max(_number(refused, "available"), ZERO)),
            cost_basis=decimal_text(_number(refused, "cost")),
        )
    if refused.why is Why.INSUFFICIENT_QUANTITY:
        return _insufficient_quantity(refused, venue, symbol)
    if refused.why is Why.WASH_TRADE:
        return _wash_trade(refused, venue)
    return ApiError(_KINDS[refused.why], refused.text)


def duplicate() -> ApiError:
    """The client order id was used before; the order that has it is not told."""
    return misshapen("client_order_id must be unique")


def _number(refused: Refused, name: str) -> Decimal:
    value = refused.facts.get(name, ZERO)
    return value if isinstance(value, Decimal) else ZERO


def _insufficient_quantity(refused: Refused, venue: Venue, symbol: str) -> ApiError:
    existing = abs(venue.books.quantity(symbol))
    available = _number(refused, "available")
    open_orders = (order for order in venue.open_orders() if order.symbol == symbol)
    related: list[Json] = [order.broker_order_id for order in open_orders if order.claim]
    return forbidden(
        refused.text,
        available=decimal_text(available),
        existing_qty=decimal_text(existing),
        held_for_orders=decimal_text(max(existing - available, ZERO)),
        symbol=symbol,
        **({"related_orders": related} if related else {}),
    )


def _wash_trade(refused: Refused, venue: Venue) -> ApiError:
    # It was 422/42210000 in early 2024; the newer measurements say 403.
    existing = str(refused.facts.get("existing", ""))
    other = next((o for o in venue.open_orders() if o.broker_order_id == existing), None)
    kind = "limit" if other is not None and other.limit_price is not None else "market/stop"
    return forbidden(
        "potential wash trade detected. use complex orders",
        existing_order_id=existing,
        reject_reason=f"opposite side {kind} order exists",
    )
