"""What came of a plan: one line per order, one per item, and a verdict on the whole."""

from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Self

from pydantic import Field

from fillwright.plans.base import Metadata, PlanBase
from fillwright.types import (
    ZERO,
    Amount,
    NonNegative,
    OrdStatus,
    OrdType,
    Side,
    UtcTime,
    Value,
)


class PlanStatus(StrEnum):
    """The whole plan in one word."""

    SUCCESS = "SUCCESS"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    FAILURE = "FAILURE"


class ExitCode(IntEnum):
    """What a command that ran the plan exits with; 2 is bad input, which has no result."""

    SUCCESS = 0
    FAILURE = 1
    PARTIAL_SUCCESS = 3
    IN_DOUBT = 4


class ItemStatus(StrEnum):
    """One item in one word."""

    #: All of it traded that can trade: what is left is less than one step.
    FILLED = "FILLED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    NOT_FILLED = "NOT_FILLED"
    #: Nothing was to be done.
    HOLD = "HOLD"
    #: Too small to be worth an order.
    DUST = "DUST"
    #: It may or may not have traded, or may still trade.
    IN_DOUBT = "IN_DOUBT"


class Why(StrEnum):
    """Why a part of an item did not trade."""

    #: It was working and did not trade in time, or the broker let it expire.
    UNFILLED = "unfilled"
    #: Our own gate said no.
    REFUSED = "refused"
    #: Our own gate let less of it pass.
    RESIZED = "resized"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    #: It never left: time was up, or the desk could not take it.
    NOT_SENT = "not_sent"
    DUST = "dust"
    #: Less than one step of the instrument's quantity.
    ROUNDING = "rounding"
    #: Rounded down to whole shares, nothing remains.
    WHOLE_SHARES = "whole_shares"
    NOT_TRADABLE = "not_tradable"
    #: More was to be sold than is held and free.
    NOT_AVAILABLE = "not_available"
    NO_FUNDS = "no_funds"
    NO_QUOTE = "no_quote"
    #: The broker did not tell what was needed to know.
    NO_ANSWER = "no_answer"
    #: The cancel of an earlier order in the symbol was not confirmed.
    STALE_ORDER = "stale_order"


#: What is left over without anything having gone wrong.
HARMLESS = frozenset({Why.DUST, Why.ROUNDING})


class Residual(Value):
    """A part of an item that did not trade, by quantity where that is known, and why."""

    why: Why
    quantity: NonNegative | None = None
    #: In account currency; an estimate where the quantity is known too.
    value: NonNegative | None = None
    text: str = ""


class OrderLine(Value):
    """What came of one order."""

    symbol: str
    action: Side
    #: Signed account currency, as the item asked.
    trade_amount: Amount | None
    #: Filled so far.
    shares: NonNegative
    #: Average price of what was filled.
    price: Amount | None
    success: bool
    status: OrdStatus
    order_type: OrdType
    client_order_id: str
    order_id: str | None = None
    #: OrderQty [38]; absent for an order by notional that the broker has not fixed.
    quantity: NonNegative | None = None
    value: NonNegative = ZERO
    fees: Amount = ZERO
    error: str | None = None
    #: When its status last changed.
    timestamp: UtcTime
    filled_at: UtcTime | None = None
    intent_id: str | None = None


class ItemResult(Value):
    """What came of one item of the plan.

    `asked` is `filled` plus the quantities of `residuals`, to the last digit; it is absent
    where no quantity could be known (an order by notional, or no quote).
    """

    symbol: str
    side: Side | None
    status: ItemStatus
    asked: NonNegative | None
    filled: NonNegative = ZERO
    average_price: Amount | None = None
    #: Account currency that the item asked to trade, where it said so.
    asked_value: NonNegative | None = None
    filled_value: NonNegative = ZERO
    #: The first residual, in words; empty when there is none.
    reason: str = ""
    #: What went wrong first, what is merely left over last.
    residuals: tuple[Residual, ...] = ()
    client_order_id: str | None = None


class ExecutionResult(Value):
    """The result of a plan, as it is recorded and given again for the same plan id."""

    success: bool
    status: PlanStatus
    plan_id: str
    correlation_id: str | None = None
    causation_id: str | None = None
    orders: tuple[OrderLine, ...] = ()
    items: tuple[ItemResult, ...] = ()
    orders_placed: int = 0
    orders_succeeded: int = 0
    #: Sum of quantity times price over every fill.
    total_trade_value: NonNegative = ZERO
    execution_timestamp: UtcTime
    metadata: Metadata = Field(default_factory=dict)

    @classmethod
    def of(
        cls,
        plan: PlanBase,
        orders: tuple[OrderLine, ...],
        items: tuple[ItemResult, ...],
        *,
        at: UtcTime,
        metadata: Metadata | None = None,
    ) -> Self:
        """Judge the whole from its lines."""
        status = judge(items)
        return cls(
            success=status is PlanStatus.SUCCESS,
            status=status,
            plan_id=plan.plan_id,
            correlation_id=plan.correlation_id,
            causation_id=plan.causation_id,
            orders=orders,
            items=items,
            orders_placed=len(orders),
            orders_succeeded=sum(order.success for order in orders),
            total_trade_value=sum((order.value for order in orders), ZERO),
            execution_timestamp=at,
            metadata=metadata or {},
        )

    @property
    def failure_count(self) -> int:
        """Orders that did not trade in full."""
        return self.orders_placed - self.orders_succeeded

    @property
    def success_rate(self) -> Decimal:
        """Orders that traded in full, as a part of all; 1 when there was none to send."""
        return Decimal(self.orders_succeeded) / (self.orders_placed or 1) if self.orders else _ALL

    @property
    def in_doubt(self) -> int:
        """Items whose outcome is not known."""
        return sum(item.status is ItemStatus.IN_DOUBT for item in self.items)

    @property
    def exit_code(self) -> ExitCode:
        """What a command that ran the plan exits with."""
        return ExitCode.IN_DOUBT if self.in_doubt else ExitCode[self.status]


_ALL = Decimal(1)
_FINE = frozenset({ItemStatus.FILLED, ItemStatus.HOLD, ItemStatus.DUST})


def judge(items: tuple[ItemResult, ...]) -> PlanStatus:
    """SUCCESS when nothing is left that could have traded; FAILURE when nothing traded at all."""
    if all(item.status in _FINE for item in items):
        return PlanStatus.SUCCESS
    if any(item.filled for item in items):
        return PlanStatus.PARTIAL_SUCCESS
    return PlanStatus.FAILURE
