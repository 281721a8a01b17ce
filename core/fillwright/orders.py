"""What is asked: an order, its legs, and a change to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from fillwright.errors import BadInput
from fillwright.types import (
    BrokerOrderId,
    ClientOrderId,
    IntentId,
    Name,
    Notional,
    OrderClass,
    OrdType,
    Price,
    Quantity,
    Side,
    Symbol,
    TimeInForce,
    UtcTime,
    Value,
)

#: How every client order id of ours begins.
OUR_PREFIX = "fw-"
_NEEDS_LIMIT = frozenset({OrdType.LIMIT, OrdType.STOP_LIMIT})
_NEEDS_STOP = frozenset({OrdType.STOP, OrdType.STOP_LIMIT})


class TakeProfit(Value):
    """The profit-taking leg: a limit order on the other side."""

    limit_price: Price


class StopLoss(Value):
    """The loss-limiting leg: a stop, or a stop-limit when `limit_price` is given."""

    stop_price: Price
    limit_price: Price | None = None


class Order(Value):
    """One order as its owner wants it, before any broker has seen it.

    Exactly one of `quantity` (shares or coins) and `notional` (account currency) is given.
    `intent_id` names the decision: the same id and content is the same order for ever.
    """

    # A copy that was made with `model_copy(update=...)` was never validated.
    model_config = ConfigDict(revalidate_instances="always")

    symbol: Symbol
    side: Side
    quantity: Quantity | None = None
    notional: Notional | None = None
    type: OrdType = OrdType.MARKET
    time_in_force: TimeInForce = TimeInForce.DAY
    limit_price: Price | None = None
    stop_price: Price | None = None
    #: Distance of a trailing stop, in account currency.
    trail_price: Price | None = None
    #: Distance of a trailing stop, in percent of the price: "1.5" is 1.5 %.
    trail_percent: Price | None = None
    #: When a GTD order ends.
    expire_time: UtcTime | None = None
    extended_hours: bool = False
    #: Never open or flip a position, whatever fills before this order does.
    reduce_only: bool = False
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit: TakeProfit | None = None
    stop_loss: StopLoss | None = None
    intent_id: Name | None = None
    strategy: Name | None = None
    tags: tuple[str, ...] = Field(default=(), max_length=32)
    plan_id: Name | None = None
    #: The order that this one works a part of, and how much all such parts may trade together.
    parent_id: Name | None = None
    parent_quantity: Quantity | None = None
    correlation_id: Name | None = None
    causation_id: Name | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if (self.quantity is None) == (self.notional is None):
            raise ValueError("give either quantity or notional")
        if self.type is not OrdType.MARKET or self.limit_price or self.stop_price:
            self._check_prices()
        if self.trail_price or self.trail_percent or self.type is OrdType.TRAILING_STOP:
            self._check_trail()
        if (self.time_in_force is TimeInForce.GTD) != (self.expire_time is not None):
            raise ValueError("expire_time goes with time_in_force GTD, and GTD needs it")
        if self.order_class is not OrderClass.SIMPLE or self.take_profit or self.stop_loss:
            self._check_legs()
        if (self.parent_id is None) != (self.parent_quantity is None):
            raise ValueError("parent_id and parent_quantity go together")
        return self

    def _check_prices(self) -> None:
        if (self.limit_price is not None) != (self.type in _NEEDS_LIMIT):
            raise ValueError("limit_price goes with type LIMIT or STOP_LIMIT, which need it")
        if (self.stop_price is not None) != (self.type in _NEEDS_STOP):
            raise ValueError("stop_price goes with type STOP or STOP_LIMIT, which need it")

    def _check_trail(self) -> None:
        trails = (self.trail_price is not None) + (self.trail_percent is not None)
        if trails != (1 if self.type is OrdType.TRAILING_STOP else 0):
            raise ValueError("a TRAILING_STOP needs one of trail_price and trail_percent")

    def _check_legs(self) -> None:
        legs = (self.take_profit is not None, self.stop_loss is not None)
        wanted: Mapping[OrderClass, tuple[tuple[bool, bool], ...]] = {
            OrderClass.SIMPLE: ((False, False),),
            OrderClass.BRACKET: ((True, True),),
            OrderClass.OCO: ((True, True),),
            OrderClass.OTO: ((True, False), (False, True)),
        }
        if legs not in wanted[self.order_class]:
            raise ValueError(
                "BRACKET and OCO need take_profit and stop_loss, OTO one of them, SIMPLE none"
            )
        if self.order_class is OrderClass.OCO and self.type is not OrdType.LIMIT:
            raise ValueError("an OCO order is of type LIMIT: its take_profit is the limit")

    def content(self) -> bytes:
        """The order as canonical JSON, fields at their default left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_defaults=True)


def checked_order(given: object) -> Order:
    """The order that was given, validated anew. Raises BadInput with the field."""
    try:
        return Order.model_validate(given)
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(["order", *map(str, first["loc"])])
        problem = first["msg"].removeprefix("Value error, ")
        # Not chained: pydantic's finding holds what was given.
        raise BadInput(where, problem, "Build it with Order(...)") from None


class OrderChange(Value):
    """What a replace asks for; a field that is absent stays as it is.

    `quantity` is the new total, fills included.
    """

    quantity: Quantity | None = None
    limit_price: Price | None = None
    stop_price: Price | None = None
    trail_price: Price | None = None
    trail_percent: Price | None = None
    time_in_force: TimeInForce | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("a change names at least one field")
        return self

    def applied_to(self, order: Order) -> Order:
        """`order` as it would be after this change; validated anew."""
        fields = {name: getattr(order, name) for name in order.model_fields_set}
        new = {k: v for k, v in ((n, getattr(self, n)) for n in self.model_fields_set) if v}
        return Order.model_validate(fields | new)


@dataclass(frozen=True, slots=True)
class WorkingOrder:
    """An order that the broker has or may have: what a cancel or replace needs to name it."""

    client_order_id: ClientOrderId
    broker_order_id: BrokerOrderId | None
    symbol: str
    side: Side
    quantity: Decimal | None
    filled: Decimal


def content_hash(order: Order) -> str:
    """SHA-256 of the order's canonical JSON, in hex: what makes two decisions the same one."""
    return sha256(order.content()).hexdigest()


def client_order_id_for(account: str, intent_id: IntentId) -> ClientOrderId:
    """Mint the one client order id of an intent: 35 characters that every broker accepts.

    It depends on account and intent alone, so that a restored or copied journal mints the same
    id again and a broker that refuses duplicates can see the repetition.
    """
    digest = sha256(f"{account}\n{intent_id}".encode()).hexdigest()
    return ClientOrderId(f"{OUR_PREFIX}{digest[:32]}")


def replacement_id(client_order_id: ClientOrderId, count: int) -> ClientOrderId:
    """The id of an order after its replace number `count`, for brokers that want a new one."""
    return ClientOrderId(f"{client_order_id}-r{count}")


def original_id(client_order_id: ClientOrderId) -> ClientOrderId:
    """The id under which an intent was first sent (OrigClOrdID [41] of the whole chain)."""
    if not client_order_id.startswith(OUR_PREFIX):
        return client_order_id
    return ClientOrderId(client_order_id.partition("-r")[0])
