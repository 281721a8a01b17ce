"""What every kind of plan has: its ids, its urgency, and what becomes of open orders."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, StringConstraints

from fillwright.types import Amount, Name, NonNegative, UtcTime, Value

#: More money, or shares, than any account holds; a larger number is a mistake.
MAX_AMOUNT = Decimal(10) ** 12


def _bounded(value: Decimal) -> Decimal:
    if abs(value) > MAX_AMOUNT:
        raise ValueError("the number is larger than any account; at most 1000000000000")
    return value


def _absent_is_empty(value: object) -> object:
    return {} if value is None else value


#: Signed account currency, or shares, within `MAX_AMOUNT`.
Money = Annotated[Amount, AfterValidator(_bounded)]
#: Zero or more, within `MAX_AMOUNT`.
Size = Annotated[NonNegative, AfterValidator(_bounded)]
#: A plan's name. Shorter than other names, so that `{plan_id}:{symbol}:{n}` is still a name.
PlanName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,87}$")]
#: Free JSON that is carried along and decides nothing.
Metadata = Annotated[dict[str, JsonValue], BeforeValidator(_absent_is_empty)]


class Urgency(StrEnum):
    """How long a plan may take before what is still open is canceled."""

    LOW = "LOW"
    NORMAL = "NORMAL"
    HIGH = "HIGH"
    URGENT = "URGENT"


class StaleOrders(StrEnum):
    """What happens to orders that are open when a plan starts."""

    CANCEL_ALL = "cancel_all"
    #: Those of this desk and their legs; orders placed by hand or by other programs stay.
    CANCEL_OURS = "cancel_ours"
    #: They stay, and sizing counts what they may still buy and sell.
    KEEP = "keep"


class PlanBase(Value):
    """The common part of all plans; `plan_id` names the decision, once and for ever."""

    plan_id: PlanName
    correlation_id: Name | None = None
    causation_id: Name | None = None
    timestamp: UtcTime | None = None
    execution_urgency: Urgency = Urgency.NORMAL
    stale_orders: StaleOrders = StaleOrders.CANCEL_OURS
    #: The tactic that works every line which names none itself.
    tactic: Name | None = None
    metadata: Metadata = Field(default_factory=dict)

    def content(self) -> bytes:
        """The plan as canonical JSON, fields at their default left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_defaults=True)

    def strategies(self, symbol: str) -> tuple[str, ...]:
        """The strategies that `metadata["strategy_attribution"]` names for `symbol`.

        A name, a list of names, and a table of name to share are understood; anything else
        attributes nothing.
        """
        attribution = self.metadata.get("strategy_attribution")
        named = attribution.get(symbol) if isinstance(attribution, dict) else None
        if isinstance(named, str):
            return (named,)
        if isinstance(named, list | dict):
            return tuple(name for name in named if isinstance(name, str))
        return ()
